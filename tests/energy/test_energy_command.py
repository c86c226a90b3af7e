"""The command `shiftloom quality` on a build: golden, HLS C++ and RTL at every K, and plots."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shiftloom import flow
from shiftloom.codegen import cli
from shiftloom.codegen.config import parse
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Linear
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array
from shiftloom.energy import sweep
from shiftloom.energy.sweep import Hardware
from shiftloom.rtl_sim import tools

FRAMES = np.random.default_rng(3).integers(0, 256, (6, 1, 1, 8))
LABELS = np.arange(6, dtype=np.uint8) % 4


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A fully connected layer on signed digits, and its frames beside it."""
    rng = np.random.default_rng(1)
    weights = Array(rng.normal(size=(4, 8)).astype(np.float32))
    layer = Linear(weights, Array(np.zeros(4, np.float32)))
    graph = Graph(
        "net", (GraphInput((1, 1, 8), 8, 1, 0),), (Node("fc", layer, ("input",)),), ("fc",)
    )
    config = parse({"defaults": {"format": "int", "pe": "csd", "folding": [1, 2]}})
    flow.build(quantize(graph, FRAMES, config), config, tmp_path / "net")
    np.savez(tmp_path / "frames.npz", x=FRAMES.astype(np.uint8), y=LABELS)
    return tmp_path / "net"


def swept(build: Path) -> tuple[int, str, list[dict[str, object]]]:
    """Exit code, what was said, and the figures."""
    folder = build.parent
    given = ("--frames", folder / "frames.npz", "--json", folder / "q.json", "--picojoule", 2)
    more = ("--cache", folder / "cache", "--simulated", 4)
    run = CliRunner().invoke(cli.app, ["quality", *map(str, (build, *given, *more))])
    points: list[dict[str, object]] = json.loads((folder / "q.json").read_text())
    return run.exit_code, run.output, points


def test_a_build_is_swept_in_hardware(build: Path) -> None:
    pytest.importorskip("altair")
    missing = [
        status.name
        for status in tools.find_all()
        if status.name in ("verilator", "g++", "perl") and not status.found
    ]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{missing} are missing")
    code, text, points = swept(build)
    assert code == 0, text
    assert [point["label"] for point in points] == ["K = 4", "K = 3", "K = 2", "K = 1"]
    for point in points:
        found = point["hardware"]
        assert isinstance(found, dict)
        assert (found["images"], found["hls_mismatches"], found["rtl_mismatches"]) == (4, 0, 0)
        toggles = sum(found["toggles"].values())
        assert point["nanojoule"] == pytest.approx(toggles * 2 / 1000)
    units = [point["hardware"]["toggles"]["u_fc_matrix"] for point in points]  # type: ignore[index]
    assert units[-1] < units[0]
    results = build.with_name("net.results")
    drawn = {path.stem for path in results.glob("*.svg")}
    assert drawn == {"quality_products", "quality_toggles", "quality_energy"}
    assert json.loads((results / "quality.json").read_text())["value"] == points


@pytest.mark.parametrize("option", ["--config", "--model", "--checkpoint", "--calibration"])
def test_a_build_without_levels_has_its_network(build: Path, option: str) -> None:
    run = CliRunner().invoke(cli.app, ["quality", str(build), option, "file"])
    assert str(run.exception) == (
        f"{build}: is a build, whose network is settled; leave out the options that make a network"
    )


def test_a_mismatch_fails_the_command(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Hardware(4, 0, 3, {"net": 1.0}, "image 0: wrong")
    monkeypatch.setattr(sweep, "measured", lambda *_: wrong)
    code, text, _ = swept(build)
    assert code == 1
    assert "K = 1: 0 wrong outputs of HLS, 3 of RTL. image 0: wrong" in text
