"""The QSQ format: the paper's codes, vectors, storage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.energy import WeightTraffic
from shiftloom.codegen.formats.format import storage_bits
from shiftloom.codegen.formats.qsq import Axis, Qsq

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
    codes, values = np.array(list(table), dtype=np.uint16), np.array(list(table.values()))
    assert np.array_equal(fmt.encode(values), codes)
    assert np.array_equal(fmt.decode(codes), values)


def test_width_follows_equation_8() -> None:
    assert [Qsq(phi).bits for phi in (1, 2, 4)] == [2, 3, 3]
    assert [Qsq(phi).magnitudes for phi in (1, 2, 4)] == [(0, 1), (0, 1, 2), (0, 1, 2, 4)]


def test_a_value_without_code_is_refused() -> None:
    with refuses("qsq: 3 has no code; levels are -4, -2, -1, 0, 1, 2, 4"):
        Qsq(4).encode(np.array([0, 3, 8]))
    with refuses("qsq: -2 has no code; levels are -1, 0, 1"):
        Qsq(1).encode(np.array([[1, -2]]))


@pytest.mark.parametrize(("phi", "code", "top"), [(4, 7, 6), (2, 5, 4), (1, 3, 2)])
def test_a_code_that_is_never_emitted_is_refused(phi: int, code: int, top: int) -> None:
    with refuses(f"qsq: code {code}; valid codes are 0 to {top}"):
        Qsq(phi).decode(np.array([0, code], dtype=np.uint16))


def test_impossible_formats_are_refused() -> None:
    with refuses("qsq.phi: 3 is no level; use 1, 2 or 4"):
        Qsq(3)
    with refuses("qsq.vector: 0 weights; use 1 or more, or null"):
        Qsq(4, 0)
    with refuses("qsq.axis: unknown axis 'row'; use output, filter or channel"):
        Qsq(4, None, "row")  # type: ignore[arg-type]


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
    [("output", [0, 1, 2, 3, 4]), ("filter", [0, 12, 24, 36]), ("channel", [0, 1, 2])],
)
def test_vectors_run_along_their_axis_and_are_no_longer(axis: Axis, first: list[float]) -> None:
    weights = np.arange(48.0).reshape(4, 2, 2, 3)
    vectors = Qsq(4, 5, axis).to_vectors(weights)
    assert np.array_equal(vectors[0], first)


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
        total += WeightTraffic(32 * int(np.prod(shape)), storage_bits(fmt, shape))
    assert total.float_bits == 32 * 65_376
    assert total.quantized_bits == fmt.bits * 65_376 + 32 * (27 + 288 + 288 + 576)
    assert round(100 * total.saving, 2) == percent


def test_storage_counts_one_scale_a_vector() -> None:
    assert storage_bits(Qsq(4, None, "output"), (10, 5, 5, 6)) == 3 * 1500 + 32 * 10
    assert storage_bits(Qsq(1, 100, "output"), (10, 5, 5, 6), 16) == 2 * 1500 + 16 * 20
    assert storage_bits(Qsq(4, 4, "channel"), (10, 5, 5, 6)) == 3 * 1500 + 32 * 250 * 2


def test_traffic_of_a_network_without_weights() -> None:
    assert WeightTraffic(0, 0).saving == 0.0
    assert WeightTraffic(3200, 320).energy_nanojoule() == pytest.approx(64.0)
    assert WeightTraffic(3200, 320).energy_nanojoule(100.0) == pytest.approx(1.0)
