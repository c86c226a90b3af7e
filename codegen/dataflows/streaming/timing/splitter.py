"""A width converter to narrower beats: `ratio` output beats for each input beat."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(ratio: int) -> Model:
    """Output beats for an input beat."""
    return Model(Kind.SPLITTER, (ratio,), (0,))


# p: ratio. s: output beats left of the input beat held.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return 1 if s[0] > 0 else 0


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[0] == 0 or (s[0] == 1 and taken) else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    if moved_in:
        s[0] = p[0]
    else:
        s[0] -= moved_out
