"""Cases of the HLS units that scale, add and multiply in DSP blocks."""

from __future__ import annotations

import numpy as np
from hls_units import Case, Ints, Port, Table, wrap

from shiftloom.codegen.signed_digits import kept, row_words, rows_for


def rounded(sums: Ints, shift: int, zero: int, low: int, high: int) -> Ints:
    """Half to even: `np.rint` of quotients that are exact doubles, or nearly so far outside."""
    quotient = sums / 2.0**shift
    y: Ints = np.clip(np.rint(quotient) + zero, low, high).astype(np.int64)
    return y


def span(bits: int, signed: bool) -> tuple[int, int]:
    """Lowest and highest value of a type."""
    low = -(1 << (bits - 1)) if signed else 0
    return low, low + (1 << bits) - 1


def requant_case(
    rng: np.random.Generator, lanes: int, folds: int, in_bits: int, x_signed: int, m_bits: int,
    c_bits: int, shift: int, out_bits: int, signed: bool, zero: int, pixels: int,
) -> Case:  # fmt: skip
    """Multiplier and offset of each channel; a power of two among them, so that ties occur."""
    mult = rng.integers(0, 1 << m_bits, (folds, lanes))
    mult.flat[0] = 1 << (m_bits - 1)
    half = (1 << c_bits) // 2
    offset = rng.integers(-half, half + (c_bits == 0), (folds, lanes))
    offset.flat[0] = 0
    low, high = span(out_bits, signed)

    def model(x: Ints) -> Ints:
        sums = x.reshape(len(x), pixels, folds, lanes) * mult + offset
        return rounded(sums, shift, zero, low, high).reshape(len(x), -1, lanes)

    constants = (in_bits, x_signed, m_bits, c_bits, shift, out_bits, low, high, zero)
    args = (lanes, folds, *constants, int(rng.integers(2)), pixels)
    source = Port(lanes, in_bits, bool(x_signed), pixels * folds)
    sink = Port(lanes, out_bits, signed, pixels * folds)
    tables = [Table("mult", f"sl::uword<{m_bits}>", mult)]
    if c_bits:
        tables.append(Table("offset", f"sl::sword<{c_bits}>", offset))
    return Case("requant", args, source, sink, model, tuple(tables))


def add_case(
    lanes: int, a: tuple[int, bool], b: tuple[int, bool], factors: tuple[int, int], offset: int,
    shift: int, out: tuple[int, bool], zero: int, beats: int,
) -> Case:  # fmt: skip
    """The scaled sum; `a`, `b` and `out` are (bits, signed)."""
    low, high = span(*out)
    m_bits = max(*(value.bit_length() for value in factors)) + 1
    c_bits = offset.bit_length() + 1

    def model(x: Ints, y: Ints) -> Ints:
        return rounded(factors[0] * x + factors[1] * y + offset, shift, zero, low, high)

    ports = Port(lanes, *a, beats), Port(lanes, *b, beats)
    kinds = (a[0], int(a[1]), b[0], int(b[1]))
    args = (lanes, *kinds, m_bits, c_bits, shift, out[0], low, high, zero, beats % 2, beats)
    tables = (
        Table("factor", f"sl::sword<{m_bits}>", np.array(factors)),
        Table("offset", f"sl::sword<{c_bits}>", np.array([offset])),
    )
    return Case(
        "add", args, ports[0], Port(lanes, *out, beats), model, tables, second_source=ports[1]
    )


