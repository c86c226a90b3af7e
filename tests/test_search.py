"""Mixed precision through the command: LeNet-5 from sensitivities to a build, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from test_cli import run
from typer.testing import CliRunner

from shiftloom import flow, search_results
from shiftloom.codegen import cli, config
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.mixed import costs
from shiftloom.codegen.mixed.candidates import PHI
from shiftloom.codegen.mixed.costs import Meter
from shiftloom.codegen.qgraph import QGraph
from shiftloom.search import Problem, explore

SMALL = "calibration: {frames: 24}\n"
"""Settings that make a search short."""
FEW = "candidates: [{phi: 1}, {phi: 4}, {phi: 1, activation_bits: 4}]\n"


def said(*arguments: object) -> str:
    """What the command prints, or its refusal."""
    run = CliRunner().invoke(cli.app, ["search", *map(str, arguments)])
    return str(run.exception) if run.exception else run.output


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with short settings and candidates."""
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "few.yaml").write_text(FEW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMON = ("lenet5", "--config", "small.yaml", "--images", 60, "--json", "s.json")


def test_search_writes_settings_that_build_takes(here: Path) -> None:
    said(*COMMON, "--budget-bits", 142_786, "--front", 3)
    found = json.loads((here / "s.json").read_text())
    chosen = found["chosen"]
    assert chosen["cost"] == chosen["weight_bits"] <= 142_786
    assert found["unit"] == "weight bits"
    assert [row["name"] for row in found["uniform"]] == ["phi 1", "phi 2", "phi 4"]
    assert chosen["damage"] < found["uniform"][0]["damage"]
    assert chosen["damage"] == pytest.approx(
        sum(row["damages"][row["choice"]] for row in found["layers"])
    )
    assert 0.9 <= chosen["accuracy"] <= 1
    assert 2 < chosen["code_bits"] < 3
    settings = config.load(here / "out/lenet5.yaml")
    assert {name: f"phi {layer.phi}" for name, layer in settings.layers.items()} == {
        row["layer"]: row["choice"] for row in found["layers"]
    }
    assert settings.calibration.frames == 24
    damages = [row["damage"] for row in found["front"]]
    assert damages == sorted(damages, reverse=True)
    assert [row["cost"] for row in found["front"]][::2] == [130_492, 191_962]
    assert "var(" not in (here / "out/lenet5.results/front.svg").read_text()
    arguments = ["build", "lenet5", "--config", "out/lenet5.yaml", "-o", "built"]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    assert (here / "built/lenet5/manifest.json").is_file()


def test_a_budget_that_all_meet_gives_the_best_everywhere(here: Path) -> None:
    said(*COMMON, "--budget-energy", 1e12, "--candidates", "few.yaml")
    found = json.loads((here / "s.json").read_text())
    assert found["chosen"]["weight_bits"] == 191_962
    assert found["chosen"]["cost"] == 191_962 * 200
    for layer in found["layers"]:
        assert layer["damages"][layer["choice"]] == min(layer["damages"].values())


def test_luts_are_those_of_the_chosen_plan(here: Path) -> None:
    options = ("--target-fps", 2000, "--candidates", "few.yaml", "-o", "here.yaml")
    said(*COMMON, "--budget-luts", 1_600, *options)
    found = json.loads((here / "s.json").read_text())
    uniform = [row["cost"] for row in found["uniform"]]
    assert min(uniform) < 1_500 < found["chosen"]["cost"] <= 1_600 < max(uniform)
    assert len(set(found["chosen"]["choices"].values())) > 1
    text = (here / "here.yaml").read_text()
    assert config.load(here / "here.yaml").target.fps == 2000
    assert "&" not in text
    arguments = ["build", "lenet5", "--config", "here.yaml", "-o", "built", "--json", "b.json"]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    built = json.loads((here / "b.json").read_text())
    assert built["predicted"]["lut"] == pytest.approx(found["chosen"]["cost"])


def test_a_model_without_labels_is_searched_by_its_outputs(here: Path) -> None:
    tiny(here / "tiny.onnx")
    rng = np.random.default_rng(2)
    np.save(here / "x.npy", rng.integers(0, 256, (30, 4, 4, 1), dtype=np.uint8))
    model = ("--model", "tiny.onnx", "--calibration", "x.npy", "--json", "s.json")
    for by in ("divergence", "hessian"):
        said(*model, "--front", 2, "--by", by)
        found = json.loads((here / "s.json").read_text())
        assert (found["by"], found["chosen"]) == (by, None)
        assert [row["accuracy"] for row in found["front"]] == [None, None]
        assert [row["choice"] for row in found["layers"]] == [None, None]
    assert not (here / "out").exists()
    assert said(*model, "--front", 2, "--by", "loss") == (
        "--by loss: the calibration frames have no labels; use --by divergence"
    )


def tiny(path: Path) -> None:
    """Two convolutions as an ONNX file."""
    rng = np.random.default_rng(1)
    shapes = ((2, 1, 3, 3), (3, 2, 2, 2))
    weights = [
        numpy_helper.from_array(rng.normal(0, 1, shape).astype(np.float32), name)
        for shape, name in zip(shapes, "vw", strict=True)
    ]
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 1, 4, 4]), ("z", [1, 3, 1, 1]))
    ]
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["y"]),
        helper.make_node("Conv", ["y", "w"], ["z"]),
    ]
    graph = helper.make_graph(nodes, "net", ports[:1], ports[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


OPTIONS = "--budget-bits, --budget-luts or --budget-energy"
REFUSALS = {
    ("lenet5",): f"budget: is missing; give {OPTIONS}, or --front",
    (
        *("lenet5", "--budget-bits", 1, "--budget-energy", 1),
    ): f"budget: 2 were given; give one of {OPTIONS}",
    ("lenet5", "--budget-luts", 1): "--budget-luts: depends on the rate; give --target-fps",
    ("lenet5", "--front", 2, "--by", "luck"): (
        "--by: unknown measure 'luck'; use divergence, loss, hessian"
    ),
    ("lenet5", "--front", 2, "-o", "a.yaml"): (
        "--output a.yaml: without a budget nothing is chosen; leave it out"
    ),
    ("lenet5", "--budget-bits", 1, "-o", "a.toml"): (
        "--output a.toml: suffix '.toml'; settings are written as .yaml"
    ),
    ("lenet5_w2", "--front", 2): (
        "network 'lenet5_w2': was tuned with settings of its own; take 'lenet5'"
    ),
    ("lenet5", "--front", 2, "--by", "hessian", "--candidates", "few.yaml"): (
        "candidate 'phi 1, activation_bits 4': the Hessian is that of weights, not of "
        "activations; use --by divergence"
    ),
}


@pytest.mark.parametrize("arguments", REFUSALS, ids=lambda arguments: " ".join(map(str, arguments)))
def test_refusals(arguments: tuple[object, ...], here: Path) -> None:
    assert said(*arguments) == REFUSALS[arguments]
    assert not (here / "out").exists()


def test_a_front_needs_the_chart_library(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_results, "find_spec", lambda name: None)
    assert said("lenet5", "--front", 2) == (
        "--front: altair is not installed; pip install 'shiftloom[report]'"
    )


def test_a_budget_that_nothing_meets_names_the_least(here: Path) -> None:
    assert said(*COMMON, "--budget-bits", 130_491) == (
        "budget: 130,491 weight bits, the cheapest assignment takes 130,492; "
        "give at least as much, or cheaper candidates"
    )
    assert not (here / "out").exists()


def test_a_network_without_weights_is_refused(here: Path) -> None:
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, 4, 4]) for name in "xy"
    ]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "net", ports[:1], ports[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), "relu.onnx")
    np.save("x.npy", np.zeros((2, 4, 4, 1), np.uint8))
    assert said("--model", "relu.onnx", "--calibration", "x.npy", "--front", 2) == (
        "relu: has no layer with weights; build it as it is"
    )


