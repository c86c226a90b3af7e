"""Every number format: codes, range, scales, storage, and weights that use it; packed codes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from refusals import refuses

from shiftloom.codegen import store
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import FORMATS, Binary, Csd, Format, Given, Int, Pow2, Qsq, Ternary
from shiftloom.codegen.formats.format import storage_bits
from shiftloom.codegen.formats.packing import pack, unpack
from shiftloom.codegen.formats.qsq import Axis
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.rationals import floats
from shiftloom.codegen.values import Array

AXES: tuple[Axis, ...] = ("output", "filter", "channel")
SAMPLES: tuple[Format, ...] = (
    *(Qsq(phi, vector, axis) for phi in (1, 2, 4) for vector in (None, 3) for axis in AXES),
    *(Int(2), Int(4), Int(8, "tensor"), Int(3, "channel", False)),
    *(Pow2(2), Pow2(3), Pow2(5), Csd(), Csd(4, 1), Ternary(), Ternary(5, 3), Binary()),
    *(Given(8), Given(4, False), Given(8, True, "tensor")),
)
SHAPE = (4, 2, 3, 5)


def test_every_format_is_sampled() -> None:
    assert {type(fmt) for fmt in SAMPLES} == set(FORMATS)
    assert len({kind.name for kind in FORMATS}) == len(FORMATS)


def values(fmt: Format, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array(fmt.levels), SHAPE)


@pytest.mark.parametrize("fmt", SAMPLES, ids=str)
class TestFormat:
    """What the protocol promises."""

    def test_every_level_has_a_code_of_the_width(self, fmt: Format) -> None:
        levels = np.array(fmt.levels)
        assert (np.diff(levels) > 0).all()
        codes = fmt.encode(levels)
        assert codes.dtype == np.uint16
        assert len(set(codes.tolist())) == len(levels) <= 1 << fmt.bits
        assert int(codes.max()) < 1 << fmt.bits
        assert np.array_equal(fmt.decode(codes), levels)
        assert np.array_equal(fmt.decode(fmt.encode(values(fmt))), values(fmt))

    def test_a_value_beyond_the_range_has_no_code(self, fmt: Format) -> None:
        for wrong in (fmt.levels[-1] + 1, fmt.levels[0] - 1):
            with pytest.raises(ShiftloomError, match=rf": {wrong} has no code; "):
                fmt.encode(np.array([fmt.levels[0], wrong]))

    def test_a_code_beyond_the_table_is_refused(self, fmt: Format) -> None:
        with pytest.raises(ShiftloomError, match=rf": code {1 << fmt.bits}; valid codes "):
            fmt.decode(np.array([0, 1 << fmt.bits], dtype=np.uint16))

    def test_scales_spread_over_their_vectors(self, fmt: Format) -> None:
        count = fmt.vectors(SHAPE)
        spread = fmt.spread(np.arange(count), SHAPE)
        assert spread.shape == SHAPE
        assert set(spread.ravel().tolist()) == set(range(count))
        assert storage_bits(fmt, SHAPE, 16) == fmt.bits * 120 + 16 * count

    def test_weights_are_integers_times_exact_scales(self, fmt: Format) -> None:
        rng = np.random.default_rng(1)
        mantissa = rng.integers(1, 1 << 16, fmt.vectors(SHAPE))
        weights = QuantizedWeights(fmt, Array(values(fmt)), Array(mantissa), -20)
        exact = fmt.spread(weights.alpha, SHAPE) * values(fmt)
        scale = floats(weights.scale)
        steps = scale.reshape(-1, 1, 1, 1) if scale.ndim else scale
        assert np.array_equal(weights.integers * steps, exact)
        if weights.is_folded:
            assert np.array_equal(weights.integers, values(fmt))
        else:
            assert weights.scale.item() == Fraction(1, 1 << 20)

    def test_a_build_keeps_the_format(self, fmt: Format) -> None:
        assert store.load(*store.save(fmt), "net.json") == fmt


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Int(17), "int.bits: 17 bits; use 1 to 16"),
        (lambda: Int(8, "row"), "int.granularity: unknown 'row'; use channel or tensor"),  # type: ignore[arg-type]
        (lambda: Pow2(6), "pow2.bits: 6 bits; use 2 to 5"),
        (lambda: Pow2(1), "pow2.bits: 1 bits; use 2 to 5"),
        (lambda: Csd(9), "csd.width: 9 bits; use 2 to 8"),
        (lambda: Csd(8, 0), "csd.digits: 0 digits; use 1 to 4"),
        (lambda: Ternary(0, 1), "ternary.positive: 0; use 1 to 127"),
        (lambda: Ternary(1, 128), "ternary.negative: 128; use 1 to 127"),
        (lambda: Int(4).encode(np.array([8])), "int: 8 has no code; int4 holds -8 to 7"),
        (
            lambda: Ternary().encode(np.array([0, 2])),
            "ternary: 2 has no code; levels are -1, 0, 1",
        ),
    ],
)
def test_impossible_formats_and_values_are_refused(make: object, message: str) -> None:
    with refuses(message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 11])
def test_packing_is_inverse_at_every_length(bits: int) -> None:
    rng = np.random.default_rng(0)
    for count in range(66):
        codes = rng.integers(0, 1 << bits, count, dtype=np.uint16)
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
