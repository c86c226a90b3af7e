"""`shiftloom prune`, and the other commands with a configuration that prunes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from typer.testing import CliRunner

from shiftloom import comparison
from shiftloom.codegen import cli
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.pruning.savings import LayerCost, PlanCost, Survey
from shiftloom.comparison import Side


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of two convolutions, 8 and 4 filters, and labelled frames."""
    rng = np.random.default_rng(0)
    shapes = {"a": (8, 1, 3, 3), "b": (4, 8, 3, 3)}
    weights = [
        numpy_helper.from_array(np.float32(rng.normal(size=shape)), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["y"], "conv1"),
        helper.make_node("Relu", ["y"], ["r"], "relu1"),
        helper.make_node("Conv", ["r", "b"], ["z"], "conv2"),
    ]
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 1, 5, 5]), ("z", [1, 4, 1, 1]))
    ]
    graph = helper.make_graph(nodes, "net", ports[:1], ports[1:], weights)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), tmp_path / "net.onnx")
    x = rng.integers(0, 256, (16, 5, 5, 1), dtype=np.uint8)
    np.savez(tmp_path / "frames.npz", x=x, y=rng.integers(0, 4, 16).astype(np.uint8))
    return tmp_path


def run(folder: Path, command: str, config: str, *more: str) -> Any:
    """What a command writes as JSON."""
    (folder / "c.yaml").write_text(config)
    model, frames = str(folder / "net.onnx"), str(folder / "frames.npz")
    files = ["--model", model, "--calibration", frames, "--config", str(folder / "c.yaml")]
    written = folder / "figures.json"
    arguments = [command, *files, *more, "--json", str(written)]
    cli.app(arguments, standalone_mode=False)
    return json.loads(written.read_text())


def test_channels_before_and_after(folder: Path) -> None:
    config = "pruning: {method: filter_l1, share: 0.5}"
    found = run(folder, "prune", config, "--frames", str(folder / "frames.npz"))
    before, after = (found[side]["survey"] for side in ("before", "after"))
    assert [(r["layer"], r["filters"], r["weights"]) for r in before["layers"]] == [
        ("conv1", 8, 72),
        ("conv2", 4, 288),
    ]
    assert [(r["filters"], r["weights"], r["zeros"]) for r in after["layers"]] == [
        (4, 36, 0),
        (4, 144, 0),
    ]
    assert [r["products"] for r in after["layers"]] == [9 * 36, 144]
    assert after["plan"]["resources"]["lut"] < before["plan"]["resources"]["lut"]
    assert found["after"]["accuracy"]["images"] == 16


def test_zeros_before_and_after(folder: Path) -> None:
    found = run(folder, "prune", "pruning: {method: magnitude, share: 0.5}")
    before, after = (found[side]["survey"]["layers"] for side in ("before", "after"))
    assert [row["zeros"] for row in after] == [36, 144]
    for one, other in zip(before, after, strict=True):
        assert other["adders"] < 0.8 * one["adders"]
        assert other["burnt_in"] < 0.8 * one["burnt_in"]
        assert other["products"] * 2 == one["products"]
    assert found["after"]["accuracy"] is None


def test_blocks_of_zeros_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(folder, "prune", "pruning: {method: block, block: [4, 4], share: 0.5}")
    layers = [found[side]["survey"]["layers"] for side in ("before", "after")]
    assert [row["blocks"] for row in layers[0]] == [None, None]
    assert [row["blocks"] for row in layers[1]] == [[9, 18], [9, 18]]
    assert [row["zeros"] for row in layers[1]] == [36, 144]
    said = " ".join(capsys.readouterr().out.split())
    assert "Blocks of 0, steps that an engine skips: conv1 9 of 18, conv2 9 of 18." in said


def test_a_network_without_a_plan_is_still_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = "{pruning: {method: filter_l1}, layers: {conv2: {folding: [4, 36], pe: shift}}}"
    found = run(folder, "prune", config)
    assert found["before"]["survey"]["plan"] is not None
    config = "{pruning: {method: filter_l1}, layers: {conv1: {folding: [8, 9], pe: shift}}}"
    found = run(folder, "prune", config)
    assert found["after"]["survey"]["plan"] is None
    assert "No plan after pruning: conv1: folding PE=8, SIMD=9" in capsys.readouterr().out


def test_layers_are_compared_on_the_same_pe_and_idle_zeros_named() -> None:
    def side(zeros: int) -> Side:
        layers = (
            LayerCost("small", 2, 8, zeros, 8 - zeros, "mvu_shift", 40.0, 0.0, 5, 50.0 - zeros),
            LayerCost("large", 4, 90, zeros, 90 - zeros, "mvu_dsp", 70.0, 3.0),
        )
        return Side(Survey(layers, PlanCost(10, 20, Resources(300, 200, 3, 1.5))), None)

    small, large = comparison.layer_rows(side(0), side(4))
    assert (small.pe, small.lut, small.dsp) == (("constant",) * 2, (50.0, 46.0), (0, 0))
    assert (large.pe, large.lut, large.dsp) == (("mvu_dsp",) * 2, (70.0, 70.0), (3.0, 3.0))
    said = "Zeros save no hardware in large: their PEs multiply by 0 as well."
    assert said in comparison.notes(side(0), side(4))
    assert len(comparison.notes(side(4), side(4))) == 1


def test_cells_that_another_pe_moved_are_named() -> None:
    def side(kind: str) -> Side:
        layers = (LayerCost("large", 4, 90, 0, 90, kind, 70.0, 3.0),)
        return Side(Survey(layers, PlanCost(10, 20, Resources(300, 200, 3, 1.5))), None)

    said = "The plan gave large another PE; that moved their cells."
    assert said in comparison.notes(side("mvu_dsp"), side("mvu_shift"))


def test_a_tuned_network_is_not_pruned_as_its_base(folder: Path) -> None:
    path = folder / "settings.yaml"
    path.write_text("pruning: {method: magnitude}\n")
    run = CliRunner().invoke(cli.app, ["prune", "lenet5_w3", "--config", str(path)])
    assert str(run.exception) == (
        "network 'lenet5_w3': was tuned with settings of its own; take 'lenet5'"
    )


def test_nothing_to_prune_is_refused(folder: Path) -> None:
    message = "^pruning.method: is 'none'; name one in a file for --config$"
    with pytest.raises(ShiftloomError, match=message):
        run(folder, "prune", "target: {fps: 10}")


@pytest.mark.parametrize("command", ["build", "quantize"])
def test_other_commands_work_on_the_pruned_network(folder: Path, command: str) -> None:
    config = "pruning: {method: filter_fpgm, share: 0.5}"
    output = ["-o", str(folder)] if command == "build" else ["--frames", str(folder / "frames.npz")]
    found = run(folder, command, config, *output)
    assert found["weight_bits"] == 3 * (36 + 144) + 32 * (4 + 4)
