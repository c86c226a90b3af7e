"""Fig. 11: non-zero bits against non-zero signed digits of the weights of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.grids import Grid, grid, number, percent
from shiftloom.codegen.signed_digits import digits_of
from shiftloom.codegen.values import IntArray
from shiftloom.models import folder
from shiftloom.paper import plots, weights_file
from shiftloom.paper.bench import Bar, Bench
from shiftloom.paper.published import Claim, claim
from shiftloom.paper.result import Result
from shiftloom.paper.weights_file import Weights

NAME = "digits"
WIDTHS = (16, 8)
"""Bits of the fixed-point words: the default of MATLAB's fi, which the paper used, and ours."""
FEW = 3
"""Digits of a product that takes two additions at most."""
SQUEEZENET = "squeezenet1.1/weights.npz"
SQUEEZENET_SHA256 = "98be759fe4e795e5f3d156692fc2f7ce4f98a6875589e500ece33112d1bdddee"


@dataclass(frozen=True, slots=True)
class DigitRow:
    """How many of all weights have `count` non-zero bits or digits, in words of `width` bits."""

    source: str
    width: int
    count: int
    bits: int
    twos_complement: int
    digits: int


def run(weights: Path | None, data: Path | None, bar: Bar) -> Result:
    """Count those of a file, by default of SqueezeNet, else of the ConvNet that ships."""
    name, arrays, absent = source(weights, data)
    rows: list[DigitRow] = []
    with bar(f"Fig. 11: {name}") as advance:
        for done, width in enumerate(WIDTHS, 1):
            rows += counted(name, arrays, width)
            advance(done, len(WIDTHS))
    total = sum(array.size for array in arrays.values())
    return Result(
        NAME,
        "Fig. 11: non-zero bits and signed digits",
        f"The {total:,} weights of {name} as signed fixed-point words, with one binary point a "
        "layer so that its largest weight just fits. Bits are those of the magnitude; in two's "
        "complement small negative weights have more. A canonic signed-digit product takes an "
        "addition less than it has non-zero digits. The paper shows AlexNet, without values.",
        {NAME: tuple(rows)},
        (digit_grid(rows),),
        plots.digits([(r.width, r.count, r.bits, r.digits) for r in rows]),
        _claims(rows),
        absent,
    )


def source(weights: Path | None, data: Path | None) -> tuple[str, Weights, tuple[str, ...]]:
    """The name of the weights, the weights, and what had to be left out."""
    if weights is not None:
        return weights.name, weights_file.load(weights), ()
    try:
        path = folder.find(SQUEEZENET, data)
    except ShiftloomError as error:
        return (
            "the ConvNet",
            dict(Bench("convnet").layers),
            (f"SqueezeNet: {error}, or others with --weights FILE",),
        )
    folder.read(path, SQUEEZENET_SHA256)
    return "SqueezeNet 1.1", weights_file.load(path), ()


def fixed_point(weights: npt.NDArray[np.floating], width: int) -> IntArray:
    """Integers below 2^(width − 1) in magnitude, the weights in the finest step that holds all.

    The step is 2^−f with f the most bits behind the point: what MATLAB's fi takes by default.
    """
    top = float(np.abs(weights).max())
    if not top:
        return np.zeros(weights.shape, np.int64)
    limit = (1 << (width - 1)) - 1
    fraction = width - 1 - int(np.floor(np.log2(top)) + 1)
    scaled = np.rint(np.ldexp(weights.astype(np.float64), fraction)).astype(np.int64)
    return np.clip(scaled, -limit, limit)


def counted(name: str, arrays: Weights, width: int) -> list[DigitRow]:
    """Weights by their number of non-zero bits, of bits in two's complement, and of digits."""
    size = width + 1
    totals = np.zeros((3, size), np.int64)
    for array in arrays.values():
        integers = fixed_point(array, width)
        bits = np.bitwise_count(np.abs(integers))
        wrapped = np.bitwise_count((integers & ((1 << width) - 1)).astype(np.uint64))
        kinds = (bits, wrapped, digits_of(integers))
        totals += [np.bincount(found.ravel(), minlength=size) for found in kinds]
    return [DigitRow(name, width, n, *map(int, totals[:, n])) for n in range(size)]


def mean(rows: Sequence[DigitRow], field: str) -> float:
    """Mean count over all weights."""
    counts: list[int] = [getattr(row, field) for row in rows]
    return sum(row.count * n for row, n in zip(rows, counts, strict=True)) / sum(counts)


def _claims(rows: Sequence[DigitRow]) -> tuple[Claim, ...]:
    made = []
    for width in WIDTHS:
        own = [row for row in rows if row.width == width]
        bits, digits = mean(own, "bits"), mean(own, "digits")
        few = sum(row.digits for row in own if row.count <= FEW) / sum(row.digits for row in own)
        made.append(
            claim(
                f"Signed digits are fewer than bits ({width}-bit words)",
                "section V.B",
                digits < bits,
                f"{bits:.2f} bits, {digits:.2f} digits a weight on average; "
                f"{percent(few)} have {FEW} digits or fewer",
            )
        )
    return tuple(made)


def digit_grid(rows: Sequence[DigitRow]) -> Grid:
    """Shares of the weights by count."""
    totals = {width: sum(r.bits for r in rows if r.width == width) for width in WIDTHS}
    cells = (
        (
            f"{row.width} bits",
            number(row.count),
            *(
                percent(n / totals[row.width], 2)
                for n in (row.bits, row.twos_complement, row.digits)
            ),
        )
        for row in rows
        if row.bits or row.digits or row.twos_complement
    )
    heads = "Word|#Non-zero|#Bits|#Two's complement|#Signed digits"
    return grid("Share of the weights", heads, cells)
