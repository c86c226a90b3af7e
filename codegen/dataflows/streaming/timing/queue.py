"""A FIFO: valid one clock after a write, ready while not full, both by registers."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing.model import Kind, Model, compiled
from shiftloom.codegen.values import IntArray


def model(depth: int) -> Model:
    """A FIFO of `depth` beats."""
    return Model(Kind.QUEUE, (depth,), (0,))


# p: depth. s: beats held.


@compiled
def valid(p: IntArray, s: IntArray) -> int:
    return 1 if s[0] > 0 else 0


@compiled
def ready(p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    return 1 if s[0] < p[0] else 0


@compiled
def step(p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    s[0] += moved_in - moved_out
