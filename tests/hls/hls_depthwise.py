"""Cases of the HLS units around windows that come tap by tap."""

from __future__ import annotations

import numpy as np
from hls_units import Case, Ints, Port, Table, wrap

from shiftloom.codegen.windows import Pair, Window, im2col


def window_serial_case(
    shape: tuple[int, int, int], bits: int, window: Window, simd: int, groups: int = 1,
    nf: int = 1, rows: int = 1, value: int = 0,
) -> Case:  # fmt: skip
    """Windows cut from the padded frame, group by group."""
    h, w, c = shape
    oh, ow = window.output("case", shape)

    def model(x: Ints) -> Ints:
        cut = im2col(x.reshape(len(x), h, w, c), window, value & ((1 << bits) - 1))
        by_group = cut.reshape(*cut.shape[:5], groups, 1, -1).transpose(0, 1, 2, 5, 6, 3, 4, 7)
        return np.repeat(by_group, nf, axis=4).reshape(len(x), -1, simd)

    pairs: tuple[Pair, ...] = (window.kernel, window.stride, window.dilation, window.padding)
    args = (h, w, c, bits, *np.array(pairs).flat, oh, ow, simd, groups, nf, rows, value)
    taps = window.kernel[0] * window.kernel[1]
    source = Port(simd, bits, False, h * w * c // simd)
    sink = Port(simd, bits, False, oh * ow * nf * taps * c // simd)
    return Case("window_serial", tuple(map(int, args)), source, sink, model)


def reduce_case(
    lanes: int, taps: int, bits: int, out_bits: int, is_sum: int, is_signed: int, outputs: int
) -> Case:
    """Maximum or sum over consecutive beats."""

    def model(x: Ints) -> Ints:
        by_tap = x.reshape(len(x), outputs, taps, lanes)
        return wrap(by_tap.sum(axis=2) if is_sum else by_tap.max(axis=2), out_bits)

    args = (lanes, taps, bits, out_bits, is_sum, is_signed, outputs)
    source = Port(lanes, bits, bool(is_signed), outputs * taps)
    return Case("reduce", args, source, Port(lanes, out_bits, True, outputs), model)


def dw_case(
    rng: np.random.Generator, lanes: int, taps: int, folds: int, x_bits: int, x_signed: int,
    acc_bits: int, pixels: int, w_bits: int | None = None,
) -> Case:  # fmt: skip
    """Plain sums; shift codes without `w_bits`, their corrections in the bias table."""
    size = folds * taps, lanes
    half = 1 << (acc_bits - 1)
    plain = rng.integers(-half, half, (folds, lanes))
    if w_bits is None:
        words = rng.integers(0, 8, size)
        weights = np.array([0, 1, 2, 4, -1, -2, -4, 0])[words].reshape(folds, taps, lanes)
        negative = (weights < 0).sum(axis=1)
        bias = plain + negative - (taps << (x_bits + 1) if x_signed else negative << (x_bits + 2))
        kind, own, ctype = "dw_shift", (), "sl::uword<3>"
    else:
        words = rng.integers(-(1 << (w_bits - 1)), 1 << (w_bits - 1), size)
        weights, bias = words.reshape(folds, taps, lanes), plain
        kind, own, ctype = "dw_dsp", (w_bits,), f"sl::sword<{w_bits}>"

    def model(x: Ints) -> Ints:
        beats = x.reshape(len(x), pixels, folds, taps, lanes)
        sums = np.einsum("bpftl,ftl->bpfl", beats, weights)
        return wrap(sums + plain, acc_bits).reshape(len(x), -1, lanes)

    tables = (
        Table("weights", ctype, words),
        Table("bias", f"sl::sword<{acc_bits}>", wrap(bias, acc_bits)),
    )
    args = (lanes, taps, folds, x_bits, x_signed, *own, acc_bits, pixels)
    source = Port(lanes, x_bits, bool(x_signed), pixels * folds * taps)
    return Case(kind, args, source, Port(lanes, acc_bits, True, pixels * folds), model, tables)


def depthwise_cases() -> tuple[Case, ...]:
    """Parameter sets chosen for their corners: counts of 1, odd widths, all paddings."""
    rng = np.random.default_rng(20261120)
    same = ((1, 1), (1, 1))
    return (
        window_serial_case((6, 5, 4), 8, Window((3, 3), padding=(1, 1)), 2, rows=4),
        window_serial_case((6, 7, 6), 5, Window((3, 3), (1, 1), *same), 2, groups=3, value=-2),
        window_serial_case((5, 6, 8), 4, Window((3, 2)), 2, groups=2, nf=3, rows=5),
        window_serial_case((9, 7, 2), 8, Window((3, 3), (2, 2), *same), 2),
        window_serial_case((6, 6, 8), 8, Window((1, 1), (2, 2)), 2, nf=2),
        window_serial_case((11, 10, 1), 7, Window((2, 2), (3, 4)), 1),
        window_serial_case(
            (8, 11, 3), 4, Window((2, 3), (1, 2), (0, 3), (1, 0), (3, 2)), 1, value=5
        ),
        window_serial_case((4, 5, 2), 1, Window((3, 3), padding=(2, 2)), 2, value=1),
        window_serial_case((7, 1, 2), 8, Window((3, 3), (1, 1), *same), 1),
        window_serial_case((1, 1, 2), 8, Window((1, 1)), 2),
        reduce_case(3, 9, 8, 8, 0, 1, 5),
        reduce_case(2, 4, 8, 10, 1, 0, 6),
        reduce_case(1, 1, 21, 30, 1, 1, 3),
        reduce_case(2, 6, 5, 5, 0, 0, 4),
        dw_case(rng, 8, 9, 2, 8, 0, 16, 4),
        dw_case(rng, 3, 1, 1, 4, 1, 9, 5),
        dw_case(rng, 1, 25, 3, 16, 1, 40, 2),
        dw_case(rng, 8, 9, 2, 8, 0, 20, 4, w_bits=8),
        dw_case(rng, 3, 1, 4, 4, 1, 9, 5, w_bits=5),
        dw_case(rng, 2, 25, 1, 24, 1, 48, 2, w_bits=18),
    )
