"""One case a parameter set of each HLS library unit, with an independent numpy model of it.

A model maps the elements of whole frames [frames, beats, elements] to those of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Model = Callable[..., Ints | tuple[Ints, ...]]


@dataclass(frozen=True, slots=True)
class Port:
    """Elements of a stream: how many a beat, how wide, and whether the model reads a sign."""

    elements: int
    bits: int
    signed: bool
    beats: int

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return self.elements * self.bits

    def draw(self, rng: np.random.Generator, frames: int) -> Ints:
        """Random elements [frames, beats, elements] over the whole range, extremes included."""
        low, high = (-(1 << (self.bits - 1)), 1 << (self.bits - 1)) if self.signed else (0, 0)
        high = high or 1 << self.bits
        shape = (frames, self.beats, self.elements)
        values = rng.integers(low, high, shape)
        extreme = rng.choice(np.array([low, high - 1]), shape)
        return np.where(rng.random(shape) < 0.1, extreme, values)


@dataclass(frozen=True, slots=True)
class Table:
    """A constant array argument: C++ element type and values in the shape of the array."""

    name: str
    ctype: str
    values: Ints


@dataclass(frozen=True, slots=True)
class Case:
    """Unit `function` with its template arguments, its tables, its ports and its model.

    A unit of two sources or two sinks has the second ones apart; its model takes or gives a tuple.
    `quality` is the last argument of a unit that keeps so many digits.
    """

    function: str
    args: tuple[int, ...]
    source: Port
    sink: Port
    model: Model
    tables: tuple[Table, ...] = ()
    second_source: Port | None = None
    second_sink: Port | None = None
    quality: int | None = None

    @property
    def sources(self) -> tuple[Port, ...]:
        """All input streams."""
        return (self.source,) if self.second_source is None else (self.source, self.second_source)

    @property
    def sinks(self) -> tuple[Port, ...]:
        """All output streams."""
        return (self.sink,) if self.second_sink is None else (self.sink, self.second_sink)

    @property
    def label(self) -> str:
        """Name of the test."""
        digits = "" if self.quality is None else f"-k{self.quality}"
        return f"{self.function}-{'_'.join(map(str, self.args))}{digits}"


def extend_case(lanes: int, bits: int, out_bits: int, signed: bool, beats: int) -> Case:
    """More bits an element, of the same value."""
    source, sink = Port(lanes, bits, signed, beats), Port(lanes, out_bits, signed, beats)
    return Case("extend", (lanes, bits, out_bits, int(signed), beats), source, sink, lambda x: x)


def width_case(n_in: int, n_out: int, bits: int, beats: int) -> Case:
    """The same elements, regrouped."""
    source, sink = Port(n_in, bits, False, beats), Port(n_out, bits, False, beats * n_in // n_out)

    def model(x: Ints) -> Ints:
        return x.reshape(len(x), sink.beats, n_out)

    return Case("width", (n_in, n_out, bits, beats), source, sink, model)


def vector_buffer_case(length: int, simd: int, bits: int, nf: int, pixels: int) -> Case:
    """Every vector NF times."""
    beats = length // simd
    source = Port(simd, bits, False, beats * pixels)
    sink = Port(simd, bits, False, source.beats * nf)

    def model(x: Ints) -> Ints:
        vectors = x.reshape(len(x), pixels, 1, beats, simd)
        return np.repeat(vectors, nf, axis=2).reshape(len(x), -1, simd)

    return Case("vector_buffer", (length, simd, bits, nf, pixels), source, sink, model)


def window_case(
    h: int, w: int, c: int, bits: int, kernel: tuple[int, int], stride: tuple[int, int],
    pad: tuple[int, int, int, int], simd: int, nf: int, extra_rows: int, value: int,
    digits: int = 1,
) -> Case:  # fmt: skip
    """Windows cut from the padded frame, digit by digit; `pad` is (top, left, bottom, right)."""
    (kh, kw), (sh, sw), (top, left, bottom, right) = kernel, stride, pad
    oh, ow = (h + top + bottom - kh) // sh + 1, (w + left + right - kw) // sw + 1
    sf = kh * kw * c // simd

    def model(x: Ints) -> Ints:
        image = np.pad(
            x.reshape(len(x), h, w, digits, c),
            ((0, 0), (top, bottom), (left, right), (0, 0), (0, 0)),
            constant_values=value & ((1 << bits) - 1),
        )
        cut = [
            image[:, y * sh : y * sh + kh, v * sw : v * sw + kw, d].reshape(len(x), 1, sf, simd)
            for y in range(oh)
            for v in range(ow)
            for d in range(digits)
        ]
        return np.repeat(np.stack(cut, 1), nf, axis=2).reshape(len(x), -1, simd)

    rows = kh + extra_rows
    args = (h, w, c, bits, kh, kw, sh, sw, top, left, oh, ow, simd, nf, rows, value, digits)
    source, sink = Port(c, bits, False, h * w * digits), oh * ow * digits * nf * sf
    return Case("window", args, source, Port(simd, bits, False, sink), model)


def digits_case(elements: int, bits: int, digit: int, signed: bool, beats: int) -> Case:
    """The digits of every element, highest first."""
    shifts = np.arange(-(-bits // digit) - 1, -1, -1).reshape(-1, 1) * digit
    source = Port(elements, bits, signed, beats)
    sink = Port(elements, digit, False, beats * len(shifts))

    def model(x: Ints) -> Ints:
        parts = (x.reshape(len(x), beats, 1, elements) >> shifts) & ((1 << digit) - 1)
        return parts.reshape(len(x), -1, elements)

    return Case("digits", (elements, bits, digit, int(signed), beats), source, sink, model)


def mvu_shift_case(
    rng: np.random.Generator, simd: int, pe: int, sf: int, nf: int, x_bits: int, x_signed: int,
    acc_bits: int, pixels: int,
) -> Case:  # fmt: skip
    """A plain matrix product; the bias table carries the corrections of the hardware's products."""
    beta_of = np.array([0, 1, 2, 4, -1, -2, -4, 0])
    codes = rng.integers(0, 8, (nf * sf, pe, simd))
    half = 1 << (acc_bits - 1)
    plain = rng.integers(-half // 2, half // 2, (nf, pe))
    beta = beta_of[codes].reshape(nf, sf, pe, simd)
    negative, span = (beta < 0).sum(axis=(1, 3)), 4 << x_bits
    corrected = plain + negative - (simd * sf * span // 2 if x_signed else negative * span)

    def model(x: Ints) -> Ints:
        beats = x.reshape(len(x), pixels, nf, sf, simd)
        sums = np.einsum("bnfsi,fspi->bnfp", beats.reshape(-1, pixels, nf, sf, simd), beta)
        return wrap(sums + plain, acc_bits).reshape(len(x), -1, pe)

    tables = (
        Table("weights", "sl::uword<3>", codes),
        Table("bias", f"sl::sword<{acc_bits}>", wrap(corrected, acc_bits)),
    )
    args = (simd, pe, sf, nf, x_bits, x_signed, acc_bits, pixels)
    source = Port(simd, x_bits, bool(x_signed), pixels * nf * sf)
    return Case("mvu_shift", args, source, Port(pe, acc_bits, True, pixels * nf), model, tables)


def pool_case(
    h: int, w: int, folds: int, lanes: int, bits: int, out_bits: int, kh: int, kw: int,
    is_sum: int, is_signed: int,
) -> Case:  # fmt: skip
    """Maximum or sum of whole kernels; sums modulo 2^OUT_BITS."""
    oh, ow = h // kh, w // kw

    def model(x: Ints) -> Ints:
        image = x.reshape(len(x), h, w, folds * lanes)[:, : oh * kh, : ow * kw]
        kernels = image.reshape(len(x), oh, kh, ow, kw, -1)
        reduced = kernels.sum(axis=(2, 4)) if is_sum else kernels.max(axis=(2, 4))
        return wrap(reduced, out_bits).reshape(len(x), -1, lanes)

    args = (h, w, folds, lanes, bits, out_bits, kh, kw, is_sum, is_signed)
    source = Port(lanes, bits, bool(is_signed), h * w * folds)
    sink = Port(lanes, out_bits, True, oh * ow * folds)
    return Case("pool", args, source, sink, model)


def window_reduce_case(
    taps: int, lanes: int, bits: int, out_bits: int, is_sum: int, is_signed: int, beats: int
) -> Case:
    """Maximum or sum over the taps of a beat."""

    def model(x: Ints) -> Ints:
        by_tap = x.reshape(len(x), beats, taps, lanes)
        return wrap(by_tap.sum(axis=2) if is_sum else by_tap.max(axis=2), out_bits)

    args = (taps, lanes, bits, out_bits, is_sum, is_signed, beats)
    source = Port(taps * lanes, bits, bool(is_signed), beats)
    sink = Port(lanes, out_bits, True, beats)
    return Case("window_reduce", args, source, sink, model)


def thresholds_case(
    rng: np.random.Generator, lanes: int, folds: int, in_bits: int, out_bits: int, low: int,
    pixels: int,
) -> Case:  # fmt: skip
    """Counting the thresholds reached."""
    half = 1 << (in_bits - 1)
    t = np.sort(rng.integers(-half, half, (folds, lanes, (1 << out_bits) - 1)), axis=2)

    def model(x: Ints) -> Ints:
        per_pixel = x.reshape(len(x), pixels, folds, lanes, 1)
        counts: Ints = low + (per_pixel >= t).sum(axis=4)
        return counts.reshape(len(x), -1, lanes)

    source = Port(lanes, in_bits, True, pixels * folds)
    sink = Port(lanes, out_bits, low < 0, pixels * folds)
    tables = (Table("t", f"sl::sword<{in_bits}>", t),)
    args = (lanes, folds, in_bits, out_bits, low, pixels)
    return Case("thresholds", args, source, sink, model, tables)


def wrap(values: Ints, bits: int) -> Ints:
    """Two's complement of the low `bits` bits."""
    half = 1 << (bits - 1)
    wrapped: Ints = (values + half) % (2 * half) - half
    return wrapped


def cases() -> tuple[Case, ...]:
    """Parameter sets chosen for their corners: folds of 1, wide beats, odd widths, all paddings."""
    rng = np.random.default_rng(20240711)
    same, valid = (2, 2, 2, 2), (0, 0, 0, 0)
    return (
        width_case(1, 6, 20, 12),
        width_case(12, 3, 7, 5),
        width_case(4, 4, 40, 3),
        width_case(25, 1, 9, 2),
        extend_case(1, 12, 16, True, 7),
        extend_case(3, 1, 8, False, 5),
        vector_buffer_case(24, 4, 8, 3, 2),
        vector_buffer_case(10, 10, 33, 1, 3),
        vector_buffer_case(7, 1, 3, 5, 1),
        window_case(9, 8, 1, 8, (5, 5), (1, 1), same, 25, 1, 1, 0),
        window_case(6, 7, 3, 5, (3, 2), (1, 1), valid, 6, 2, 2, 0),
        window_case(7, 9, 2, 8, (3, 3), (2, 2), (1, 1, 0, 1), 9, 1, 1, 200),
        window_case(5, 6, 4, 4, (2, 3), (3, 1), (1, 2, 1, 2), 4, 3, 1, -3),
        window_case(4, 3, 1, 11, (3, 5), (1, 2), (2, 4, 2, 4), 5, 1, 3, 7),
        window_case(3, 2, 5, 8, (1, 1), (1, 1), valid, 5, 1, 1, 0),
        window_case(8, 5, 1, 1, (2, 2), (1, 1), (0, 0, 1, 1), 1, 1, 1, 1),
        window_case(6, 1, 2, 8, (3, 3), (1, 1), (1, 1, 1, 1), 2, 1, 1, 0),
        window_case(9, 8, 3, 2, (5, 5), (1, 1), valid, 75, 1, 1, 0, 4),
        window_case(6, 7, 2, 2, (3, 3), (1, 1), (1, 1, 1, 1), 18, 1, 1, 0, 3),
        window_case(7, 9, 1, 1, (3, 2), (2, 3), (1, 1, 1, 1), 3, 2, 1, 1, 2),
        digits_case(6, 8, 2, False, 9),
        digits_case(1, 6, 3, False, 4),
        digits_case(3, 4, 1, True, 5),
        digits_case(2, 5, 5, False, 3),
        digits_case(2, 7, 2, False, 4),
        digits_case(3, 5, 3, True, 6),
        mvu_shift_case(rng, 25, 6, 1, 1, 8, 0, 20, 5),
        mvu_shift_case(rng, 10, 4, 6, 3, 8, 1, 22, 2),
        mvu_shift_case(rng, 3, 1, 4, 2, 4, 0, 12, 3),
        mvu_shift_case(rng, 7, 5, 2, 2, 1, 0, 5, 4),
        mvu_shift_case(rng, 2, 3, 3, 1, 16, 1, 40, 3),
        pool_case(6, 8, 1, 6, 20, 20, 2, 2, 0, 1),
        pool_case(7, 9, 3, 2, 8, 12, 3, 2, 1, 1),
        pool_case(5, 5, 4, 1, 8, 6, 2, 2, 1, 1),
        pool_case(4, 3, 2, 5, 33, 40, 4, 3, 0, 1),
        pool_case(6, 5, 1, 3, 8, 8, 2, 2, 0, 0),
        pool_case(5, 7, 2, 1, 16, 18, 2, 2, 1, 0),
        window_reduce_case(4, 3, 8, 8, 0, 1, 6),
        window_reduce_case(9, 2, 8, 12, 1, 1, 4),
        window_reduce_case(1, 5, 21, 30, 0, 1, 3),
        window_reduce_case(6, 2, 8, 8, 0, 0, 5),
        window_reduce_case(4, 3, 4, 6, 1, 0, 5),
        thresholds_case(rng, 3, 2, 16, 4, 0, 9),
        thresholds_case(rng, 1, 4, 9, 8, -128, 20),
        thresholds_case(rng, 5, 1, 6, 1, 0, 8),
    )
