"""The QSQ format: the paper's codes, packing, vectors, storage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.energy import WeightTraffic
from shiftloom.codegen.formats import FORMATS
from shiftloom.codegen.formats.qsq import Axis, Qsq, pack, unpack

AXES: tuple[Axis, ...] = ("output", "filter", "channel")
CONVNET = ((32, 3, 3, 3), (32, 3, 3, 32), (64, 3, 3, 32), (64, 3, 3, 64))
"""Weights of the paper's network, 3-32-32-64-64 channels of 3×3."""

shapes = st.tuples(*(st.integers(1, 5),) * 4)


@pytest.mark.parametrize(
    ("phi", "table"),
    [
        (1, {0: 0, 1: 1, 2: -1}),
        (2, {0: 0, 1: 1, 2: 2, 3: -1, 4: -2}),
        (4, {0b000: 0, 0b001: 1, 0b010: 2, 0b011: 4, 0b100: -1, 0b101: -2, 0b110: -4}),
    ],
)
def test_codes_follow_table_2(phi: int, table: dict[int, int]) -> None:
    fmt = Qsq(phi)
    codes, values = np.array(list(table), dtype=np.uint8), np.array(list(table.values()))
    assert np.array_equal(fmt.encode(values), codes)
    assert np.array_equal(fmt.decode(codes), values)


def test_width_follows_equation_8() -> None:
    assert [Qsq(phi).bits for phi in (1, 2, 4)] == [2, 3, 3]
    assert [Qsq(phi).levels for phi in (1, 2, 4)] == [(0, 1), (0, 1, 2), (0, 1, 2, 4)]


@given(phi=st.sampled_from([1, 2, 4]), shape=shapes, seed=st.integers(0, 99))
def test_encode_and_decode_are_inverse(
    phi: int, shape: tuple[int, int, int, int], seed: int
) -> None:
    fmt = Qsq(phi)
    signed = np.array([s * level for level in fmt.levels for s in (1, -1)])
    beta = np.random.default_rng(seed).choice(signed, shape)
    codes = fmt.encode(beta)
    assert codes.dtype == np.uint8
    assert np.array_equal(fmt.decode(codes), beta)


@pytest.mark.parametrize("phi", [1, 2, 4])
def test_the_shift_pe_reads_every_format_in_one_table(phi: int) -> None:
    levels = np.array(Qsq(phi).levels)
    beta = np.concatenate([levels, -levels])
    assert np.array_equal(Qsq(4).decode(Qsq(phi).hardware_codes(beta)), beta)


def test_a_value_without_code_is_refused() -> None:
    with refuses("qsq: 3 has no code; levels are ±(0, 1, 2, 4)"):
        Qsq(4).encode(np.array([0, 3, 8]))
    with refuses("qsq: -2 has no code; levels are ±(0, 1)"):
        Qsq(1).encode(np.array([[1, -2]]))


@pytest.mark.parametrize(("phi", "code", "top"), [(4, 7, 6), (2, 5, 4), (1, 3, 2)])
def test_a_code_that_is_never_emitted_is_refused(phi: int, code: int, top: int) -> None:
    with refuses(f"qsq: code {code}; valid codes are 0 to {top}"):
        Qsq(phi).decode(np.array([0, code], dtype=np.uint8))


def test_impossible_formats_are_refused() -> None:
    with refuses("qsq.phi: 3 is no level; use 1, 2 or 4"):
        Qsq(3)
    with refuses("qsq.vector: 0 weights; use 1 or more, or null"):
        Qsq(4, 0)
    with refuses("qsq.axis: unknown axis 'row'; use output, filter or channel"):
        Qsq(4, None, "row")  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", [2, 3])
