"""A pipeline moved by one enable, `!m_tvalid || m_tready`; every n-th input makes an output."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray

MAX_LATENCY = 62
"""Stages that one register of the model holds."""


def model(latency: int, every: int = 1) -> Model:
    """`latency` counts enabled clocks from the last of `every` inputs to their output."""
    assert 1 <= latency <= MAX_LATENCY
    return Model(Kind.PIPELINE, (latency - 1, every), (0, 0))


# p: index of the last stage, inputs an output. s: a bit for every stage that holds an output,
# inputs since the last one that made an output.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return int(s[0] >> p[0])


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if taken or not s[0] >> p[0] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    offering = s[0] >> p[0]
    if offering and not moved_out:
        return
    s[0] = (s[0] ^ (offering << p[0])) << 1
    if moved_in:
        s[1] += 1
        if s[1] == p[1]:
            s[1] = 0
            s[0] |= 1
