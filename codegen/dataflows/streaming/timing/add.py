"""A pipeline that takes a beat of two sources at once, moved by `!m_tvalid || m_tready`."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(latency: int) -> Model:
    """`latency` counts enabled clocks from a beat of each source to their output."""
    return Model(Kind.ADD, (latency - 1,), (0,))


# p: index of the last stage. s: a bit for every stage that holds an output.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[0] >> p[0])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    if s[0] >> p[0] and not taken:
        return 0
    return (offered & 1) << 1 | offered >> 1


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    offering = s[0] >> p[0]
    if offering and not moved_out:
        return
    s[0] = (s[0] ^ (offering << p[0])) << 1
    if moved_in:
        s[0] |= 1
