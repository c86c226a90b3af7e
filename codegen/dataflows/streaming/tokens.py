"""Token simulation: the handshakes of a graph of units clock by clock, without data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.timing import kernel, pipeline
from shiftloom.codegen.dataflows.streaming.timing.kernel import DEADLOCK, OUTSIDE, PORTS, Net
from shiftloom.codegen.dataflows.streaming.timing.model import FOLLOWED, Model
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import IntArray

NEVER = 1 << 60
"""Clocks without end."""
_SLACK = 10_000
"""Clocks that the pipelines of a network fill in at the most."""
MAX_FRAMES = 12
"""Frames after which the interval is taken as it is, if nothing repeats itself before."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a simulation saw, in clocks; `peaks` is the depth that each FIFO used, by unit name.

    `interval` separates the last output beats of consecutive frames offered back to back, rounded
    up where it alternates; `latency` runs from the first input beat to the last output beat of a
    frame alone, both clocks counted.
    """

    interval: int
    latency: int
    peaks: dict[str, int]


def simulate(units: Sequence[Unit], frames: int = MAX_FRAMES, latency: int = NEVER) -> Schedule:
    """Feed frames without a pause to a graph whose output is always taken, until it repeats itself.

    `units` stand in topological order; the first one reads the input, the last one makes the
    output. Two frames that end in the same state prove the interval; else it is the mean of the
    later half of `frames`. The latency is that of one frame in a run of its own, where that makes a
    difference. Raises ShiftloomError naming a unit in a deadlock, and where the first
    frame takes more than `latency` clocks or any one takes far more than all units one after the
    other would.
    """
    tokens, alone = Tokens(units), Tokens(units)
    limit = _SLACK + 2 * sum(unit.cycles() for unit in units)
    if any(unit.timing().kind in FOLLOWED for unit in units):
        alone.run_frame(min(latency, limit), units[0].sources[0].beats)
        latency = NEVER
    ends = [tokens.run_frame(min(latency, limit))]
    seen: dict[bytes, int] = {}
    while len(ends) < max(2, frames) and tokens.state() not in seen:
        seen[tokens.state()] = len(ends)
        ends.append(tokens.run_frame(limit))
    first = seen.get(tokens.state(), len(ends) // 2)
    clocks, count = ends[-1] - ends[first - 1], len(ends) - first
    peaks = {name: max(depth, alone.peaks()[name]) for name, depth in tokens.peaks().items()}
    return Schedule(-(-clocks // count), alone.clock or ends[0], peaks)


def trickle(units: Sequence[Unit]) -> dict[str, int]:
    """Feed frames beat by beat, each once nothing moves any more; returns what each FIFO used.

    Pipelines have one stage here: when they are blocked they hold one beat, or more in hardware.
    So each unit has room for no more beats than at any time in hardware, and where that is enough
    in one order of events, it is in all: without a deadlock here there is none under any stalls of
    the input and the output. Raises ShiftloomError naming a unit in a deadlock.
    """
    tokens = Tokens(units, [unit.timing().shortest() for unit in units])
    seen: set[bytes] = set()
    while tokens.state() not in seen:
        seen.add(tokens.state())
        tokens.trickle_frame()
    return tokens.peaks()


class Tokens:
    """Registers of the units' models and of the input guard in front of them."""

    def __init__(self, units: Sequence[Unit], models: Sequence[Model] = ()) -> None:
        self.units = tuple(units)
        self.net = _net(self.units, models or [unit.timing() for unit in units])
        self.clock = 0

    def run_frame(self, limit: int = NEVER, supply: int = NEVER) -> int:
        """Run to the clock after the next frame's last output beat, and return it.

        At most `supply` beats are offered. Raises ShiftloomError in a deadlock, and after `limit`
        clocks.
        """
        clocks = kernel.run(self.net, self.units[-1].sinks[0].beats, limit, supply)
        if clocks == DEADLOCK:
            problem = "takes no more beats: the units deadlock here"
            raise ShiftloomError(self._refusing(), problem)
        if clocks > limit:
            problem = f"takes no more beats, and no frame has come after {limit} clocks"
            raise ShiftloomError(self._refusing(), problem)
        self.clock += clocks
        return self.clock

    def trickle_frame(self) -> None:
        """Offer the next frame's beats one by one, each when nothing moves any more.

        Raises ShiftloomError in a deadlock.
        """
        left = kernel.trickle(self.net, self.units[0].sources[0].beats)
        if left == DEADLOCK:
            problem = "takes no more beats: the units deadlock here where the input stalls"
            raise ShiftloomError(self._refusing(), problem)

    def state(self) -> bytes:
        """All that the frames to come depend on."""
        return self.net.state.tobytes()

    def peaks(self) -> dict[str, int]:
        """Depth that each FIFO has used, by unit."""
        named = zip(self.units, self.net.depths[1:].tolist(), strict=True)
        return {unit.name: depth for unit, depth in named if isinstance(unit, Fifo)}

    def _refusing(self) -> str:
        """The last full FIFO, or else the last unit that refuses a beat, or the very last one."""
        refused = self.net.offered[1:] & ~self.net.ready[1:]
        units = [self.units[u] for u in np.flatnonzero(refused)] or [self.units[-1]]
        full = [unit for unit in units if isinstance(unit, Fifo)]
        return (full or units)[-1].name


def _net(units: Sequence[Unit], models: Sequence[Model]) -> Net:
    """The models after reset, all awake; unit 0 is the input guard."""
    models = [pipeline.model(1), *models]
    count = len(models)
    params = _rows([model.params for model in models])
    state = _rows([model.state for model in models])
    flags = np.zeros((6, count), np.int64)
    flags[0], flags[1, 0], flags[2, -1] = 1, 1, 1
    kinds = np.array([model.kind for model in models], np.int64)
    wires = _wires(units)
    return Net._make([kinds, params, state, *wires, *flags, np.zeros_like(state[0])])


def _rows(values: Sequence[tuple[int, ...]]) -> IntArray:
    """Each of `values` as a row, filled up with zeros."""
    rows = np.zeros((len(values), max(map(len, values))), np.int64)
    for row, value in zip(rows, values, strict=True):
        row[: len(value)] = value
    return rows


def _wires(units: Sequence[Unit]) -> IntArray:
    """The fields `feeds`, `feed_ports`, `readers` and `reader_ports` of a Net."""
    wires = np.full((4, len(units) + 1, PORTS), OUTSIDE, np.int64)
    makers = {units[0].sources[0].name: (0, 0)}
    for u, unit in enumerate(units, 1):
        makers |= {stream.name: (u, port) for port, stream in enumerate(unit.sinks)}
    for u, unit in enumerate(units, 1):
        for port, stream in enumerate(unit.sources):
            maker, made = makers[stream.name]
            wires[:2, u, port] = maker, made
            wires[2:, maker, made] = u, port
    return wires
