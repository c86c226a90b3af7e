"""What a weight number format tells: its range, its codes, how its scales lie, its storage."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray

Codes = npt.NDArray[np.uint16]
"""Codes of weights, one an element."""


class Format(Protocol):
    """A set of integers β and the vectors of weights that share one α: W ≈ α·β.

    To add one, write a file in `codegen/formats/` with a frozen dataclass of this form, and a
    quantizer for it.
    """

    @property
    def name(self) -> str:
        """The word of the configuration."""

    @property
    def bits(self) -> int:
        """Width of a code."""

    @property
    def levels(self) -> tuple[int, ...]:
        """Every β of the format, ascending."""

    def encode(self, beta: IntArray) -> Codes:
        """Codes of β, any shape; raises ShiftloomError on a value outside the format."""

    def decode(self, codes: Codes) -> IntArray:
        """β of each code; raises ShiftloomError on a code that is never emitted."""

    def vectors(self, shape: tuple[int, ...]) -> int:
        """Number of vectors, and so of α, for weights [C_out, KH, KW, C_in] of this shape."""

    def spread(self, values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """The value of each weight's vector, in the shape of the weights."""


def storage_bits(fmt: Format, shape: tuple[int, ...], scale_bits: int = 32) -> int:
    """Bits of the codes and the α (eq. 12, with its full-precision bits FPB = `scale_bits`)."""
    return fmt.bits * int(np.prod(shape)) + scale_bits * fmt.vectors(shape)


def spread_channels(values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """One value an output channel, or one for all of them, in the shape of the weights."""
    return np.broadcast_to(values.reshape(-1, *(1,) * (len(shape) - 1)), shape)
