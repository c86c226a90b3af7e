"""Packed weights of DSP blocks: what is stored, and that no field can overflow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from shiftloom.codegen.pe.packing import (
    FACTOR_BITS,
    SUM_BITS,
    Packing,
    fits,
    packing,
    sum_type,
)
from shiftloom.codegen.values import Array, IntArray, IntType

UINT8, INT8 = IntType(8, signed=False), IntType(8, signed=True)


def layer(values: list[int], terms: int, outputs: int = 16) -> Array:
    """Random weights [outputs, 1, 1, terms] out of `values`, both ends among them."""
    rng = np.random.default_rng(terms)
    weights = rng.choice(np.array(values), (outputs, 1, 1, terms))
    weights[0, 0, 0, :2] = min(values), max(values)
    return Array(weights)


def hardware(packed: Packing, weights: IntArray, x: IntArray) -> IntArray:
    """What `sl_dsp_chain` makes of the stored fields [group, pack]: dot products of each output."""
    total = sum(1 << (o * packed.field + packed.field - 1) for o in range(packed.pack))
    stored = packed.fields(packed.words(weights.T[:, :, None]))[:, 0, 0]
    for parts, value in zip(stored.tolist(), x.tolist(), strict=True):
        factor = 0
        for o, field in enumerate(parts):
            top = o == packed.pack - 1
            factor |= (field if top else field % (1 << packed.field)) << (o * packed.field)
        assert -(1 << (FACTOR_BITS - 1)) <= factor < 1 << (FACTOR_BITS - 1)
        total += factor * value
    fields = [total >> (o * packed.field) & ((1 << packed.field) - 1) for o in range(packed.pack)]
    return np.array(fields) - (1 << (packed.field - 1))


@pytest.mark.parametrize(
    ("values", "x", "simd", "expected"),
    [
        ([-4, -2, -1, 0, 1, 2, 4], UINT8, 16, Packing(2, 15, 4, 16)),
        ([-127, 127], UINT8, 16, Packing(2, 17, 8, 2)),
        ([-127, 127], INT8, 16, Packing(2, 17, 8, 4)),
        ([-1, 0, 1], IntType(4, signed=False), 8, Packing(4, 7, 2, 4)),
        ([-128, 127], UINT8, 1, Packing(2, 16, 9, 1)),
    ],
)
def test_the_cheapest_exact_packing(
    values: list[int], x: IntType, simd: int, expected: Packing
) -> None:
    found = packing(layer(values, 64, 64), x, 16, simd)
    assert (found.pack, found.bits, found.group) == (expected.pack, expected.bits, expected.group)
    assert found.field <= expected.field


def test_one_output_has_a_block_of_its_own() -> None:
    assert packing(layer([-127, 127], 64), UINT8, 1, 16).pack == 1


@pytest.mark.parametrize("x", [UINT8, INT8, IntType(3, signed=True), IntType(1, signed=False)])
@pytest.mark.parametrize("top", [1, 4, 20, 127])
@pytest.mark.parametrize(("pe", "simd"), [(4, 8), (3, 6), (1, 12), (8, 1)])
def test_worst_operands_stay_exact(x: IntType, top: int, pe: int, simd: int) -> None:
    """At whichever ends of the activations the sum of an output is largest or smallest."""
    weights = layer([-top, top], 4 * simd, 2 * pe)
    packed = packing(weights, x, pe, simd)
    rows = weights.data.reshape(2 * pe, -1, packed.group)
    for output, chain in np.ndindex(pe // packed.pack, rows.shape[1]):
        own = rows[output * packed.pack : (output + 1) * packed.pack, chain]
        for signs in (*own, *-own):
            values = np.where(signs > 0, x.hi, x.lo)
            assert (hardware(packed, own, values) == own @ values).all()


def test_a_field_one_bit_narrower_overflows() -> None:
    weights = np.full((2, 4), 4, dtype=np.int64)
    exact = packing(Array(weights[:, None, None]), UINT8, 2, 4)
    values = np.full(4, 255)
    assert (hardware(exact, weights, values) == weights @ values).all()
    narrow = Packing(exact.pack, exact.field - 1, exact.bits, exact.group)
    assert (hardware(narrow, weights, values) != weights @ values).any()


def test_a_longer_chain_than_the_sums_allow_is_not_taken() -> None:
    """Sums of 257 · 255 fill a field of 17 bits, of 258 · 255 they do not."""
    for total, group in ((257, 4), (258, 2)):
        parts = np.array([100, 100, total - 201, 1])
        weights = Array(np.tile(parts, (16, 1, 1, 4)))
        assert packing(weights, UINT8, 16, 4).group == group


def test_fields_fit_their_blocks() -> None:
    for top, bits in itertools.product((1, 3, 8, 100, 2000), (1, 4, 8, 16)):
        x = IntType(bits, signed=False)
        packed = packing(layer([-top, 0, top], 32), x, 8, 16)
        assert (packed.pack - 1) * packed.field + packed.bits <= FACTOR_BITS
        assert packed.pack * packed.field <= SUM_BITS


def test_the_type_of_sums_counts_signs_of_the_activations() -> None:
    weights = Array(np.array([[[[1, 1, -1, -1]]]]))
    assert sum_type(weights, UINT8, 4) == IntType(10, signed=True)
    assert sum_type(weights, INT8, 2) == IntType.covering(-256, 256)


def test_factors_that_no_block_holds() -> None:
    assert fits(layer([-(1 << 24), 1], 4), UINT8)
    assert not fits(layer([-(1 << 24) - 1, 1], 4), UINT8)
    assert fits(layer([-1, 1], 4), IntType(17, signed=False))
    assert not fits(layer([-1, 1], 4), IntType(18, signed=False))
