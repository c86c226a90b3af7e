"""QSQ, the quality-scalable format: W ≈ α·β, β ∈ {0, ±1, ±2, … ±φ} (Khaliq & Hafiz, eq. 5, 6).

Codes follow the paper's table II: 000 → 0, 001 → +1, 010 → +2, 011 → +4, 100 → −1, 101 → −2,
110 → −4; 111 is never emitted. With φ = 1 the two-bit codes are 00, 01 and 10 (−1).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import levels
from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.values import IntArray

Axis = Literal["output", "filter", "channel"]

_MAGNITUDES = (0, 1, 2, 4)


@dataclass(frozen=True, slots=True)
class Qsq:
    """One α for each vector of `vector` weights along `axis` (None: the whole axis).

    Axes, for weights [C_out, KH, KW, C_in]: `output` runs over the weights of one output channel,
    `filter` over the filters at one (h, w, c), `channel` over the channels of one (filter, h, w).
    """

    phi: int = 4
    vector: int | None = None
    axis: Axis = "output"

    name = "qsq"

    def __post_init__(self) -> None:
        if self.phi not in (1, 2, 4):
            raise ShiftloomError("qsq.phi", f"{self.phi} is no level", "use 1, 2 or 4")
        if self.vector is not None and self.vector < 1:
            raise ShiftloomError("qsq.vector", f"{self.vector} weights", "use 1 or more, or null")
        if self.axis not in ("output", "filter", "channel"):
            raise ShiftloomError(
                "qsq.axis", f"unknown axis {self.axis!r}", "use output, filter or channel"
            )

    @property
    def bits(self) -> int:
        """Code width, P = ⌈log₂(2(1 + log₂φ) + 1)⌉ (eq. 8)."""
        return ceil(log2(2 * (1 + log2(self.phi)) + 1))

    @property
    def magnitudes(self) -> tuple[int, ...]:
        """|β| ascending from 0: cumulative powers of two up to φ."""
        return tuple(m for m in _MAGNITUDES if m <= self.phi)

    @property
    def levels(self) -> tuple[int, ...]:
        return levels.both_signs(self.magnitudes)

    @property
    def _table(self) -> tuple[int, ...]:
        positive = self.magnitudes
        return (*positive, *(-m for m in positive[1:]))

    def encode(self, beta: IntArray) -> Codes:
        return levels.encode(self.name, self._table, beta)

    def decode(self, codes: Codes) -> IntArray:
        return levels.decode(self.name, self._table, codes)

    def to_vectors(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Weights [C_out, KH, KW, C_in] as vectors [V, N], the last of an axis padded with NaN."""
        rows = self._rows(weights)
        length = min(self.vector or rows.shape[1], rows.shape[1])
        chunks = -(-rows.shape[1] // length)
        padded = np.full((rows.shape[0], chunks * length), np.nan)
        padded[:, : rows.shape[1]] = rows
        return padded.reshape(-1, length)

    def from_vectors(self, vectors: IntArray, shape: tuple[int, ...]) -> IntArray:
        """Inverse of `to_vectors` for values of the same arrangement."""
        template = self._rows(np.empty(shape))
        rows = vectors.reshape(template.shape[0], -1)[:, : template.shape[1]]
        if self.axis == "filter":
            return np.ascontiguousarray(rows.T).reshape(shape)
        return rows.reshape(shape)

    def _rows(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.axis == "output":
            return weights.reshape(weights.shape[0], -1)
        if self.axis == "filter":
            return weights.reshape(weights.shape[0], -1).T
        return weights.reshape(-1, weights.shape[-1])

    def vectors(self, shape: tuple[int, ...]) -> int:
        """Number of vectors, and so of α, for weights of this shape."""
        length = {
            "output": int(np.prod(shape[1:])),
            "filter": shape[0],
            "channel": shape[-1],
        }[self.axis]
        return int(np.prod(shape)) // length * -(-length // (self.vector or length))

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """The value of each weight's vector, in the shape of the weights."""
        length = self.to_vectors(np.zeros(shape)).shape[1]
        return self.from_vectors(np.repeat(values[:, None], length, axis=1), shape)
