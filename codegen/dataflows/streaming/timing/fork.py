"""The control of `sl_fork`: a beat is held until both readers have taken it."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model() -> Model:
    """A fork."""
    return Model(Kind.FORK, (0,), (0,))


# s: a bit for each sink that has not taken the beat held.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[0])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 0 if s[0] & ~taken else 1


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    s[0] = 3 if moved_in else s[0] & ~moved_out
