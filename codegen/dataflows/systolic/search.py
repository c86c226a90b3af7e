"""The arrays and tilings on which a systolic engine can run a part of a network.

For every array each operation is tried in tiles of several heights, its loops over tiles inside or
outside of those over outputs. The fastest tiling that fits the accumulators and buffers is taken,
of equal ones that with the least traffic to memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from shiftloom.codegen import cost
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.engine import asked as asked_array
from shiftloom.codegen.dataflows.engine import program
from shiftloom.codegen.dataflows.engine.arithmetic import arithmetic
from shiftloom.codegen.dataflows.engine.build import operations_of
from shiftloom.codegen.dataflows.engine.candidate import Candidate, Wanted
from shiftloom.codegen.dataflows.engine.costs import Plain
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.dataflows.engine.steps import Steps
from shiftloom.codegen.dataflows.systolic import costs, cycles, menus
from shiftloom.codegen.dataflows.systolic.bandwidth import Bandwidth
from shiftloom.codegen.dataflows.systolic.compiled import ended
from shiftloom.codegen.dataflows.systolic.costs import BASE_PORTS
from shiftloom.codegen.dataflows.systolic.menus import Tiling, measured, sizes
from shiftloom.codegen.dataflows.systolic.turns import LANE, Turns
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan

SHAPES = ((64, 64), (32, 64), (32, 32), (16, 32), (16, 16), (8, 16), (8, 8))
"""Rows and columns of the arrays that are compared, the largest first."""
MAC_LUTS = 20
"""Least LUTs of a product with its sum: larger arrays than a board can have are not tried."""
LEAST_WORDS = 2
"""Of a tile buffer: its addresses have a bit at least."""


def candidates(wanted: Wanted) -> Iterator[Candidate]:
    """Arrays that the board has memory ports for, or the one that is asked for.

    The largest come first, or the smallest where there is a rate to reach; those are left out whose
    products alone take longer than the best one so far, or than the rate allows. Raises
    ShiftloomError where the board or the settings rule the engine out, or, of the array with the
    most rows, why it cannot run the part where none can.
    """
    best = wanted.allowed or math.inf
    ports, shapes, is_found = _ports(wanted), _shapes(wanted), False
    refused: dict[int, ShiftloomError] = {}
    for rows, columns in shapes if wanted.allowed is None else shapes[::-1]:
        lanes, is_largest = Lanes(rows, columns), (rows, columns) == shapes[0]
        if not is_largest and _least(wanted.part, lanes) >= best:
            continue
        made = [_on_array(wanted, lanes, count) for count in ports]
        found = [each for on_array, _ in made for each in on_array]
        if made[0][1] is not None:
            refused.setdefault(rows, made[0][1])
        yield from found
        is_found = is_found or bool(found)
        reached = min((each.cycles for each in found if wanted.fits(each)), default=math.inf)
        if wanted.allowed is not None and reached <= wanted.allowed:
            return
        best = min(best, reached) if wanted.allowed is None else best
    if not is_found:
        raise refused[max(refused)]


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
    asked_array.check(wanted, SHAPES[-1][0], lambda lanes: _least_resources(wanted, lanes))
    return (asked,)


def _least_resources(wanted: Wanted, lanes: Lanes) -> Resources:
    """What an array takes with memories of one word."""
    products = lanes.rows * lanes.columns * MAC_LUTS
    if products > wanted.limits.lut:
        return Resources(lut=products)
    plan = EnginePlan(
        *("systolic", (), "", lanes.rows, lanes.columns, ()), weight_ports=1, pixels=1, buffer=1
    )
    widths = arithmetic(operations_of(wanted.part.graph, lanes), LANE)
    return cost.predict(Plain("systolic", costs.measures(plan, widths, costs.LEAST)))


def _on_array(
    wanted: Wanted, lanes: Lanes, ports: int
) -> tuple[list[Candidate], ShiftloomError | None]:
    """The engine of an array for every size of its memories, or why the largest ones fail."""
    found: list[Candidate] = []
    refused: ShiftloomError | None = None
    try:
        plans = _plans(wanted, lanes, ports)
    except ShiftloomError as error:
        return [], error
    for plan, chosen in plans.items():
        try:
            found.append(_measured(wanted, plan, chosen))
        except ShiftloomError as error:
            refused = error
    return found, refused


def _plans(wanted: Wanted, lanes: Lanes, ports: int) -> dict[EnginePlan, list[Tiling]]:
    """The plans for an array that differ, each with the tilings of its operations."""
    turns = Turns(operations_of(wanted.part.graph, lanes), ports)
    stationary = wanted.config.target.stationary
    is_output, memory = stationary == "output", Bandwidth.of(wanted, ports)
    array = cycles.Array(lanes, is_output, max(menus.DEPTHS), turns.beats)
    fitting = [sizes(steps, array) for steps in turns.steps]
    tilings = [measured(turns, i, each, array, memory) for i, each in enumerate(fitting)]
    plans: dict[EnginePlan, list[Tiling]] = {}
    for pixels in (lanes.rows,) if is_output else menus.DEPTHS:
        for buffer in menus.BUFFERS:
            chosen = _chosen(tilings, pixels, buffer)
            if chosen is not None:
                plans[_plan(wanted.part, lanes, ports, stationary, chosen)] = chosen
    return plans


def _chosen(menus: Sequence[Sequence[Tiling]], pixels: int, buffer: int) -> list[Tiling] | None:
    """The fastest tilings that fit; those of the fewest tiles where a program is too short."""
    fitting = [
        [each for each in menu if each.size.pixels <= pixels and each.size.words <= buffer]
        for menu in menus
    ]
    if not all(fitting):
        return None
    fastest = [min(menu, key=lambda each: (each.clocks, each.traffic)) for menu in fitting]
    if sum(each.size.count for each in fastest) <= program.MAX_PROGRAM:
        return fastest
    return [min(menu, key=lambda each: (each.size.count, each.clocks)) for menu in fitting]


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
        tuple(tiling.size.plan for tiling in chosen),
        stationary,
        ports,
        _power(max(tiling.size.pixels for tiling in chosen)),
        _power(max(LEAST_WORDS, *(tiling.size.words for tiling in chosen))),
    )


def _power(value: int) -> int:
    return 1 << (value - 1).bit_length()


def _measured(wanted: Wanted, plan: EnginePlan, chosen: Sequence[Tiling]) -> Candidate:
    """The clocks of a whole frame, no fewer than the memory's bandwidth allows.

    Raises ShiftloomError where a memory of the engine is too small, or the external one too slow.
    """
    name = wanted.part.graph.inputs[0].name
    program.check_length(name, "Compute", sum(tiling.size.count for tiling in chosen))
    operations = operations_of(wanted.part.graph, Lanes(plan.rows, plan.columns))
    turns = Turns(operations, plan.weight_ports)
    made = ended([turn for index, op in enumerate(plan.ops) for turn in turns.of(index, op)])
    turns.table.check(name)
    clocks = cycles.frame(made, cycles.Array.of(plan, turns.beats)).end
    moved = sum(cycles.traffic(made, plan.weight_ports)) + cycles.input_bytes(operations)
    params = sum(len(each.lists) for each in turns.steps if each.op.kind == "conv")
    counted = costs.sizes(plan, turns.widths, made, turns.table.depth, params)
    sized = costs.measures(plan, turns.widths, counted)
    bound = _bound(Bandwidth.of(wanted, plan.weight_ports), chosen, moved)
    if bound > clocks:
        plan = replace(plan, memory_clocks=bound)
    return Candidate(plan, max(clocks, bound), cost.predict(Plain("systolic", sized)), moved)


def _bound(memory: Bandwidth, chosen: Sequence[Tiling], moved: int) -> int:
    """Least clocks of a frame out of a memory, which no operation shares with the next one."""
    busy = sum(tiling.cycles for tiling in chosen)
    bound = memory.clocks(moved)
    if any(tiling.bound > tiling.cycles for tiling in chosen):
        rest = moved - sum(tiling.traffic for tiling in chosen)
        bound = sum(tiling.clocks for tiling in chosen) + memory.clocks(rest)
    memory.check(bound, busy, moved)
    return bound
