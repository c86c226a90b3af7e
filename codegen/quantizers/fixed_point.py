"""α as integer mantissas over one exponent a layer, shared by all quantizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Format
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.values import Array, IntArray

Vectors = npt.NDArray[np.float64]

MIN_BITS, MAX_BITS = 2, 24
"""Narrowest and widest mantissa of α."""
EXCESS = 0.01
"""What rounding α may add to the squared error of a layer, as a share of it."""
_HUGE = 2.0**60
"""Largest magnitude of a weight: its square and its sums stay finite."""


def check_weights(node: str, weights: npt.NDArray[Any]) -> Vectors:
    """The weights in float64; raises ShiftloomError naming `node` if they cannot be quantized."""
    wrong = int((~np.isfinite(weights)).sum())
    if wrong:
        raise ShiftloomError(node, f"{wrong} weights are not finite", "train the network again")
    top = float(np.abs(weights).max(initial=0.0))
    if top > _HUGE:
        raise ShiftloomError(node, f"a weight of {top:.3g}", f"use at most {_HUGE:.3g}")
    return weights.astype(np.float64)


def in_fixed_point(
    fmt: Format, weights: npt.NDArray[Any], beta: IntArray, scale: Vectors, bits: int | None
) -> QuantizedWeights:
    """β [C_out, KH, KW, C_in] for these weights, with α of each vector in mantissas of `bits`.

    None takes the fewest bits that suffice. A vector whose α is far too small becomes zeros with
    the layer's largest α, which then only scales its bias; without a zero in the format it takes
    the smallest α.
    """
    width = fewest_bits(fmt, weights, beta, scale) if bits is None else bits
    mantissa, exponent = mantissas(scale, width)
    faint = mantissa == 0
    if faint.any() and 0 in fmt.levels:
        beta = np.where(fmt.spread(faint, beta.shape), 0, beta)
        mantissa[faint] = mantissa.max(initial=1 << (width - 1))
    return QuantizedWeights(fmt, Array(beta), Array(np.maximum(mantissa, 1)), exponent)


def mantissas(scale: Vectors, bits: int) -> tuple[IntArray, int]:
    """α as integer mantissas of `bits` bits over one exponent a layer; 0 if α is far too small."""
    top = float(scale.max(initial=0.0)) or 1.0
    exponent = int(np.floor(np.log2(top))) + 1 - bits
    mantissa = np.rint(np.ldexp(scale, -exponent)).astype(np.int64)
    return np.minimum(mantissa, (1 << bits) - 1), exponent


def fewest_bits(fmt: Format, weights: npt.NDArray[Any], beta: IntArray, scale: Vectors) -> int:
    """The fewest bits of α's mantissas that do not add more than `EXCESS`; 24 if none do.

    They may neither raise the squared error by more, nor move the weights by more than this share
    of it: an α that is not the least-squares scale of the weights was chosen for other reasons.
    """
    error = float(np.square(weights - fmt.spread(scale, beta.shape) * beta).sum())
    vector = fmt.spread(np.arange(len(scale)), beta.shape).ravel()
    norm, dot = (
        np.bincount(vector, (beta * other).ravel(), len(scale)) for other in (beta, weights)
    )
    for bits in range(MIN_BITS, MAX_BITS):
        mantissa, exponent = mantissas(scale, bits)
        step = np.ldexp(mantissa.astype(np.float64), exponent) - scale
        moved, raised = norm * step**2, norm * step**2 + 2 * step * (scale * norm - dot)
        if max(moved.sum(), raised.sum()) <= EXCESS * error:
            return bits
    return MAX_BITS
