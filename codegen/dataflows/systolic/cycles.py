"""Clocks of the systolic engine with a memory of fixed latency: its sequencers as events.

Loads, weights, residuals, tiles and stores run side by side, as in `sl_systolic.sv`. Times are
clocks from the start of the frame. The model counts what each waits for; it leaves out the breaks
between bursts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shiftloom.codegen.dataflows.engine.operations import Lanes, Operations
from shiftloom.codegen.dataflows.systolic.turns import Turn
from shiftloom.codegen.plan import EnginePlan

LATENCY = 40
"""Clocks from a request of the memory to its first beat that plans assume."""
_FETCH = 2
"""Clocks from the end of an instruction to the next one."""
_ISSUE = 6
"""Clocks from a command to its request, and from a beat to its use."""
_PREPARE = 3
"""Clocks from an instruction to its first step."""
_POST = 19
"""Clocks of the post-processing and of the registers around the array."""
BEAT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Array:
    """What the times depend on beside the instructions."""

    lanes: Lanes
    is_output: bool
    pixels: int
    tile_beats: int

    @staticmethod
    def of(plan: EnginePlan, tile_beats: int) -> Array:
        """The array of a plan, with the beats of a tile of weights from each port."""
        lanes, is_output = Lanes(plan.rows, plan.columns), plan.stationary == "output"
        return Array(lanes, is_output, plan.pixels, tile_beats)

    def step(self, pixels: int) -> int:
        """Clocks of a step."""
        return self.lanes.rows if self.is_output else max(pixels, self.lanes.rows)

    @property
    def gap(self) -> int:
        """Least clocks from a last step to the next one."""
        return 2 * self.lanes.rows if self.is_output else 0

    @property
    def depth(self) -> int:
        """Clocks from a slot to its result behind the post-processing."""
        return self.lanes.rows + self.lanes.columns + 3 + _POST


@dataclass(slots=True)
class Clock:
    """Times so far: when each sequencer is free, and what the next instructions wait for."""

    load: int = 0
    compute: int = 0
    residual: int = 0
    store: int = 0
    tiles: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    freed: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    slot: int = 0
    input_free: int = 0

    @property
    def end(self) -> int:
        """When everything is done."""
        return max(self.load, self.compute, self.residual, self.store)


def frame(turns: Sequence[Turn], array: Array, latency: int = LATENCY) -> Clock:
    """The times of a frame, from the start of its program to its end."""
    clock = Clock()
    for turn in turns:
        _run(clock, turn, array, latency)
    return clock


def _run(clock: Clock, turn: Turn, array: Array, latency: int) -> None:
    segments = _load(clock, turn, latency)
    begins = clock.compute + _FETCH
    pixels = turn.compute.ny * turn.compute.nx
    if turn.compute.has("pool"):
        results = _pool(clock, turn, begins, segments, pixels)
        delay = _POST - 15
    else:
        results = _steps(clock, turn, array, begins, segments, pixels, latency)
        delay = array.depth
    clock.freed.append(clock.slot)
    clock.compute = clock.slot + delay
    if turn.store is not None:
        _store(clock, turn, [at + delay for at in results], latency)


def _load(clock: Clock, turn: Turn, latency: int) -> list[int]:
    """When each segment of a tile is in its buffer."""
    load = turn.load
    begins = clock.load + _FETCH
    if len(clock.freed) > 1:
        begins = max(begins, clock.freed[-2])
    if load.wait:
        begins = max(begins, clock.stored[load.wait - 1])
    first = begins + latency + _ISSUE
    segments = [first + (index + 1) * load.beats for index in range(load.segments)]
    clock.load = segments[-1]
    if load.has("input"):
        clock.input_free = clock.load
    return segments


def _pool(clock: Clock, turn: Turn, begins: int, segments: list[int], pixels: int) -> list[int]:
    """When the first result of every block leaves; a tap takes a clock."""
    results, at = [], begins
    for block, steps in enumerate(turn.lists):
        count = len(steps)
        at = max(at, segments[min(block, len(segments) - 1)]) + 3
        results.append(at + count)
        at += pixels * count
    clock.slot = at
    return results


def _steps(
    clock: Clock,
    turn: Turn,
    array: Array,
    begins: int,
    segments: list[int],
    pixels: int,
    latency: int,
) -> list[int]:
    """When the first result of every tile of outputs leaves the last step's first slot."""
    length = array.step(pixels)
    at, last, results = begins + _PREPARE, -array.gap, []
    residuals = _residual(clock, turn, array, pixels, latency)
    for co, steps in enumerate(turn.lists):
        for index, (block, _, _) in enumerate(steps):
            at = max(at, _weights(clock, array, latency), segments[block])
            if index == len(steps) - 1:
                at = max(at, last + array.gap, residuals[co])
                last = at
            clock.starts.append(at)
            at += length
        results.append(at - length)
    clock.slot = at
    return results


def _weights(clock: Clock, array: Array, latency: int) -> int:
    """When the next tile of weights is there: a tile ahead of the array, and one in its queue."""
    rows = array.lanes.rows
    pace = max(rows, array.tile_beats)
    before = clock.tiles[-1] if clock.tiles else latency + _ISSUE
    room = clock.starts[-3] + rows if len(clock.starts) > 2 else 0
    clock.tiles.append(max(before + pace, room))
    return clock.tiles[-1] + 1


def _residual(clock: Clock, turn: Turn, array: Array, pixels: int, latency: int) -> list[int]:
    """When the second operands of every tile of outputs are there."""
    read = turn.residual
    if read is None:
        return [0] * len(turn.lists)
    begins = clock.residual + _FETCH
    if read.wait:
        begins = max(begins, clock.stored[read.wait - 1])
    first = begins + latency + _ISSUE
    beats = read.beats * array.lanes.words
    times = [first + (co + 1) * beats for co in range(len(turn.lists))]
    clock.residual = times[-1]
    return times


def _store(clock: Clock, turn: Turn, results: list[int], latency: int) -> None:
    """When the results of a tile are in memory."""
    store = turn.store
    assert store is not None
    at, each = clock.store + _FETCH, store.segments // len(results) * store.beats
    for begins in results:
        at = max(at, begins) + each
    clock.store = at + latency + _ISSUE
    clock.stored.append(clock.store)


def traffic(turns: Sequence[Turn], ports: int) -> list[int]:
    """Bytes that each instruction moves from and to the external memory."""
    found = []
    for turn in turns:
        beats = turn.load.beats * turn.load.segments
        if turn.weights is not None:
            beats += turn.weights.beats * ports
        if turn.residual is not None:
            beats += turn.residual.beats * turn.residual.segments
        if turn.store is not None:
            beats += turn.store.beats * turn.store.segments
        found.append(beats * BEAT_BYTES)
    return found


def input_bytes(operations: Operations) -> int:
    """Bytes that a frame's input takes on its way to the memory."""
    return operations.map(operations.source.name).words * operations.lanes.rows
