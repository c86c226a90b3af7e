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


def mantissas(scale: Vectors, bits: int) -> tuple[IntArray, int]:
    """α as integer mantissas of `bits` bits over one exponent a layer; 0 if α is far too small."""
    top = float(scale.max(initial=0.0)) or 1.0
    exponent = int(np.floor(np.log2(top))) + 1 - bits
    mantissa = np.rint(np.ldexp(scale, -exponent)).astype(np.int64)
    return np.minimum(mantissa, (1 << bits) - 1), exponent


def of_channels(fmt: Format, beta: IntArray, scale: Vectors, bits: int) -> QuantizedWeights:
    """β [C_out, KH, KW, C_in] with one α an output channel, or one for all of them.

    A channel whose α is far too small becomes zeros with the layer's largest α, which then only
    scales its bias; without a zero in the format it takes the smallest α.
    """
    mantissa, exponent = mantissas(scale, bits)
    faint = mantissa == 0
    if 0 in fmt.levels:
        beta = np.where(fmt.spread(faint, beta.shape), 0, beta)
        mantissa[faint] = mantissa.max(initial=1 << (bits - 1))
    return QuantizedWeights(fmt, Array(beta), Array(np.maximum(mantissa, 1)), exponent)
