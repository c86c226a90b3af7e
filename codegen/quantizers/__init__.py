"""Quantizers: real weights to the integers of a number format, one file each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from shiftloom.codegen.formats import Binary, Format, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers import binary, integer, pow2, qsq, ternary
from shiftloom.codegen.quantizers.qsq import AlphaRule, Mode


@dataclass(frozen=True, slots=True)
class Options:
    """What a configuration says about quantizing, besides the format."""

    mode: Mode = "least_squares"
    alpha: AlphaRule = "least_squares"
    alpha_bits: int = 16


Quantizer = Callable[[str, npt.NDArray[Any], Any, Options], QuantizedWeights]

QUANTIZERS: tuple[tuple[type[Format], Quantizer], ...] = (
    (Qsq, lambda node, w, fmt, o: qsq.quantize(node, w, fmt, o.mode, o.alpha, o.alpha_bits)),
    (Int, lambda node, w, fmt, o: integer.quantize(node, w, fmt, o.alpha_bits)),
    (Pow2, lambda node, w, fmt, o: pow2.quantize(node, w, fmt, o.alpha_bits)),
    (Ternary, lambda node, w, fmt, o: ternary.quantize(node, w, fmt, o.alpha_bits)),
    (Binary, lambda node, w, fmt, o: binary.quantize(node, w, fmt, o.alpha_bits)),
)


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Format, options: Options
) -> QuantizedWeights:
    """Weights [C_out, KH, KW, C_in] in a format; raises ShiftloomError naming `node`."""
    quantizer = next(quantizer for kind, quantizer in QUANTIZERS if isinstance(fmt, kind))
    return quantizer(node, weights, fmt, options)