def joint(qgraph: QGraph, settings: Config) -> dict[str, float]:
    """Bits, and 3,000 more where layers differ: what joins them."""
    bits = costs.weight_bits(qgraph, settings)
    mixed = len({settings.layer(name).phi for name in bits}) > 1
    return {**bits, "input": 3000.0 * mixed}


def test_the_budget_holds_for_what_the_mixed_network_costs() -> None:
    frames, labels = flow.calibration_set("lenet5")
    given = {"calibration": {"frames": 8}}
    network, meter = flow.load_network("lenet5"), Meter("bits", joint)
    problem = Problem(network, frames, labels, given, (PHI[0], PHI[2]), meter)
    space = explore(problem, "loss", lambda done, of_all: None)
    assert problem.variant((1, 0, 0, 0, 0)).cost == 130_492 + 150 + 3000
    assert set(space.within(130_642).variant.choices.values()) == {"phi 1"}
    assert len(set(space.within(142_786).variant.choices.values())) == 2
    for limit in (134_000, 142_786, 191_962):
        assert space.within(limit).variant.cost <= limit
    dear = replace(space, problem=replace(problem, meter=Meter("bits", twice)))
    with pytest.raises(ShiftloomError) as caught:
        dear.within(140_000)
    assert str(caught.value) == (
        "budget: 140,000 bits, the cheapest assignment takes 260,984; "
        "give at least as much, or cheaper candidates"
    )


def test_a_front_has_a_bounded_number_of_points(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "search", "lenet5", "--front", "1000000") == 2
    assert "'--front': Input should be less than or equal to 100; see" in capsys.readouterr().err


def test_a_front_quantizes_each_assignment_once() -> None:
    frames, labels = flow.calibration_set("lenet5")
    quantized: list[QGraph] = []

    def counted(qgraph: QGraph, settings: Config) -> dict[str, float]:
        quantized.append(qgraph)
        return costs.weight_bits(qgraph, settings)

    network, given = flow.load_network("lenet5"), {"calibration": {"frames": 8}}
    problem = Problem(network, frames, labels, given, (PHI[0], PHI[2]), Meter("bits", counted))
    space = explore(problem, "divergence", lambda done, of_all: None)
    quantized.clear()
    assert 2 < len(space.along(100)) == len(quantized) <= 2**5


def twice(qgraph: QGraph, settings: Config) -> dict[str, float]:
    """Twice the bits."""
    return {name: 2 * bits for name, bits in costs.weight_bits(qgraph, settings).items()}
