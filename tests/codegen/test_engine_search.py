"""The search for an engine: what it tries, what bounds it, and what it says where nothing works."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from graph_nets import frames
from refusals import refuses
from sketches import Sketch

from shiftloom.codegen import boards
from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows import registry
from shiftloom.codegen.dataflows.engine.assigned import find
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.search import Scheduled, plan_engines
from shiftloom.codegen.dataflows.engine.steps import LOOPS
from shiftloom.codegen.dataflows.systolic import cycles, menus
from shiftloom.codegen.dataflows.systolic.bandwidth import MAX_CLOCKS, Bandwidth
from shiftloom.codegen.dataflows.systolic.turns import Turns
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.plan import EnginePlan, Plan
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.quantize import quantize

BOARD = boards.get("pynq-z2")
TALL, FLAT, WIDE = (32, 16, 16), (4, 64, 16), (4, 1024, 16)
PROGRAM = "shiftloom.codegen.dataflows.engine.program.MAX_PROGRAM"


@cache
def _convs(height: int, width: int, channels: int) -> QGraph:
    """Two 3×3 convolutions, the second one the output."""
    sketch = Sketch(np.random.default_rng(1))
    x = sketch.conv(sketch.input((height, width, channels)), channels)
    y = sketch.conv(x, channels)
    graph = Graph("convs", tuple(sketch.inputs), tuple(sketch.nodes), (y,))
    return quantize(graph, frames(graph, 1, 1), parse({})).qgraph


def _plan(shape: tuple[int, int, int], **target: object) -> Plan:
    config = parse({"target": {"dataflow": "systolic", **target}})
    return registry.chosen(config).schedule(_convs(*shape), config, BOARD)[0]


def _engine(shape: tuple[int, int, int], **target: object) -> EnginePlan:
    return _plan(shape, **target).engines[0]


def test_arrays_that_cannot_run_a_part_leave_the_others() -> None:
    assert _engine(WIDE).rows == 16
    with refuses(
        "relu1_requant: a row of its output reads 6144 words of 8 channels, "
        "a tile buffer holds at most 4096; "
        "use an array with more rows, or another dataflow for the layer"
    ):
        _engine(WIDE, array=[8, 8])


def test_where_no_array_works_the_one_with_most_rows_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(menus, "BUFFERS", (64,))
    for target in ({}, {"fps": 1}):
        with refuses(
            "relu1_requant: a row of its output reads 192 words of 32 channels, "
            "a tile buffer holds at most 64; "
            "use an array with more rows, or another dataflow for the layer"
        ):
            _engine(FLAT, **target)


def test_tilings_of_too_many_tiles_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROGRAM, 31)
    monkeypatch.setattr(menus, "measured", None)
    with refuses(
        "conv2d2: needs 32 tiles, a program holds 31 instructions; "
        "use another dataflow for the layer"
    ):
        _engine(TALL, array=[8, 8])


def test_rows_that_need_more_tiles_than_a_program_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROGRAM, 1)
    monkeypatch.setattr(menus, "BUFFERS", (640,))
    with refuses(
        "relu1_requant: needs 2 tiles, a program holds 1 instructions; "
        "use an array with more rows, or another dataflow for the layer"
    ):
        _engine(TALL, array=[8, 8])


def test_a_program_that_is_too_long_takes_fewer_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [op.rows for op in _engine(TALL, array=[8, 8]).ops] == [8, 1]
    monkeypatch.setattr(PROGRAM, 34)
    assert [op.rows for op in _engine(TALL, array=[8, 8]).ops] == [16, 1]


def test_a_program_that_no_tiling_makes_short_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROGRAM, 32)
    with refuses(
        "in0: needs 33 instructions of Compute, the limit is 32; "
        "use a larger target.array, or give some layers another dataflow"
    ):
        _engine(TALL, array=[8, 8])


def test_steps_that_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.codegen.dataflows.engine.steps.MAX_STEPS", 10)
    with refuses(
        "in0: needs 18 entries of the step memory, the limit is 10; "
        "use a larger target.array, or give some layers another dataflow"
    ):
        _engine(FLAT, array=[8, 8])
    assert _engine(FLAT, array=[16, 16]).rows == 16


@pytest.mark.parametrize(
    ("dataflow", "array", "used", "fits"),
    [
        ("dadiannao", [512, 512], 4088401, [32, 32]),
        ("dadiannao", [64, 64], 73858, [32, 32]),
        ("systolic", [8, 4096], 655360, [8, 64]),
    ],
)
def test_an_array_that_is_too_large(
    dataflow: str, array: list[int], used: int, fits: list[int]
) -> None:
    with refuses(
        f"target.array: {array} takes {used} lut or more, the limit is 42560; "
        f"use a smaller array, such as {fits}"
    ):
        _plan(FLAT, dataflow=dataflow, array=array)


def test_an_array_whose_memories_are_too_large() -> None:
    with refuses(
        "target.array: [8, 8] with its memories takes 7 bram36 or more, the limit is 6; "
        "use a smaller array, a larger share or board"
    ):
        _plan(FLAT, array=[8, 8], bram_share=0.045)


@pytest.mark.parametrize(
    ("target", "way"),
    [
        ({}, "use a smaller target.array, a larger share or board"),
        ({"fps": 1}, "ask for fewer frames/s, a larger share or board"),
    ],
)
def test_what_is_next_to_an_engine_does_not_fit(target: dict[str, int], way: str) -> None:
    def scheduler(*_: object) -> Scheduled:
        hint = "ask for fewer frames/s, a larger share or board"
        raise ShiftloomError("board pynq-z2", "9 lut predicted, the limit is 8", hint)

    config = parse({"target": {"dataflow": "systolic", "array": [8, 8], **target}})
    with refuses(f"board pynq-z2: 9 lut predicted, the limit is 8; {way}"):
        plan_engines(_convs(*FLAT), config, BOARD, scheduler)


def test_a_board_on_which_no_array_fits() -> None:
    with refuses(
        "target.array: [8, 8] takes 1280 lut or more, the limit is 532; use a larger share or board"
    ):
        _plan(FLAT, array=[8, 8], lut_share=0.01)


def test_a_memory_that_makes_a_frame_too_long() -> None:
    with refuses(
        "target.memory_gbs: 1e-06 makes a frame 8492000000 clocks, the limit is 100000000; "
        "use at least 8.5e-05 GB/s"
    ):
        _engine(FLAT, array=[8, 8], memory_gbs=1e-6)
    clocks = _engine(FLAT, array=[8, 8], memory_gbs=8.5e-5).memory_clocks
    assert MAX_CLOCKS * 0.9 < clocks <= MAX_CLOCKS


def test_a_frame_that_is_too_long_without_its_memory() -> None:
    memory = Bandwidth(3, 1.0, 100.0)
    with refuses(
        "target.memory_gbs: 1 makes a frame 300000000 clocks, the limit is 100000000; "
        "use a larger target.array"
    ):
        memory.check(3 * MAX_CLOCKS, MAX_CLOCKS, 1)
    Bandwidth(3, None, 100.0).check(3 * MAX_CLOCKS, MAX_CLOCKS, 1)


def test_a_bandwidth_is_that_of_the_ports_at_most() -> None:
    assert Bandwidth(3, None, 100.0).clocks(240) == 10
    assert Bandwidth(3, 100.0, 100.0).clocks(240) == 10
    assert Bandwidth(3, 1.2, 100.0).clocks(240) == 20


def test_a_slow_memory_takes_tiles_of_less_traffic() -> None:
    fast, slow = _engine(FLAT, array=[8, 8]), _engine(FLAT, array=[8, 8], memory_gbs=0.05)
    assert slow.ops[0].rows > fast.ops[0].rows
    assert fast.memory_clocks == 0


def _measured(memory: Bandwidth) -> list[list[menus.Tiling]]:
    (part,) = find(_convs(*FLAT), parse({"target": {"dataflow": "systolic"}}))
    lanes = Lanes(8, 8)
    turns = Turns(lower(part.graph, lanes), 1)
    array = cycles.Array(lanes, False, max(menus.DEPTHS), turns.beats)
    return [
        menus.measured(turns, index, menus.sizes(steps, array), array, memory)
        for index, steps in enumerate(turns.steps)
    ]


def test_operations_bound_by_memory_do_not_share_the_time_of_others() -> None:
    gbs = 0.6
    engine = _engine(FLAT, array=[8, 8], memory_gbs=gbs)
    chosen = [
        min(menu, key=lambda each: (each.clocks, each.traffic))
        for menu in _measured(Bandwidth(3, gbs, BOARD.clock_mhz))
    ]
    assert {each.bound > each.cycles for each in chosen} == {True, False}
    assert engine.memory_clocks > sum(each.clocks for each in chosen)


def test_interchanged_loops_are_measured_and_slower() -> None:
    for menu in _measured(Bandwidth(3, None, 100.0)):
        (other,) = (each for each in menu if each.size.plan.loops == menus.INTERCHANGED)
        assert other.size.plan.loops != LOOPS
        fastest = min(menu, key=lambda each: each.cycles)
        assert fastest.size.plan.loops == LOOPS
        assert fastest.cycles < other.cycles
        assert fastest.traffic == other.traffic
