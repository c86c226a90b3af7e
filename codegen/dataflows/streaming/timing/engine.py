"""An engine: it takes a frame, computes for a fixed time, and then offers all of its results.

The next frame may come from some clock of the computation on. Results that nobody takes hold up the
end of the next computation.
"""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(beats: tuple[int, int], clocks: int, free: int) -> Model:
    """Beats in and out of a frame, clocks of its computation and those until the input is free."""
    return Model(Kind.ENGINE, (*beats, clocks, clocks - free), (0, 0, 0))


# p: input beats, output beats, clocks, clocks left when the input is free. s: beats taken of the
# frame to come, clocks left, output beats left.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return 1 if s[2] > 0 else 0


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[0] < p[0] and s[1] <= p[3] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    s[0] += moved_in
    s[2] -= moved_out
    if s[1] > 1 or (s[1] == 1 and s[2] == 0):
        s[1] -= 1
        if s[1] == 0:
            s[2] = p[1]
    if s[1] == 0 and s[0] == p[0]:
        s[0] = 0
        s[1] = p[2]
