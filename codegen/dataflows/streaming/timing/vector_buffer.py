"""The control of `sl_vector_buffer`: two vectors, each given many times, first while it loads."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(words: int, passes: int) -> Model:
    """Vectors of `words` beats, each given `passes` times."""
    return Model(Kind.VECTOR_BUFFER, (words, passes), (0, 0, 0, 0, 0))


# p: words, passes. s: whole vectors held, words written of the next one, words read, passes made,
# whether a beat is offered.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[4])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[0] != 2 else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    reads = False
    if moved_out or not s[4]:
        reads = s[0] != 0 or s[2] != s[1]
        s[4] = 1 if reads else 0
    if moved_in:
        s[1] += 1
        if s[1] == p[0]:
            s[1] = 0
            s[0] += 1
    if reads:
        s[2] += 1
        if s[2] == p[0]:
            s[2] = 0
            s[3] += 1
            if s[3] == p[1]:
                s[3] = 0
                s[0] -= 1
