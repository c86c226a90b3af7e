"""given: an imported model's integers as they are; its scales become mantissas exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import Given, GivenWeights
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.values import Array

_MANTISSA_BITS = 62


def quantize(node: str, weights: GivenWeights) -> QuantizedWeights:
    """The same integers and scales; raises ShiftloomError naming `node` where they do not fit."""
    values, scale = weights.values.data.astype(np.int64), weights.scale.data.astype(np.float64)
    if not (np.isfinite(scale) & (scale > 0)).all():
        channel = int(np.argmin(np.isfinite(scale) & (scale > 0)))
        raise ShiftloomError(
            node, f"channel {channel}: weight scale {scale[channel]}", "use a positive number"
        )
    fmt = Given(weights.bits, weights.signed, "channel" if scale.size > 1 else "tensor")
    fmt.encode(values)
    exact = [Fraction(value) for value in scale.tolist()]
    exponent = -max(fraction.denominator.bit_length() - 1 for fraction in exact)
    mantissa = [int(fraction * (1 << -exponent)) for fraction in exact]
    if max(mantissa) >> _MANTISSA_BITS:
        raise ShiftloomError(
            node,
            f"weight scales from {scale.min():.3g} to {scale.max():.3g} share no exponent",
            f"their mantissas may have {_MANTISSA_BITS} bits; check the model",
        )
    return QuantizedWeights(fmt, Array(values), Array(mantissa), exponent)