def mvu_dsp_case(
    rng: np.random.Generator, simd: int, pe: int, sf: int, nf: int, x: tuple[int, bool],
    top: int, packing: tuple[int, int, int, int], acc_bits: int, pixels: int,
) -> Case:  # fmt: skip
    """A plain matrix product of weights up to ±`top`; `packing` is (W_BITS, PACK, FIELD, GROUP)."""
    w_bits, pack, field, group = packing
    weights = rng.integers(-top, top + 1, (nf, sf, pe, simd))
    half = 1 << (acc_bits - 1)
    plain = rng.integers(-half // 2, half // 2, (nf, pe))
    padded = np.pad(weights, ((0, 0), (0, 0), (0, -pe % pack), (0, 0)))
    by_block = padded.reshape(nf * sf, -1, pack, simd)
    words = sum(by_block[:, :, o] << (o * field) for o in range(pack))
    corrected = plain - (sf * (simd // group) << (field - 1))

    def model(values: Ints) -> Ints:
        beats = values.reshape(-1, pixels, nf, sf, simd)
        sums = np.einsum("bnfsi,fspi->bnfp", beats, weights)
        return wrap(sums + plain, acc_bits).reshape(len(values), -1, pe)

    tables = (
        Table("weights", f"sl::sword<{(pack - 1) * field + w_bits}>", np.asarray(words)),
        Table("bias", f"sl::sword<{acc_bits}>", wrap(corrected, acc_bits)),
    )
    args = (simd, pe, sf, nf, x[0], int(x[1]), *packing, acc_bits, pixels)
    source = Port(simd, *x, pixels * nf * sf)
    return Case("mvu_dsp", args, source, Port(pe, acc_bits, True, pixels * nf), model, tables)


def mvu_csd_case(
    rng: np.random.Generator, simd: int, pe: int, sf: int, nf: int, x: tuple[int, bool],
    top: int, acc_bits: int, pixels: int, k: int,
) -> Case:  # fmt: skip
    """A plain matrix product of the K most significant signed digits of weights up to ±`top`."""
    weights = rng.integers(-top, top + 1, (nf, sf, pe, simd))
    half = 1 << (acc_bits - 1)
    bias = rng.integers(-half // 2, half // 2, (nf, pe))
    rows = rows_for(weights)
    words = row_words(weights, rows).reshape(-1, pe, simd)

    def model(values: Ints) -> Ints:
        beats = values.reshape(-1, pixels, nf, sf, simd)
        sums = np.einsum("bnfsi,fspi->bnfp", beats, kept(weights, k))
        return wrap(sums + bias, acc_bits).reshape(len(values), -1, pe)

    tables = (
        Table("weights", f"sl::uword<{3 * rows}>", words),
        Table("bias", f"sl::sword<{acc_bits}>", bias),
    )
    source = Port(simd, *x, pixels * nf * sf)
    args = (simd, pe, sf, nf, x[0], int(x[1]), rows, acc_bits, 1, 0, pixels)
    sink = Port(pe, acc_bits, True, pixels * nf)
    return Case("mvu_csd", args, source, sink, model, tables, quality=k)


def mvu_xnor_case(
    rng: np.random.Generator, simd: int, pe: int, sf: int, nf: int, acc_bits: int, pixels: int
) -> Case:
    """A plain matrix product of signs and bits."""
    weights = rng.choice([-1, 1], (nf, sf, pe, simd))
    half = 1 << (acc_bits - 1)
    plain = rng.integers(-half, half, (nf, pe))

    def model(x: Ints) -> Ints:
        beats = x.reshape(-1, pixels, nf, sf, simd)
        sums = np.einsum("bnfsi,fspi->bnfp", beats, weights)
        return wrap(sums + plain, acc_bits).reshape(len(x), -1, pe)

    corrected = wrap(plain - (weights < 0).sum(axis=(1, 3)), acc_bits)
    tables = (
        Table("weights", "sl::uword<1>", (weights > 0).astype(np.int64).reshape(-1, pe, simd)),
        Table("bias", f"sl::sword<{acc_bits}>", corrected),
    )
    args = (simd, pe, sf, nf, acc_bits, pixels)
    source = Port(simd, 1, False, pixels * nf * sf)
    return Case("mvu_xnor", args, source, Port(pe, acc_bits, True, pixels * nf), model, tables)


def arith_cases() -> tuple[Case, ...]:
    """Signed and unsigned operands, with and without offsets, fields filled to the last value."""
    rng = np.random.default_rng(20261103)
    return (
        requant_case(rng, 4, 3, 20, 1, 8, 0, 14, 8, False, 0, 7),
        requant_case(rng, 1, 5, 16, 1, 16, 0, 20, 8, True, -3, 9),
        requant_case(rng, 6, 1, 12, 1, 8, 0, 0, 16, True, 5, 4),
        requant_case(rng, 2, 2, 24, 1, 24, 0, 40, 4, False, 2, 30),
        requant_case(rng, 2, 1, 6, 1, 2, 0, 3, 5, True, 0, 64),
        requant_case(rng, 3, 2, 8, 0, 8, 17, 8, 8, False, 0, 20),
        requant_case(rng, 2, 4, 18, 1, 17, 34, 22, 8, True, -9, 12),
        requant_case(rng, 1, 1, 8, 1, 25, 40, 31, 4, False, 3, 40),
        add_case(4, (8, False), (8, False), (12345, 23456), -3000000, 15, (8, False), 0, 40),
        add_case(1, (8, True), (5, True), (1 << 13, -(3 << 12)), 1 << 12, 13, (8, True), -5, 101),
        add_case(2, (8, True), (12, False), (123456789, 7654321), -(5 << 30), 28, (9, True), 0, 50),
        add_case(3, (1, False), (4, True), (1, -1), 0, 0, (6, True), 1, 16),
        mvu_dsp_case(rng, 4, 3, 2, 3, (8, False), 4, (4, 2, 13, 4), 20, 3),
        mvu_dsp_case(rng, 6, 2, 1, 1, (8, True), 127, (8, 2, 17, 3), 22, 4),
        mvu_dsp_case(rng, 2, 1, 3, 2, (16, True), 2000, (12, 1, 40, 2), 34, 2),
        mvu_dsp_case(rng, 8, 7, 3, 1, (4, False), 4, (4, 3, 9, 4), 14, 3),
        mvu_dsp_case(rng, 1, 4, 2, 2, (1, False), 1, (2, 4, 4, 1), 5, 5),
        mvu_csd_case(rng, 4, 3, 2, 3, (8, False), 127, 22, 3, 15),
        mvu_csd_case(rng, 4, 3, 2, 3, (8, False), 127, 22, 3, 2),
        mvu_csd_case(rng, 6, 2, 1, 1, (8, True), 127, 20, 4, 1),
        mvu_csd_case(rng, 1, 1, 3, 2, (4, True), 1, 9, 5, 1),
        mvu_csd_case(rng, 2, 2, 2, 1, (12, False), 90000, 36, 2, 3),
        mvu_xnor_case(rng, 64, 3, 2, 2, 9, 3),
        mvu_xnor_case(rng, 1, 1, 1, 1, 3, 5),
        mvu_xnor_case(rng, 7, 4, 3, 1, 12, 4),
    )
