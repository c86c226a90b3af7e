"""The control of `sl_frame_split`: beats to the two sinks by turns, through one register."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(a_beats: int, b_beats: int) -> Model:
    """Beats to the first and to the second sink in a turn."""
    return Model(Kind.FRAME_SPLIT, (a_beats, a_beats + b_beats), (0, 0))


# p: beats to the first sink, and to both. s: beats taken in this turn, the sinks that are offered
# one as a mask.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[1])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 0 if s[1] & ~taken else 1


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    s[1] &= ~moved_out
    if moved_in:
        s[1] = 1 if s[0] < p[0] else 2
        s[0] = (s[0] + 1) % p[1]
