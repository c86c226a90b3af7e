"""binary: W ≈ α·{−1, +1}, one α an output channel (XNOR-Net, arXiv:1603.05279)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from shiftloom.codegen.formats import levels
from shiftloom.codegen.formats.format import Codes, spread_channels
from shiftloom.codegen.values import IntArray

_TABLE = (-1, 1)


@dataclass(frozen=True, slots=True)
class Binary:
    """One bit: 0 → −1, 1 → +1."""

    name = "binary"
    bits = 1
    levels = (-1, 1)

    def encode(self, beta: IntArray) -> Codes:
        return levels.encode(self.name, _TABLE, beta)

    def decode(self, codes: Codes) -> IntArray:
        return levels.decode(self.name, _TABLE, codes)

    def vectors(self, shape: tuple[int, ...]) -> int:
        return shape[0]

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return spread_channels(values, shape)
