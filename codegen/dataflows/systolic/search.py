"""The arrays and tilings on which a systolic engine can run a part of a network.

For every array each operation is tried in tiles of several heights, its loops over tiles inside or
outside of those over outputs. The fastest tiling that fits the accumulators and buffers is taken,
of equal ones that with the least traffic to memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shiftloom.codegen import cost
from shiftloom.codegen.dataflows.engine.build import operations_of
from shiftloom.codegen.dataflows.engine.candidate import Candidate, Wanted
from shiftloom.codegen.dataflows.engine.costs import Plain
from shiftloom.codegen.dataflows.engine.operations import Lanes, Op
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.dataflows.engine.program import ReadResidual
from shiftloom.codegen.dataflows.engine.steps import LOOPS, Steps
from shiftloom.codegen.dataflows.systolic import costs, cycles
from shiftloom.codegen.dataflows.systolic.compiled import ended
from shiftloom.codegen.dataflows.systolic.costs import BASE_PORTS
from shiftloom.codegen.dataflows.systolic.tiling import EMITTED_PIXELS, pitch
from shiftloom.codegen.dataflows.systolic.turns import Turns
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, OpPlan

SHAPES = ((64, 64), (32, 64), (32, 32), (16, 32), (16, 16), (8, 16), (8, 8))
"""Rows and columns of the arrays that are compared, the largest first."""
DEPTHS = (256, 512, 1024)
"""Pixels of the accumulators that are compared."""
BUFFERS = (512, 1024, 2048, 4096)
"""Words of a tile buffer that are compared."""
TRIALS = 6
"""Numbers of tiles beyond the fewest that are tried one by one; then they double."""
MAC_LUTS = 20
"""Least LUTs of a product with its sum: larger arrays than a board can have are not tried."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """A plan for one operation with its clocks, bytes, and what it needs of the engine."""

    plan: OpPlan
    cycles: int
    traffic: int
    pixels: int
    words: int


def candidates(wanted: Wanted) -> Iterator[Candidate]:
    """Arrays that the board has memory ports for, or the one that is asked for.

    The largest come first, or the smallest where there is a rate to reach; those are left out whose
    products alone take longer than the best one so far, or than the rate allows. Raises
    ShiftloomError where the board or the settings rule the engine out, or where a row of an
    operation does not fit the largest buffers.
    """
    best = wanted.allowed or math.inf
    ports, shapes = _ports(wanted), _shapes(wanted)
    for rows, columns in shapes if wanted.allowed is None else shapes[::-1]:
        lanes, is_last = Lanes(rows, columns), (rows, columns) == shapes[0]
        if not is_last and _least(wanted.part, lanes) >= best:
            continue
        found = [each for count in ports for each in _on_array(wanted, lanes, count)]
        yield from found
        reached = min((each.cycles for each in found if wanted.fits(each)), default=math.inf)
        if wanted.allowed is not None and reached <= wanted.allowed:
            return
        best = min(best, reached) if wanted.allowed is None else best


def _least(part: Found, lanes: Lanes) -> int:
    """Clocks of all steps of an array that never waits."""
    operations = operations_of(part.graph, lanes)
    return sum(op.pixels * sum(Steps(op, lanes).counts) for op in operations.ops)


def _ports(wanted: Wanted) -> tuple[int, ...]:
    board, asked = wanted.board, wanted.config.target.weight_ports
    least = BASE_PORTS + (asked or 1)
    if board.memory_ports < least:
        raise ShiftloomError(
            f"board {board.name}",
            f"has {board.memory_ports} memory ports, systolic needs {least}",
            "use dadiannao or streaming, or a board with memory ports",
        )
    if asked is not None:
        return (asked,)
    return tuple(n for n in (1, 2) if BASE_PORTS + n <= board.memory_ports)


def _shapes(wanted: Wanted) -> tuple[tuple[int, int], ...]:
    asked = wanted.config.target.array
    if asked is None:
        most = wanted.limits.lut / MAC_LUTS
        fitting = tuple(shape for shape in SHAPES if shape[0] * shape[1] <= most)
        return fitting or SHAPES[-1:]
    rows, columns = asked
    if rows < 8 or rows & (rows - 1) or columns % rows:
        raise ShiftloomError(
            "target.array",
            f"{list(asked)} is no array of systolic",
            "use a power of two from 8 on as rows, and columns that are a multiple of them",
        )
    return (asked,)


def _on_array(wanted: Wanted, lanes: Lanes, ports: int) -> Iterator[Candidate]:
    """The engine of an array for every size of its memories that changes something."""
    operations = operations_of(wanted.part.graph, lanes)
    turns = Turns(operations, ports)
    stationary = wanted.config.target.stationary
    is_output = stationary == "output"
    array = cycles.Array(lanes, is_output, max(DEPTHS), turns.beats)
    menus = [_tilings(turns, index, op, array, ports) for index, op in enumerate(operations.ops)]
    made: set[EnginePlan] = set()
    for pixels in (lanes.rows,) if is_output else DEPTHS:
        for buffer in BUFFERS:
            ops = [_best(menu, pixels, buffer) for menu in menus]
            if None in ops:
                continue
            chosen = [tiling for tiling in ops if tiling is not None]
            plan = _plan(wanted.part, lanes, ports, stationary, chosen)
            if plan not in made:
                made.add(plan)
                yield _measured(wanted, plan)
    if not made:
        _refuse(operations.ops, menus, lanes)


def _best(menu: Sequence[Tiling], pixels: int, buffer: int) -> Tiling | None:
    fitting = [each for each in menu if each.pixels <= pixels and each.words <= buffer]
    return min(fitting, key=lambda each: (each.cycles, each.traffic), default=None)


def _refuse(ops: Sequence[Op], menus: Sequence[Sequence[Tiling]], lanes: Lanes) -> None:
    """Name the first operation that fits no buffer."""
    for op, menu in zip(ops, menus, strict=True):
        words = min(each.words for each in menu)
        if words > max(BUFFERS):
            raise ShiftloomError(
                op.name,
                f"a row of its output reads {words} words of {lanes.rows} channels, "
                f"a tile buffer holds at most {max(BUFFERS)}",
                "use an array with more rows, or another dataflow for the layer",
            )


def _plan(
    part: Found,
    lanes: Lanes,
    ports: int,
    stationary: Literal["weight", "output"],
    chosen: Sequence[Tiling],
) -> EnginePlan:
    """Memories as large as the tilings need, in powers of two."""
    return EnginePlan(
        "systolic",
        part.nodes,
        part.graph.outputs[0],
        lanes.rows,
        lanes.columns,
        tuple(tiling.plan for tiling in chosen),
        stationary,
        ports,
        _power(max(tiling.pixels for tiling in chosen)),
        _power(max(tiling.words for tiling in chosen)),
    )


def _power(value: int) -> int:
    return 1 << (value - 1).bit_length()


def _tilings(turns: Turns, index: int, op: Op, array: cycles.Array, ports: int) -> list[Tiling]:
    """The tilings of an operation, each run alone."""
    found = []
    for rows, columns in _sizes(op, array):
        splits = (False,) if op.emits or len(turns.steps[index].lists) == 1 else (False, True)
        for is_split in splits:
            plan = OpPlan(op.name, rows, columns, LOOPS, is_split)
            alone = [
                replace(turn, load=replace(turn.load, wait=0), residual=_alone(turn.residual))
                for turn in turns.of(index, plan)
            ]
            clock, moved = cycles.frame(alone, array), sum(cycles.traffic(alone, ports))
            blocks = max(turn.load.segments for turn in alone)
            words = blocks * pitch(op, rows, columns)
            found.append(Tiling(plan, clock.end, moved, rows * columns, words))
    return found


def _sizes(op: Op, array: cycles.Array) -> list[tuple[int, int]]:
    """Tile heights that split the rows evenly, or parts of a row."""
    height, width = op.output
    most = array.lanes.rows if array.is_output else max(DEPTHS)
    if op.emits:
        one = -(-len(op.bias.data) // array.lanes.columns) == 1 if op.bias else True
        most = min(most, EMITTED_PIXELS) if one else 1
    if width > most:
        return [(1, most)]
    tallest = min(height, most // width)
    fewest = -(-height // tallest)
    counts = [*range(fewest, min(height, fewest + TRIALS) + 1), height]
    while counts[-2] * 2 < height:
        counts.insert(-1, counts[-2] * 2)
    return [(rows, width) for rows in sorted({-(-height // count) for count in counts})]


def _measured(wanted: Wanted, plan: EnginePlan) -> Candidate:
    """The clocks of a whole frame, no fewer than the memory's bandwidth allows."""
    operations = operations_of(wanted.part.graph, Lanes(plan.rows, plan.columns))
    turns = Turns(operations, plan.weight_ports)
    made = ended([turn for index, op in enumerate(plan.ops) for turn in turns.of(index, op)])
    clocks = cycles.frame(made, cycles.Array.of(plan, turns.beats)).end
    moved = sum(cycles.traffic(made, plan.weight_ports)) + cycles.input_bytes(operations)
    params = sum(len(each.lists) for each in turns.steps if each.op.kind == "conv")
    sizes = costs.sizes(plan, turns.widths, made, turns.table.depth, params)
    used = cost.predict(Plain("systolic", costs.measures(plan, turns.widths, sizes)))
    bound = _bound(moved, wanted)
    if bound > clocks:
        plan = replace(plan, memory_clocks=bound)
    return Candidate(plan, max(clocks, bound), used, moved)


def _bound(moved: int, wanted: Wanted) -> int:
    """Least clocks in which the external memory moves so many bytes."""
    rate = wanted.config.target.memory_gbs
    if rate is None:
        return -(-moved // (wanted.board.memory_ports * cycles.BEAT_BYTES))
    return int(moved * wanted.clock_mhz / (rate * 1e3)) + 1


def _alone(residual: ReadResidual | None) -> ReadResidual | None:
    """A residual that is there from the first."""
    return None if residual is None else replace(residual, wait=0)