def test_packing_is_inverse_at_every_length(bits: int) -> None:
    rng = np.random.default_rng(0)
    for count in range(66):
        codes = rng.integers(0, 1 << bits, count, dtype=np.uint8)
        data = pack(codes, bits)
        assert len(data) == (count * bits + 7) // 8
        assert np.array_equal(unpack(data, count, bits), codes)
        number = int.from_bytes(data, "little")
        assert [number >> i * bits & (1 << bits) - 1 for i in range(count)] == codes.tolist()
        assert number >> count * bits == 0


@pytest.mark.parametrize(("count", "length"), [(8, 2), (8, 4), (1, 0), (0, 1)])
def test_packed_codes_of_a_wrong_length_are_refused(count: int, length: int) -> None:
    needed = (count * 3 + 7) // 8
    with refuses(f"packed codes: {length} bytes; {count} codes of 3 bits take {needed}"):
        unpack(bytes(length), count, 3)


@given(
    shape=shapes,
    axis=st.sampled_from(AXES),
    vector=st.none() | st.integers(1, 12),
)
def test_vectors_hold_every_weight_once(
    shape: tuple[int, int, int, int], axis: Axis, vector: int | None
) -> None:
    fmt = Qsq(4, vector, axis)
    weights = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    vectors = fmt.to_vectors(weights)
    real = vectors[~np.isnan(vectors)]
    assert sorted(real) == sorted(weights.ravel())
    assert len(vectors) == fmt.vectors(shape)
    assert not np.isnan(vectors[:, 0]).any()
    back = fmt.from_vectors(np.nan_to_num(vectors).astype(np.int64), shape)
    assert np.array_equal(back, weights)


@pytest.mark.parametrize(
    ("axis", "first"),
    [("output", [0, 1, 2, 3, 4]), ("filter", [0, 12, 24, 36, np.nan]), ("channel", [0, 1, 2])],
)
def test_vectors_run_along_their_axis(axis: Axis, first: list[float]) -> None:
    weights = np.arange(48.0).reshape(4, 2, 2, 3)
    vectors = Qsq(4, len(first), axis).to_vectors(weights)
    assert np.array_equal(vectors[0], first, equal_nan=True)


def test_a_ragged_axis_ends_in_a_short_vector() -> None:
    fmt = Qsq(4, 5, "output")
    vectors = fmt.to_vectors(np.arange(24.0).reshape(2, 2, 2, 3))
    assert vectors.shape == (6, 5)
    assert np.isnan(vectors).sum(axis=1).tolist() == [0, 0, 3, 0, 0, 3]


@pytest.mark.parametrize(("phi", "percent"), [(4, 88.82), (1, 91.95)])
def test_savings_of_the_papers_network(phi: int, percent: float) -> None:
    """Eq. 11 and 12 with `filter` vectors give the paper's 88.82 % (3 bits), 91.95 % (2 bits)."""
    fmt = Qsq(phi, None, "filter")
    total = WeightTraffic(0, 0)
    for shape in CONVNET:
        total += WeightTraffic(32 * int(np.prod(shape)), fmt.storage_bits(shape))
    assert total.float_bits == 32 * 65_376
    assert total.quantized_bits == fmt.bits * 65_376 + 32 * (27 + 288 + 288 + 576)
    assert round(100 * total.saving, 2) == percent


def test_storage_counts_one_scale_a_vector() -> None:
    assert Qsq(4, None, "output").storage_bits((10, 5, 5, 6)) == 3 * 1500 + 32 * 10
    assert Qsq(1, 100, "output").storage_bits((10, 5, 5, 6), 16) == 2 * 1500 + 16 * 20
    assert Qsq(4, 4, "channel").storage_bits((10, 5, 5, 6)) == 3 * 1500 + 32 * 250 * 2


def test_traffic_of_a_network_without_weights() -> None:
    assert WeightTraffic(0, 0).saving == 0.0
    assert WeightTraffic(3200, 320).energy_nanojoule() == pytest.approx(64.0)
    assert WeightTraffic(3200, 320).energy_nanojoule(100.0) == pytest.approx(1.0)


def test_formats_are_listed() -> None:
    assert (Qsq,) == FORMATS
