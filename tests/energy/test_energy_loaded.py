"""The command `shiftloom quality` on a build of a model file, whose weights can be loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from typer.testing import CliRunner

from shiftloom.codegen import cli
from shiftloom.models import registry

SETTINGS = "defaults: {weights: ram, m_bits: 7}\nlayers:\n  second: {weights: rom}\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two convolutions, its frames, its settings, and its build."""
    folder = tmp_path_factory.mktemp("loaded")
    rng = np.random.default_rng(1)
    shapes = {"v": (2, 1, 3, 3), "w": (3, 2, 2, 2)}
    weights = [
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 1, 4, 4]), ("z", [1, 3, 1, 1]))
    ]
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["y"], "first"),
        helper.make_node("Conv", ["y", "w"], ["z"], "second"),
    ]
    graph = helper.make_graph(nodes, "net", ports[:1], ports[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, folder / "net.onnx")
    frames = rng.integers(0, 256, (30, 4, 4, 1), dtype=np.uint8)
    np.savez(folder / "x.npz", x=frames, y=np.arange(30, dtype=np.uint8) % 3)
    (folder / "c.yaml").write_text(SETTINGS)
    options = ("--config", folder / "c.yaml", "-o", folder)
    assert said("build", *made_of(folder), *options) == ""
    return folder


def made_of(folder: Path) -> tuple[object, ...]:
    """The options that name the network."""
    return ("--model", folder / "net.onnx", "--calibration", folder / "x.npz")


def said(command: str, *arguments: object) -> str:
    """What a command refuses, nothing where it does not."""
    run = CliRunner().invoke(cli.app, [command, *map(str, arguments)])
    assert run.exception or run.exit_code == 0
    return str(run.exception or "")


def test_levels_are_merged_into_the_settings_of_the_build(here: Path) -> None:
    options = ("--golden", "--frames", here / "x.npz", "--json", here / "q.json")
    given = (*made_of(here), "--config", here / "c.yaml", *options)
    assert said("quality", here / "net", *given) == ""
    points = json.loads((here / "q.json").read_text())
    assert [point["label"] for point in points] == ["φ = 4", "φ = 2", "φ = 1"]
    assert len({point["digits"] for point in points}) > 1


def test_a_build_of_other_settings_asks_for_them(here: Path) -> None:
    found = said("quality", here / "net", *made_of(here), "--golden", "--frames", here / "x.npz")
    assert found.startswith(
        f"{here / 'net'}: second_requant: is another unit than that of the build"
    )
    assert found.endswith("; give the network and the --config of the build")


def test_a_build_of_a_file_asks_for_it(here: Path) -> None:
    assert said("quality", here / "net", "--golden") == (
        f"{here / 'net'}: 'net' is no known network, and φ takes its float weights; "
        "give its file by --model"
    )


def test_a_tuned_build_has_its_own_level(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "known", lambda _: "lenet5_w3")
    assert said("quality", here / "net", "--golden") == (
        f"{here / 'net'}: 'net' was tuned at its own φ, and has no weights of another one; "
        "build 'lenet5'"
    )


def test_a_board_is_refused(here: Path) -> None:
    assert "whose network is settled" in said("quality", here / "net", "--board", "pynq-z2")
