"""Token simulation: the handshakes of a chain clock by clock, without data.

FIFOs cut a chain into segments that see each other through registers only. Every segment and every
FIFO keeps its own time and is stepped only when one of its flags may change: exact to the clock, at
a fraction of the work.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shiftloom.codegen.dataflows.streaming.timing import FOREVER, Pipeline, Queue, Timing
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError

MAX_FRAMES = 12
"""Frames after which the interval is taken as it is, if the chain does not repeat itself before."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a simulation saw, in clocks; `peaks` is each FIFO's fullest state by unit name.

    `interval` separates the last output beats of consecutive frames offered back to back;
    `latency` runs from the first input beat to the last output beat of the first frame, both
    clocks counted.
    """

    interval: int
    latency: int
    peaks: dict[str, int]


def simulate(units: Sequence[Unit], frames: int = MAX_FRAMES) -> Schedule:
    """Feed frames without a pause to a chain whose output is always taken, until it repeats itself.

    Two frames that end in the same state prove the interval; else the last of `frames` gives it.
    Raises ShiftloomError naming the unit that takes no more beats if the chain deadlocks.
    """
    chain = _Chain(units)
    ends = [chain.run_frame()]
    before, now = None, chain.state()
    while len(ends) < frames and before != now:
        ends.append(chain.run_frame())
        before, now = now, chain.state()
    return Schedule(ends[-1] - ends[-2], ends[0], chain.peaks())


class _End:
    """Source and sink of a chain: gives or takes a beat whenever it can, and counts frames."""

    def __init__(self, beats: int) -> None:
        self.beats = beats
        self.count = 0

    def valid(self) -> bool:
        return True

    def ready(self, downstream: bool) -> bool:
        return True

    def steady(self, taken: bool, given: bool) -> int:
        return self.beats - self.count % self.beats if taken or given else FOREVER

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        if taken or given:
            self.count += clocks

    def state(self) -> Hashable:
        return self.count % self.beats


class _Segment:
    """Models in a row whose handshakes depend on each other within a clock.

    `moves[i]` says whether a beat moves into model i in each clock from `now` on, the last one
    whether one moves out.
    """

    __slots__ = ("_changing", "models", "moves", "now")

    def __init__(self, models: Sequence[Timing]) -> None:
        self.models = tuple(models)
        self.moves = [False] * (len(models) + 1)
        self.now = 0
        self._changing: list[tuple[Timing, bool, bool]] = []

    def advance(self, clock: int) -> None:
        """Step the models to `clock`; their flags stay the same on the way."""
        clocks = clock - self.now
        if clocks:
            for model, taken, given in self._changing:
                model.step(taken, given, clocks)
            self.now = clock

    def settle(self, offered: bool, taken: bool) -> int:
        """Find the moves, from the sink back to the source; returns the clock they hold until."""
        moves, downstream = self.moves, taken
        for i in range(len(self.models) - 1, -1, -1):
            model = self.models[i]
            moves[i + 1] = downstream and model.valid()
            downstream = model.ready(downstream)
        moves[0] = downstream and offered
        return self.hold()

    def hold(self) -> int:
        """Find what the moves change; returns the clock until which they hold."""
        moves, clocks = self.moves, FOREVER
        self._changing.clear()
        for i, model in enumerate(self.models):
            taken, given = moves[i], moves[i + 1]
            steady = model.steady(taken, given)
            if steady < FOREVER:
                self._changing.append((model, taken, given))
                clocks = min(clocks, steady)
        return self.now + clocks


class _Chain:
    """Segments (odd places of `parts`) between source, FIFOs and sink (even places)."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = [(unit, unit.timing()) for unit in units]
        groups: list[list[Timing]] = [[Pipeline(1)]]  # the input guard
        queues: list[Timing] = [_End(units[0].source.beats)]
        for _, model in self.units:
            if isinstance(model, Queue):
                queues.append(model)
                groups.append([])
            else:
                groups[-1].append(model)
        self.sink = _End(units[-1].sink.beats)
        queues.append(self.sink)
        self.parts = [_Segment([queues[0]])]
        for group, queue in zip(groups, queues[1:], strict=True):
            self.parts += [_Segment(group), _Segment([queue])]
        self.wakes = [0 if k % 2 else FOREVER for k in range(len(self.parts))]

    def run_frame(self) -> int:
        """Run to the clock after the next frame's last output beat."""
        end = self.sink.count + self.sink.beats
        while self.sink.count < end:
            clock = min(self.wakes)
            if clock >= FOREVER:
                raise self._deadlock()
            self._event(clock)
        for part in self.parts:
            part.advance(clock)
        return clock

    def state(self) -> Hashable:
        """All that the frames to come depend on."""
        return tuple(model.state() for part in self.parts for model in part.models)

    def peaks(self) -> dict[str, int]:
        """Most beats each FIFO has held, by unit."""
        return {unit.name: model.peak for unit, model in self.units if isinstance(model, Queue)}

    def _event(self, clock: int) -> None:
        """Settle anew what may change with this clock, and what depends on it by a register."""
        due = [k for k, wake in enumerate(self.wakes) if wake == clock]
        segments = {k for k in due if k % 2}
        for k in due:
            if k % 2 == 0:
                segments |= self._pass_queue(k, clock)
        for k in segments:
            part = self.parts[k]
            part.advance(clock)
            offered = self.parts[k - 1].models[0].valid()
            space = self.parts[k + 1].models[0].ready(True)
            self.wakes[k] = part.settle(offered, space)
            self._join_queue(k - 1, 1, part.moves[0], clock)
            self._join_queue(k + 1, 0, part.moves[-1], clock)

    def _pass_queue(self, k: int, clock: int) -> set[int]:
        """Advance a FIFO by itself; returns the segments that see another flag of it then."""
        part, queue = self.parts[k], self.parts[k].models[0]
        valid, ready = queue.valid(), queue.ready(True)
        part.advance(clock)
        self.wakes[k] = part.hold()
        after = {k + 1} if queue.valid() != valid else set()
        return after | {k - 1} if queue.ready(True) != ready else after

    def _join_queue(self, k: int, side: int, moves: bool, clock: int) -> None:
        """Let a FIFO take (side 0) or give (side 1) a beat a clock from now on, or no more."""
        part = self.parts[k]
        if part.moves[side] != moves:
            part.advance(clock)
            part.moves[side] = moves
            self.wakes[k] = part.hold()

    def _deadlock(self) -> ShiftloomError:
        """Names the last unit that is offered a beat; where nothing moves, it refuses it."""
        refusing = self.units[0][0]
        for (_, model), (unit, _) in pairwise(self.units):
            refusing = unit if model.valid() else refusing
        return ShiftloomError(refusing.name, "takes no more beats: the chain deadlocks here")
