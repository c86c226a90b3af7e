"""Quantizers: real weights to the integers of a number format, one file each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import Binary, Csd, Format, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers import binary, csd, integer, pow2, qsq, ternary
from shiftloom.codegen.quantizers.options import AlphaRule, Options, Word

Quantizer = Callable[[str, npt.NDArray[Any], Any, Options], QuantizedWeights]
_Row = tuple[type[Format], tuple[Word, ...], Quantizer]

LEAST: tuple[Word, ...] = ("least_squares",)
FITTED: tuple[Word, ...] = ("calibrated", "adaround")
"""Quantizers of every format, which start from least squares and need calibration frames."""

QUANTIZERS: tuple[_Row, ...] = (
    (
        Qsq,
        (*LEAST, "paper"),
        lambda node, w, fmt, o: qsq.quantize(node, w, fmt, o.quantizer, o.alpha, o.alpha_bits),
    ),
    (
        Int,
        (*LEAST, "max", "percentile"),
        lambda node, w, fmt, o: integer.quantize(
            node, w, fmt, o.quantizer, o.percentile, o.alpha_bits
        ),
    ),
    (Pow2, LEAST, lambda node, w, fmt, o: pow2.quantize(node, w, fmt, o.alpha_bits)),
    (Csd, LEAST, lambda node, w, fmt, o: csd.quantize(node, w, fmt, o.alpha_bits)),
    (Ternary, LEAST, lambda node, w, fmt, o: ternary.quantize(node, w, o.scales, o.alpha_bits)),
    (Binary, LEAST, lambda node, w, fmt, o: binary.quantize(node, w, fmt, o.alpha_bits)),
)
"""Of every format the quantizers that need its weights alone, and the function that does them."""


def words(fmt: Format) -> tuple[Word, ...]:
    """The quantizers of a format, by their words in the configuration."""
    return (*_row(fmt)[1], *FITTED)


def check_word(node: str, fmt: Format, word: Word) -> None:
    """Refuse a quantizer that the format does not have."""
    if word not in words(fmt):
        known = ", ".join(words(fmt))
        raise ShiftloomError(node, f"{fmt.name} has no quantizer {word!r}", f"use one of {known}")


def quantize(
    node: str, weights: npt.NDArray[Any], fmt: Format, options: Options
) -> QuantizedWeights:
    """Weights [C_out, KH, KW, C_in] in a format; raises ShiftloomError naming `node`.

    Where `FITTED` is asked for, it is their start that is returned.
    """
    check_word(node, fmt, options.quantizer)
    if options.quantizer in FITTED:
        options = replace(options, quantizer="least_squares")
    return _row(fmt)[2](node, weights, fmt, options)


def _row(fmt: Format) -> _Row:
    return next(row for row in QUANTIZERS if isinstance(fmt, row[0]))


__all__ = [
    "FITTED",
    "QUANTIZERS",
    "AlphaRule",
    "Options",
    "Quantizer",
    "Word",
    "check_word",
    "quantize",
    "words",
]
