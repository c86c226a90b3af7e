"""A width converter to wider beats: one output beat of each `ratio` input beats."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(ratio: int) -> Model:
    """Input beats for an output beat."""
    return Model(Kind.JOINER, (ratio,), (0, 0))


# p: ratio. s: input beats gathered, whether an output beat is offered.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[1])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if taken or not s[1] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if moved_out:
        s[1] = 0
    if moved_in:
        s[0] += 1
        if s[0] == p[0]:
            s[0] = 0
            s[1] = 1
