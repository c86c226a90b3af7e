"""What the benches of quality-scalable units share: K that changes, factors of signed digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import IntArray

MOST = 15
"""The largest K."""


class Quality:
    """Drives `quality`: the K of the next frame while its first beat is awaited, else any other.

    A unit that took K at another beat than the first of a frame would have the wrong one.
    """

    def __init__(self, dut: Any, levels: Sequence[int], beats: int, seed: int = 3) -> None:
        self.dut, self.levels, self.beats = dut, levels, beats
        self.rng = np.random.default_rng(seed)
        self.accepted = 0
        dut.quality.value = 0

    def drive(self) -> None:
        """Show the K of the frame that begins, or noise."""
        frame, beat = divmod(self.accepted, self.beats)
        is_known = beat == 0 and frame < len(self.levels)
        noise = int(self.rng.integers(0, MOST + 1))
        self.dut.quality.value = int(self.levels[frame]) if is_known else noise

    def look(self, _clock: int) -> None:
        """Count an accepted beat."""
        self.accepted += int(self.dut.s_tvalid.value) and int(self.dut.s_tready.value)


def largest(rows: int) -> int:
    """The largest number that `rows` pairs of signed digits hold."""
    return ((1 << 2 * rows + 1) - 2) // 3


def draw_factors(rng: np.random.Generator, shape: tuple[int, ...], rows: int) -> IntArray:
    """Random factors from 1 on, the largest one and one of few digits made frequent."""
    values = rng.integers(1, largest(rows), shape, endpoint=True)
    ends = rng.choice(np.array([1, largest(rows)]), shape)
    return np.where(rng.random(shape) < 0.2, ends, values)
