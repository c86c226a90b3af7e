"""Weights in a number format: the integers, and the α of their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.format import Format
from shiftloom.codegen.rationals import Rationals, rationals
from shiftloom.codegen.values import Array, IntArray


@dataclass(frozen=True, slots=True)
class QuantizedWeights:
    """`values` are β in the shape of the weights; α is mantissa[v]·2^exponent for each vector v."""

    format: Format
    values: Array
    mantissa: Array
    exponent: int

    @property
    def alpha(self) -> npt.NDArray[np.float64]:
        """α of each vector as a real number."""
        return np.ldexp(self.mantissa.data.astype(np.float64), self.exponent)

    @property
    def real(self) -> npt.NDArray[np.float64]:
        """The weights α·β as real numbers."""
        alpha = self.format.spread(self.alpha, self.values.data.shape)
        real: npt.NDArray[np.float64] = alpha * self.values.data
        return real

    @property
    def is_folded(self) -> bool:
        """Whether α is a factor of whole output channels, which a requantization takes in."""
        spread = self._spread()
        return bool((spread == spread[:, :1, :1, :1]).all())

    @property
    def integers(self) -> IntArray:
        """What a matrix unit multiplies by: β, times the mantissas of α where vectors are short."""
        values: IntArray = self.values.data
        return values if self.is_folded else values * self._spread()

    @property
    def scale(self) -> Rationals:
        """The real value of a step of `integers`, exact, an output channel or for all of them."""
        unit = Fraction(2) ** self.exponent
        if not self.is_folded:
            return rationals(unit)
        shared = self.mantissa.data.size == 1
        mantissa = self.mantissa.data[0] if shared else self._spread()[:, 0, 0, 0]
        return np.asarray(rationals(mantissa) * unit)

    def _spread(self) -> IntArray:
        spread: IntArray = self.format.spread(self.mantissa.data, self.values.data.shape)
        return spread
