"""ternary: W ≈ α·{−1, 0, 1}, or α·{−n, 0, p} for scales that differ; one α an output channel.

One scale follows Li et al. (arXiv:1605.04711). Zhu et al. (arXiv:1612.01064) give the positive and
the negative weights a scale each; here they are α·p and α·n, with small integers for the layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import levels
from shiftloom.codegen.formats.format import Codes, spread_channels
from shiftloom.codegen.values import IntArray

MAX_LEVEL = 127


@dataclass(frozen=True, slots=True)
class Ternary:
    """Codes 00 → 0, 01 → `positive`, 10 → −`negative`: with 1 and 1 as QSQ at φ = 1."""

    positive: int = 1
    negative: int = 1

    name = "ternary"
    bits = 2

    def __post_init__(self) -> None:
        for side, level in (("positive", self.positive), ("negative", self.negative)):
            if not 1 <= level <= MAX_LEVEL:
                raise ShiftloomError(f"ternary.{side}", f"{level}", f"use 1 to {MAX_LEVEL}")

    @property
    def levels(self) -> tuple[int, ...]:
        return -self.negative, 0, self.positive

    @property
    def _table(self) -> tuple[int, ...]:
        return 0, self.positive, -self.negative

    def encode(self, beta: IntArray) -> Codes:
        return levels.encode(self.name, self._table, beta)

    def decode(self, codes: Codes) -> IntArray:
        return levels.decode(self.name, self._table, codes)

    def vectors(self, shape: tuple[int, ...]) -> int:
        return shape[0]

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return spread_channels(values, shape)
