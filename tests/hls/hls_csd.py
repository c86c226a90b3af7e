"""Cases of the HLS units that multiply by signed digits."""

from __future__ import annotations

import numpy as np
from hls_arith import rounded, span
from hls_units import Case, Ints, Port, Table

from shiftloom.codegen.signed_digits import kept, row_words


def requant_csd_case(
    rng: np.random.Generator, lanes: int, folds: int, in_bits: int, x_signed: int, rows: int,
    c_bits: int, shift: int, out_bits: int, signed: bool, zero: int, pixels: int, k: int,
) -> Case:  # fmt: skip
    """Multiplier and offset of each channel; the largest of so many rows among them."""
    top = 2 * (4**rows - 1) // 3
    mult = rng.integers(0, top, (folds, lanes), endpoint=True)
    mult.flat[0] = top
    half = (1 << c_bits) // 2
    offset = rng.integers(-half, half + (c_bits == 0), (folds, lanes))
    low, high = span(out_bits, signed)

    def model(x: Ints) -> Ints:
        sums = x.reshape(len(x), pixels, folds, lanes) * kept(mult, k) + offset
        return rounded(sums, shift, zero, low, high).reshape(len(x), -1, lanes)

    constants = (in_bits, x_signed, rows, c_bits, shift, out_bits, low, high, zero)
    args = (lanes, folds, *constants, int(rng.integers(4)), pixels)
    source = Port(lanes, in_bits, bool(x_signed), pixels * folds)
    sink = Port(lanes, out_bits, signed, pixels * folds)
    codes = row_words(mult, rows)
    tables = [Table("mult", f"sl::uword<{3 * rows}>", codes)]
    if c_bits:
        tables.append(Table("offset", f"sl::sword<{c_bits}>", offset))
    return Case("requant_csd", args, source, sink, model, tuple(tables), quality=k)


def csd_cases() -> tuple[Case, ...]:
    """Every number of digits of M of 8 bits, other widths, with and without offsets."""
    rng = np.random.default_rng(20261107)
    return (
        *(
            requant_csd_case(rng, 2, 3, 20, 1, 5, 0, 14, 8, False, 0, 7, k)
            for k in (0, 1, 2, 3, 4, 15)
        ),
        requant_csd_case(rng, 3, 1, 12, 1, 5, 0, 0, 24, True, 5, 4, 1),
        requant_csd_case(rng, 1, 2, 8, 0, 9, 17, 8, 8, True, -9, 12, 3),
        requant_csd_case(rng, 2, 1, 22, 1, 13, 40, 33, 8, False, 2, 9, 5),
        requant_csd_case(rng, 1, 1, 6, 0, 1, 3, 1, 4, False, 0, 40, 1),
    )
