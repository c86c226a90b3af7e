"""The clock loop over a graph of models, compiled; its machine code is kept for later processes.

A unit is awake while it may change: it sleeps once a clock without a beat left its registers as
they were, until a neighbour offers or takes something else. Only awake units cost time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shiftloom.codegen.dataflows.streaming.timing import BEFORE, digest, dispatch
from shiftloom.codegen.dataflows.streaming.timing.model import Kind, compiled, entry
from shiftloom.codegen.values import IntArray

PORTS = 2
"""Most sources, and most sinks, of a unit."""
OUTSIDE = -1
"""Stands for what feeds the first unit and reads the last one: it always offers and takes."""
DEADLOCK = -1
"""What `run` returns where no unit will ever move again."""


class Net(NamedTuple):
    """Models in topological order, the first fed from outside, the last one's sink read outside.

    Model u has the constants params[u] and the registers state[u], filled up with zeros. Of its
    source i, `feeds` [units, PORTS] is the unit that makes it and `feed_ports` that unit's sink; of
    its sink i, `readers` and `reader_ports` likewise. What it was seen to do: whether it is
    `awake`, and as bit masks which sources were `offered` to it, which sinks `taken`, which of them
    `valid`, which sources `ready`. `depths` holds what a FIFO needed; `scratch` is as long as a row
    of `state`.
    """

    kinds: IntArray
    params: IntArray
    state: IntArray
    feeds: IntArray
    feed_ports: IntArray
    readers: IntArray
    reader_ports: IntArray
    awake: IntArray
    offered: IntArray
    taken: IntArray
    valid: IntArray
    ready: IntArray
    depths: IntArray
    scratch: IntArray


@compiled
def _tell(units: IntArray, ports: IntArray, mask: int, seen: IntArray, awake: IntArray) -> None:
    """Set what the neighbours of a unit see of it, and wake those that see a change."""
    for i in range(PORTS):
        if units[i] >= 0:
            bit = 1 << ports[i]
            before = seen[units[i]]
            after = before | bit if mask >> i & 1 else before & ~bit
            if before != after:
                seen[units[i]] = after
                awake[units[i]] = 1


@compiled
def _settle(net: Net) -> None:
    """What every unit offers, then, from the output back to the input, what it accepts."""
    count = len(net.kinds)
    for u in range(count):
        if net.awake[u]:
            p, s = net.params[u], net.state[u]
            mask = dispatch.valid(net.kinds[u], p, s)
            if mask != net.valid[u]:
                net.valid[u] = mask
                _tell(net.readers[u], net.reader_ports[u], mask, net.offered, net.awake)
    for u in range(count - 1, -1, -1):
        if net.awake[u]:
            p, s = net.params[u], net.state[u]
            mask = dispatch.ready(net.kinds[u], p, s, net.offered[u], net.taken[u])
            if mask != net.ready[u]:
                net.ready[u] = mask
                _tell(net.feeds[u], net.feed_ports[u], mask, net.taken, net.awake)


@compiled
def _rests(kind: int, p: IntArray, s: IntArray, before: IntArray) -> bool:
    """A clock edge without a beat; whether it changed no register."""
    for i in range(len(s)):
        before[i] = s[i]
    dispatch.step(kind, p, s, 0, 0)
    changed = 0
    for i in range(len(s)):
        changed |= before[i] ^ s[i]
    return changed == 0


@compiled
def _edge(net: Net) -> bool:
    """The clock edge; whether any unit was awake."""
    moving = False
    for u in range(len(net.kinds)):
        if net.awake[u]:
            moving = True
            p, s = net.params[u], net.state[u]
            moved_in, moved_out = net.offered[u] & net.ready[u], net.valid[u] & net.taken[u]
            if moved_in | moved_out:
                if moved_in and net.kinds[u] == Kind.QUEUE:
                    net.depths[u] = max(net.depths[u], s[0] + 1)
                dispatch.step(net.kinds[u], p, s, moved_in, moved_out)
            elif _rests(net.kinds[u], p, s, net.scratch):
                net.awake[u] = 0
    return moving


@compiled
def _run(net: Net, beats: int, limit: int, supply: int) -> int:
    clock, last = 0, len(net.kinds) - 1
    while beats > 0 and clock <= limit:
        _settle(net)
        beats -= net.valid[last] & net.taken[last] & 1
        supply -= net.offered[0] & net.ready[0]
        clock += 1
        if not _edge(net):
            return DEADLOCK
        if supply == 0 and net.offered[0]:
            net.offered[0] = 0
            net.awake[0] = 1
    return clock


@compiled
def _trickle(net: Net, beats: int) -> int:
    left, last = 0, len(net.kinds) - 1
    net.offered[0] = 0
    stuck = False
    while not stuck:
        _settle(net)
        left += net.valid[last] & net.taken[last] & 1
        taken = net.offered[0] & net.ready[0]
        beats -= taken
        moving = _edge(net)
        if taken:
            net.offered[0] = 0
            net.awake[0] = 1
        if not moving:
            if beats == 0:
                return int(left)
            stuck = net.offered[0] == 1
            net.offered[0] = 1
            net.awake[0] = 1
    return DEADLOCK


def _cached(
    version: str, is_kept: bool
) -> tuple[Callable[[Net, int, int, int], int], Callable[[Net, int], int]]:
    """`run` and `trickle`, from numba's cache where its folder can be written and it `is_kept`.

    The cache knows a function by its own code and by what it encloses, not by the functions it
    calls; so these enclose a digest of all their files, which must be those that were imported.
    """

    def run(net: Net, beats: int, limit: int, supply: int) -> int:
        """Run until `beats` have left the last unit; returns the clocks, or DEADLOCK.

        It gives up after `limit` clocks and one more. `supply` beats are offered at the most.
        """
        _ = version
        return _run(net, beats, limit, supply)

    def trickle(net: Net, beats: int) -> int:
        """Offer `beats` one by one, each when nothing moves any more.

        Returns the beats that have left the last unit, or DEADLOCK if one is never accepted.
        """
        _ = version
        return _trickle(net, beats)

    return entry(run, is_kept), entry(trickle, is_kept)


_VERSION = digest()
run, trickle = _cached(_VERSION, is_kept=_VERSION == BEFORE)
