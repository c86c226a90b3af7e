"""The arrays and tilings on which a systolic engine can run a part of a network.

For every array each operation is tried in tiles of several heights, its loops over tiles inside or
outside of those over outputs. The fastest tiling that fits the accumulators and buffers is taken,
of equal ones that with the least traffic to memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.engine.build import operations_of
from shiftloom.codegen.dataflows.engine.candidate import Candidate
from shiftloom.codegen.dataflows.engine.operations import Lanes, Op
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.dataflows.engine.program import ReadResidual
from shiftloom.codegen.dataflows.engine.steps import LOOPS
from shiftloom.codegen.dataflows.systolic import cycles
from shiftloom.codegen.dataflows.systolic.compiled import ended
from shiftloom.codegen.dataflows.systolic.tiling import EMITTED_PIXELS, pitch
from shiftloom.codegen.dataflows.systolic.turns import Turns
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, OpPlan

SHAPES = ((8, 8), (8, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64))
"""Rows and columns of the arrays that are compared."""
DEPTHS = (256, 512, 1024)
"""Pixels of the accumulators that are compared."""
BUFFERS = (512, 1024, 2048, 4096)
"""Words of a tile buffer that are compared."""
TRIALS = 6
"""Numbers of tiles beyond the fewest that are tried."""
BASE_PORTS = 2
"""Memory ports beside those of the weights."""
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


def candidates(part: Found, config: Config, board: Board) -> Iterator[Candidate]:
    """Arrays that the board has memory ports for, or the one that is asked for.

    Raises ShiftloomError where the board or the settings rule the engine out, or where a row of an
    operation does not fit the largest buffers.
    """
    for ports in _ports(config, board):
        for rows, columns in _shapes(config, board):
            yield from _on_array(part, Lanes(rows, columns), ports, config, board)


def _ports(config: Config, board: Board) -> tuple[int, ...]:
    asked = config.target.weight_ports
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


def _shapes(config: Config, board: Board) -> tuple[tuple[int, int], ...]:
    asked = config.target.array
    if asked is None:
        most = board.lut * config.target.lut_share / MAC_LUTS
        fitting = tuple(shape for shape in SHAPES if shape[0] * shape[1] <= most)
        return fitting or SHAPES[:1]
    rows, columns = asked
    if rows < 8 or rows & (rows - 1) or columns % rows:
        raise ShiftloomError(
            "target.array",
            f"{list(asked)} is no array of systolic",
            "use a power of two from 8 on as rows, and columns that are a multiple of them",
        )
    return (asked,)


def _on_array(
    part: Found, lanes: Lanes, ports: int, config: Config, board: Board
) -> Iterator[Candidate]:
    """The engine of an array for every size of its memories that changes something."""
    operations = operations_of(part.graph, lanes)
    turns = Turns(operations, ports)
    stationary = config.target.stationary
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
            plan = _plan(part, lanes, ports, stationary, chosen)
            if plan not in made:
                made.add(plan)
                yield _measured(part, plan, config, board)
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
    counts = range(fewest, min(height, fewest + TRIALS) + 1)
    return [(rows, width) for rows in sorted({-(-height // count) for count in counts})]


def _measured(part: Found, plan: EnginePlan, config: Config, board: Board) -> Candidate:
    """The clocks of a whole frame, no fewer than the memory's bandwidth allows."""
    operations = operations_of(part.graph, Lanes(plan.rows, plan.columns))
    turns = Turns(operations, plan.weight_ports)
    made = ended([turn for index, op in enumerate(plan.ops) for turn in turns.of(index, op)])
    clocks = cycles.frame(made, cycles.Array.of(plan, turns.beats)).end
    moved = sum(cycles.traffic(made, plan.weight_ports)) + cycles.input_bytes(operations)
    return Candidate(plan, max(clocks, bound(moved, config, board)), moved)


def bound(moved: int, config: Config, board: Board) -> int:
    """Least clocks in which the external memory moves so many bytes."""
    clock, rate = config.target.clock_mhz or board.clock_mhz, config.target.memory_gbs
    if rate is None:
        return -(-moved // (board.memory_ports * cycles.BEAT_BYTES))
    return int(moved * clock / (rate * 1e3)) + 1


def _alone(residual: ReadResidual | None) -> ReadResidual | None:
    """A residual that is there from the first."""
    return None if residual is None else replace(residual, wait=0)
