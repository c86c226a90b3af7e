"""The control of `sl_gather`: two pixels are held, a whole one is read."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(in_words: int, out_words: int) -> Model:
    """Words of an input and of an output pixel."""
    return Model(Kind.GATHER, (in_words, out_words), (0, 0, 0, 0))


# p: words of an input and of an output pixel. s: whole pixels held, words written of the next one,
# words read, whether a beat is offered.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[3])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[0] != 2 else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    reads = False
    if moved_out or not s[3]:
        reads = s[0] != 0
        s[3] = 1 if reads else 0
    if moved_in:
        s[1] += 1
        if s[1] == p[0]:
            s[1] = 0
            s[0] += 1
    if reads:
        s[2] += 1
        if s[2] == p[1]:
            s[2] = 0
            s[0] -= 1
