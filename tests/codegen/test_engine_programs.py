"""Programs of the engines, run word by word, equal the golden model; what no engine runs."""

from __future__ import annotations

from dataclasses import replace

import graph_nets
import numpy as np
import pytest
from engine_parts import frames, pad_of, part_to, systolic_plan
from refusals import refuses

from shiftloom.codegen import golden
from shiftloom.codegen.dataflows.dadiannao import compiled as dadiannao
from shiftloom.codegen.dataflows.dadiannao import interpret as neurons
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.program import MAX_PROGRAM, Compute, decoded
from shiftloom.codegen.dataflows.engine.steps import LOOPS, Steps
from shiftloom.codegen.dataflows.systolic import compiled as systolic
from shiftloom.codegen.dataflows.systolic import interpret as array
from shiftloom.codegen.qgraph import QGraph, Requantize
from shiftloom.codegen.values import Array

PARTS = (
    ("residual", "linear15"),
    ("branches", "linear13"),
    ("grouped", "conv2d9"),
    ("grouped", "conv2d4"),
    ("two_outputs", "linear4"),
    ("formats", "linear10"),
    ("formats", "conv2d6"),
    ("resized", "conv2d2"),
)
SHAPES = ((8, 8, 1, (99, 99), False), (8, 16, 2, (2, 99), False), (16, 32, 1, (1, 3), True))


def _part(network: str, mac: str) -> QGraph:
    return part_to(graph_nets.quantized(network).qgraph, mac)


@pytest.mark.parametrize(("network", "mac"), PARTS)
@pytest.mark.parametrize("rows", [4, 16])
def test_dadiannao_program_is_exact(network: str, mac: str, rows: int) -> None:
    part = _part(network, mac)
    operations = lower(part, Lanes(rows, rows))
    program = dadiannao.compile_program(operations, (LOOPS,) * len(operations.ops))
    x = frames(part, 3)
    assert (neurons.run(program, x, pad_of(part)).reshape(3, -1) == golden.run(part, x)).all()


@pytest.mark.parametrize(("network", "mac"), PARTS)
@pytest.mark.parametrize(("rows", "columns", "ports", "tile", "is_split"), SHAPES)
def test_systolic_program_is_exact(
    network: str,
    mac: str,
    rows: int,
    columns: int,
    ports: int,
    tile: tuple[int, int],
    is_split: bool,
) -> None:
    part = _part(network, mac)
    operations = lower(part, Lanes(rows, columns))
    plan = systolic_plan(operations, ports, tile, is_split)
    program = systolic.compile_program(operations, plan)
    x = frames(part, 3)
    assert (array.run(program, x, pad_of(part)).reshape(3, -1) == golden.run(part, x)).all()


def test_every_order_of_the_loops_is_exact() -> None:
    part = _part("residual", "conv2d7")
    operations = lower(part, Lanes(4, 4))
    x = frames(part, 1)
    wanted = golden.run(part, x)
    for loops in (("block", "ky", "kx"), ("kx", "block", "ky")):
        program = dadiannao.compile_program(operations, (loops,) * len(operations.ops))
        assert (neurons.run(program, x).reshape(1, -1) == wanted).all()


def test_a_changed_program_is_seen() -> None:
    part = _part("residual", "conv2d7")
    operations = lower(part, Lanes(4, 4))
    program = dadiannao.compile_program(operations, (LOOPS,) * len(operations.ops))
    bias = program.bias.data.copy()
    bias[-1, 0] += 1
    x = frames(part, 1)
    changed = neurons.run(replace(program, bias=Array(bias)), x).reshape(1, -1)
    assert (changed != golden.run(part, x)).any()


def test_zero_tiles_are_skipped() -> None:
    operations = lower(_part("grouped", "conv2d4"), Lanes(4, 4))
    depthwise = operations.ops[1]
    assert Steps(depthwise, operations.lanes).counts == (9, 9)
    assert depthwise.source.blocks == 2


def test_equal_lists_are_kept_once() -> None:
    operations = lower(_part("residual", "conv2d4"), Lanes(4, 4))
    program = dadiannao.compile_program(operations, (LOOPS,) * len(operations.ops))
    first, *rest = (decoded(Compute, row) for row in program.prog.data)
    assert [at.step for at in rest] == [0, 0]
    assert first.step == 0
    assert len(program.step.data) == 9


def test_rows_of_a_kernel_lie_side_by_side() -> None:
    operations = lower(_part("residual", "conv2d0"), Lanes(8, 8))
    assert operations.front is not None
    assert operations.source.tensor.shape == (9, 7, 6)
    assert operations.ops[0].window.kernel == (3, 1)


def test_maps_share_words_and_the_input_does_not() -> None:
    operations = lower(_part("residual", "conv2d9"), Lanes(4, 4))
    program = dadiannao.compile_program(operations, (LOOPS,) * len(operations.ops))
    assert program.depth < sum(each.words for each in operations.maps)
    starts = [decoded(Compute, row).dst for row in program.prog.data[:-1]]
    assert min(starts) >= operations.map(operations.source.name).words


def test_units_that_no_engine_has() -> None:
    with refuses(
        "upsample4: no engine has the unit Upsample; "
        "give the layer another dataflow, as layers.<node>.dataflow: streaming"
    ):
        lower(_part("resized", "conv2d10"), Lanes(4, 4))


def test_thresholds() -> None:
    part = _part("residual", "conv2d2")
    node = next(node for node in part.nodes if isinstance(node.unit, Requantize))
    steps = Array(np.zeros((4, 255), np.int64))
    function = replace(node.unit.requantization, steps=steps)
    nodes = tuple(
        replace(each, unit=Requantize(function)) if each is node else each for each in part.nodes
    )
    with refuses(
        "relu1_requant: no engine requantizes by thresholds; "
        "give the layer another dataflow, as layers.<node>.dataflow: streaming"
    ):
        lower(replace(part, nodes=nodes), Lanes(4, 4))


def test_a_program_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.codegen.dataflows.engine.program.MAX_PROGRAM", 2)
    assert MAX_PROGRAM == 1024
    operations = lower(_part("residual", "conv2d4"), Lanes(4, 4))
    with refuses(
        "in0: needs 3 instructions of Compute, the limit is 2; "
        "use a larger target.array, or give some layers another dataflow"
    ):
        dadiannao.compile_program(operations, (LOOPS,) * len(operations.ops))
