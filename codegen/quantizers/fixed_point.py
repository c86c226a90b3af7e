"""α as integer mantissas over one exponent a layer, shared by all quantizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Format
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.nearest import nearest
from shiftloom.codegen.values import Array, IntArray

Vectors = npt.NDArray[np.float64]

MIN_BITS, MAX_BITS = 2, 24
"""Narrowest and widest mantissa of α."""
EXCESS = 0.01
"""What rounding α may add to the squared error of a vector, as a share of the layer's."""
_HUGE = 2.0**60
"""Largest magnitude of a weight: its square and its sums stay finite."""


def check_finite(node: str, values: npt.NDArray[Any], what: str) -> None:
    """Refuse numbers of a layer, `what` they are, that are NaN or infinite."""
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise ShiftloomError(node, f"{wrong} {what} are not finite", "train the network again")


def check_weights(node: str, weights: npt.NDArray[Any]) -> Vectors:
    """The weights in float64; raises ShiftloomError naming `node` if they cannot be quantized."""
    check_finite(node, weights, "weights")
    top = float(np.abs(weights).max(initial=0.0))
    if top > _HUGE:
        raise ShiftloomError(node, f"a weight of {top:.3g}", f"use at most {_HUGE:.3g}")
    return weights.astype(np.float64)


def in_fixed_point(
    fmt: Format,
    weights: npt.NDArray[Any],
    beta: IntArray,
    scale: Vectors,
    bits: int | None,
    levels: Sequence[int] | None = None,
) -> QuantizedWeights:
    """β [C_out, KH, KW, C_in] for these weights, with α of each vector in mantissas of `bits`.

    None takes the fewest bits that suffice. With `levels`, ascending, β is rounded to them again in
    units of the α that is stored, in each vector where this lowers the squared error. An α below
    half a step of the mantissas becomes one step; if zeros are nearer to the weights than that, the
    vector becomes zeros. One of zeros has the layer's largest α, which then only scales its bias.
    """
    layer = _Layer(fmt, weights, beta, scale, levels)
    return layer.stored(layer.fewest_bits() if bits is None else bits)


def mantissas(scale: Vectors, bits: int) -> tuple[IntArray, int]:
    """α as integer mantissas of `bits` bits over one exponent a layer; 0 if α is far too small."""
    top = float(scale.max(initial=0.0)) or 1.0
    exponent = int(np.floor(np.log2(top))) + 1 - bits
    mantissa = np.rint(np.ldexp(scale, -exponent)).astype(np.int64)
    return np.minimum(mantissa, (1 << bits) - 1), exponent


class _Layer:
    """Weights with their β and real α, for α in mantissas of several widths."""

    def __init__(
        self,
        fmt: Format,
        weights: npt.NDArray[Any],
        beta: IntArray,
        scale: Vectors,
        levels: Sequence[int] | None,
    ) -> None:
        self._format, self._weights, self._beta, self._levels = fmt, weights, beta, levels
        self._vector = np.asarray(fmt.spread(np.arange(len(scale)), beta.shape))
        self._count = len(scale)
        self._scale = np.where(self._sums(beta != 0) > 0, scale, 0.0)

    def stored(self, bits: int) -> QuantizedWeights:
        """With mantissas of so many bits."""
        mantissa, exponent = mantissas(self._scale, bits)
        largest, faint = mantissa.max(initial=1 << (bits - 1)), mantissa == 0
        mantissa = np.maximum(mantissa, 1)
        alpha = np.ldexp(mantissa.astype(np.float64), exponent)[self._vector]
        beta = self._beta
        if self._levels is not None:
            beta = self._better(alpha, nearest(self._weights, alpha, self._levels))
        elif faint.any() and 0 in self._format.levels:
            beta = self._better(alpha, np.where(faint[self._vector], 0, beta))
        mantissa[self._sums(beta != 0) == 0] = largest
        return QuantizedWeights(self._format, Array(beta), Array(mantissa), exponent)

    def fewest_bits(self) -> int:
        """The fewest bits of α's mantissas that do not add more than `EXCESS`.

        They may not raise the squared error of any vector, over its energy, by more than this share
        of the layer's, as they are in the widest mantissas. Where β is not rounded again they may
        not move the weights by more either: an α that is not their least-squares scale was chosen
        for other reasons.
        """
        best = self.stored(MAX_BITS).real
        least, energy = (self._sums(np.square(self._weights - real)) for real in (best, 0.0))
        most = EXCESS * energy * (least.sum() / (energy.sum() or 1.0))
        for bits in range(MIN_BITS, MAX_BITS):
            real = self.stored(bits).real
            added = self._sums(np.square(self._weights - real)) - least
            if self._levels is None:
                added = np.maximum(added, self._sums(np.square(real - best)))
            if (added <= most).all():
                return bits
        return MAX_BITS

    def _better(self, alpha: Vectors, other: IntArray) -> IntArray:
        """β, and in the vectors whose squared error it lowers the other β, in units of `alpha`."""
        now, then = (self._sums(np.square(self._weights - alpha * b)) for b in (self._beta, other))
        return np.where((then < now)[self._vector], other, self._beta)

    def _sums(self, values: npt.NDArray[Any]) -> Vectors:
        """The sum over each vector."""
        sums = np.bincount(self._vector.ravel(), values.ravel(), self._count)
        return sums.astype(np.float64, copy=False)
