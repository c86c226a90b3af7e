"""Cases of the units that multiply by α of short vectors, at some K; see `hls_units.py`."""

from __future__ import annotations

import numpy as np
from hls_units import Case, Ints, Port, Table, wrap

from shiftloom.codegen.signed_digits import kept, row_words
from shiftloom.rtl_sim.benches.quality import draw_factors, largest

_BETA = np.array([0, 1, 2, 4, -1, -2, -4, 0])


def filter_case(
    rng: np.random.Generator, simd: int, pe: int, sf: int, nf: int, x_bits: int, x_signed: int,
    rows: int, af: int, acc_bits: int, pixels: int, quality: int,
) -> Case:  # fmt: skip
    """Sums of x·csd_K(α)·β; the bias table carries the corrections of the hardware's products."""
    codes = rng.integers(0, 8, (nf * sf, pe, simd))
    alphas = draw_factors(rng, (af * sf, simd), rows)
    most = ((1 << (x_bits - x_signed)) - 1 + x_signed) * largest(rows) - x_signed
    z_bits = most.bit_length() + x_signed
    beta = _BETA[codes].reshape(nf, sf, pe, simd)
    scale = np.broadcast_to(kept(alphas, quality).reshape(af, sf, simd), (nf, sf, simd))
    half = 1 << (acc_bits - 1)
    plain = rng.integers(-half // 2, half // 2, (nf, pe))
    negative, span = (beta < 0).sum(axis=(1, 3)), 4 << z_bits
    corrected = plain + negative - (simd * sf * span // 2 if x_signed else negative * span)

    def model(x: Ints) -> Ints:
        beats = x.reshape(-1, pixels, nf, sf, simd)
        sums = np.einsum("bqnfi,nfi,nfpi->bqnp", beats, scale, beta)
        return wrap(sums + plain, acc_bits).reshape(len(x), -1, pe)

    tables = (
        Table("weights", "sl::uword<3>", codes),
        Table("alphas", f"sl::uword<{3 * rows}>", row_words(alphas, rows)),
        Table("bias", f"sl::sword<{acc_bits}>", wrap(corrected, acc_bits)),
    )
    args = (simd, pe, sf, nf, x_bits, x_signed, rows, af, z_bits, acc_bits, 1, 0, pixels)
    source = Port(simd, x_bits, bool(x_signed), pixels * nf * sf)
    sink = Port(pe, acc_bits, True, pixels * nf)
    return Case("mvu_filter_csd", args, source, sink, model, tables, quality=quality)


def channel_case(
    rng: np.random.Generator, simd: int, pe: int, sf: int, nf: int, x_bits: int, x_signed: int,
    vf: int, vectors: int, rows: int, acc_bits: int, pixels: int, quality: int,
) -> Case:  # fmt: skip
    """Sums of csd_K(α) times the shifted sums of each vector."""
    terms = simd // vectors
    codes = rng.integers(0, 8, (nf * sf, pe, simd))
    alphas = draw_factors(rng, (nf * sf // vf, pe, vectors), rows)
    beta = _BETA[codes].reshape(nf, sf // vf, vf, pe, vectors, terms)
    scale = kept(alphas, quality).reshape(nf, sf // vf, 1, pe, vectors, 1)
    weights = (beta * scale).reshape(nf, sf, pe, simd)
    v_bits = ((4 * terms * vf) << x_bits).bit_length() + 1
    z_bits = ((1 << v_bits) * largest(rows)).bit_length()
    half = 1 << (acc_bits - 1)
    plain = rng.integers(-half // 2, half // 2, (nf, pe))
    counts = (beta < 0).sum(axis=(2, 5)).reshape(alphas.shape)

    def model(x: Ints) -> Ints:
        beats = x.reshape(-1, pixels, nf, sf, simd)
        sums = np.einsum("bqnfi,nfpi->bqnp", beats, weights)
        return wrap(sums + plain, acc_bits).reshape(len(x), -1, pe)

    tables = (
        Table("weights", "sl::uword<3>", codes),
        Table("counts", f"sl::uword<{(terms * vf).bit_length()}>", counts),
        Table("alphas", f"sl::uword<{3 * rows}>", row_words(alphas, rows)),
        Table("bias", f"sl::sword<{acc_bits}>", plain),
    )
    args = (simd, pe, sf, nf, x_bits, x_signed, vf, vectors, v_bits, rows, z_bits, acc_bits)
    source = Port(simd, x_bits, bool(x_signed), pixels * nf * sf)
    sink = Port(pe, acc_bits, True, pixels * nf)
    made = (*args, 1, 0, pixels)
    return Case("mvu_channel_csd", made, source, sink, model, tables, quality=quality)


def vector_cases() -> tuple[Case, ...]:
    """Folds of 1, parts of a vector and several a beat, one row of digits and many, all K."""
    rng = np.random.default_rng(20240712)
    return (
        filter_case(rng, 6, 4, 2, 3, 8, 0, 5, 1, 28, 2, 15),
        filter_case(rng, 6, 2, 3, 2, 4, 1, 3, 2, 18, 3, 2),
        filter_case(rng, 1, 1, 1, 1, 8, 0, 1, 1, 14, 4, 1),
        filter_case(rng, 3, 2, 1, 4, 16, 1, 9, 4, 44, 2, 3),
        channel_case(rng, 6, 2, 2, 3, 8, 0, 1, 3, 5, 30, 2, 15),
        channel_case(rng, 4, 2, 4, 2, 4, 1, 2, 1, 3, 20, 3, 2),
        channel_case(rng, 1, 3, 6, 2, 2, 1, 3, 1, 1, 12, 2, 1),
        channel_case(rng, 5, 1, 3, 2, 16, 0, 1, 5, 9, 45, 2, 3),
    )
