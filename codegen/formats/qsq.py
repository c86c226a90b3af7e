"""QSQ, the quality-scalable format: W ≈ α·β, β ∈ {0, ±1, ±2, … ±φ} (Khaliq & Hafiz, eq. 5, 6).

Codes follow the paper's table II: 000 → 0, 001 → +1, 010 → +2, 011 → +4, 100 → −1, 101 → −2,
110 → −4; 111 is never emitted. With φ = 1 the two-bit codes are 00, 01 and 10 (−1).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
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
    def levels(self) -> tuple[int, ...]:
        """The magnitudes of β, ascending: cumulative powers of two up to φ."""
        return tuple(m for m in _MAGNITUDES if m <= self.phi)

    def encode(self, beta: IntArray) -> npt.NDArray[np.uint8]:
        """Codes of β, any shape; raises ShiftloomError on a value outside the format."""
        if not np.isin(np.abs(beta), self.levels).all():
            bad = beta[~np.isin(np.abs(beta), self.levels)].flat[0]
            raise ShiftloomError("qsq", f"{bad} has no code", f"levels are ±{self.levels}")
        index = np.searchsorted(self.levels, np.abs(beta))
        negative = self._negative_base + index
        return np.where(beta < 0, negative, index).astype(np.uint8)

    def decode(self, codes: npt.NDArray[np.uint8]) -> IntArray:
        """β of each code; raises ShiftloomError on a code that is never emitted."""
        if codes.size and int(codes.max()) >= len(self._table):
            raise ShiftloomError(
                "qsq", f"code {int(codes.max())}", f"valid codes are 0 to {len(self._table) - 1}"
            )
        return self._table[codes]

    def hardware_codes(self, beta: IntArray) -> npt.NDArray[np.uint8]:
        """Three-bit codes for the shift PE, which reads any φ in the φ = 4 table."""
        return Qsq(phi=4).encode(beta)

    @property
    def _negative_base(self) -> int:
        return len(self.levels) - 1

    @property
    def _table(self) -> IntArray:
        positive = self.levels
        return np.array([*positive, *(-m for m in positive[1:])], dtype=np.int64)

    def to_vectors(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Weights [C_out, KH, KW, C_in] as vectors [V, N], the last of an axis padded with NaN."""
        rows = self._rows(weights)
        length = self.vector or rows.shape[1]
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

    def storage_bits(self, shape: tuple[int, ...], scale_bits: int = 32) -> int:
        """Bits of the codes and the α (eq. 12, with its full-precision bits FPB = `scale_bits`)."""
        return self.bits * int(np.prod(shape)) + scale_bits * self.vectors(shape)


def pack(codes: npt.NDArray[np.uint8], bits: int) -> bytes:
    """Codes of `bits` bits, packed LSB first without gaps, zero-padded to whole bytes."""
    expanded = (codes.reshape(-1, 1) >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(expanded.astype(np.uint8), bitorder="little").tobytes()


def unpack(data: bytes, count: int, bits: int) -> npt.NDArray[np.uint8]:
    """The first `count` codes of `pack`'s bytes; raises ShiftloomError when they are too few."""
    needed = -(-count * bits // 8)
    if len(data) != needed:
        raise ShiftloomError(
            "packed codes", f"{len(data)} bytes", f"{count} codes of {bits} bits take {needed}"
        )
    stream = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits, bitorder="little")
    weights = np.left_shift(1, np.arange(bits, dtype=np.uint8))
    codes: npt.NDArray[np.uint8] = (stream.reshape(count, bits) @ weights).astype(np.uint8)
    return codes
