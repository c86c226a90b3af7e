"""The control of `sl_concat`: beats of the two sources by turns, through one register."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(a_beats: int, b_beats: int) -> Model:
    """Beats of the first and of the second source in a turn."""
    return Model(Kind.CONCAT, (a_beats, a_beats + b_beats), (0, 0))


# p: beats of the first source, and of both. s: beats taken in this turn, whether one is offered.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[1])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    if s[1] and not taken:
        return 0
    return 1 if s[0] < p[0] else 2


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if s[1] and not moved_out:
        return
    s[1] = 1 if moved_in else 0
    s[0] = (s[0] + s[1]) % p[1]
