"""DSP and XNOR matrix units, scaled sums and offsets: parameters, memories, bias, latency."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shiftloom.codegen.dataflows.streaming.add import AddUnit
from shiftloom.codegen.dataflows.streaming.requantize import MultiplyShift
from shiftloom.codegen.dataflows.streaming.requantize_cost import dsp_blocks
from shiftloom.codegen.dataflows.streaming.requantize_csd import RequantCsd
from shiftloom.codegen.design import Rom, RomBank, Stream
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.pe import DspMatrix, XnorMatrix
from shiftloom.codegen.qgraph import Mac, ScaledAdd
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.codegen.windows import Window

UINT8, BIT = IntType(8, signed=False), IntType(1, signed=False)
ACC_BITS = 20
VECTORS = 3


def mac_of(weights: IntArray, groups: int = 1) -> Mac:
    """A layer of these weights [outputs, terms] with a random bias."""
    values = Array(weights[:, None, None])
    bias = np.random.default_rng(1).integers(-1000, 1000, len(weights))
    codes = QuantizedWeights(Given(8), values, Array(np.ones(1, dtype=np.int64)), 0)
    return Mac(values, Array(bias), Window((1, 1)), 0, codes, groups)


def streams(mac: Mac, pe: int, simd: int, x: IntType) -> tuple[Stream, Stream]:
    """The streams of a matrix unit for one pixel."""
    outputs = len(mac.weights.data)
    shape = (1, 1, mac.lanes * outputs // pe)
    source = Stream("s", "", shape, simd, x.bits, x.signed)
    return source, Stream("m", "", (1, 1, outputs), pe, ACC_BITS, True)


def parameters(unit: DspMatrix | XnorMatrix | AddUnit | MultiplyShift) -> dict[str, int]:
    """The parameters of its module."""
    return dict(unit.instance().parameters)


def signed(word: IntArray, bits: int) -> IntArray:
    """The low bits as two's complement."""
    half: int = 1 << (bits - 1)
    result: IntArray = (word + half) % (2 * half) - half
    return result


def chain(parts: IntArray, x: IntArray, p: dict[str, int]) -> list[int]:
    """The fields that a chain of blocks gives for stored weights [GROUP, PACK]."""
    places = [o * p["FIELD"] for o in range(p["PACK"])]
    mask = (1 << p["FIELD"]) - 1
    total = sum(1 << (place + p["FIELD"] - 1) for place in places)
    for stored, value in zip(parts.tolist(), x.tolist(), strict=True):
        lower = sum(
            (part & mask) << place for part, place in zip(stored[:-1], places, strict=False)
        )
        total += (lower + (stored[-1] << places[-1])) * value
    return [total >> place & mask for place in places]


def run_dsp(unit: DspMatrix, x: IntArray) -> IntArray:
    """What the module makes of a vector [SF, SIMD], out of its memories."""
    p = parameters(unit)
    bank, bias = (port.rom for port in unit.instance().roms)
    assert isinstance(bank, RomBank)
    assert isinstance(bias, Rom)
    words = np.stack([rom.fields.data for rom in bank.roms], axis=1)
    stored = words.reshape(p["NF"], p["SF"], p["GROUP"], p["SIMD"] // p["GROUP"], -1, p["PACK"])
    sums = np.array(bias.fields.data, dtype=object)
    for nf, sf, c, k in np.ndindex(*stored.shape[:2], *stored.shape[3:5]):
        own = x[sf].reshape(-1, p["GROUP"])[c]
        for o, field in enumerate(chain(stored[nf, sf, :, c, k], own, p)):
            if k * p["PACK"] + o < p["PE"]:
                sums[nf, k * p["PACK"] + o] += field
    return signed(sums.ravel(), ACC_BITS).astype(np.int64)


@pytest.mark.parametrize(
    ("outputs", "terms", "pe", "simd", "top", "x"),
    [
        (6, 24, 3, 8, 4, UINT8),
        (4, 18, 2, 9, 127, UINT8),
        (4, 12, 4, 6, 60, IntType(8, signed=True)),
        (8, 16, 4, 16, 3, IntType(4, signed=False)),
        (5, 8, 5, 1, 1, BIT),
    ],
)
def test_dsp_memories_hold_the_layer(
    outputs: int, terms: int, pe: int, simd: int, top: int, x: IntType
) -> None:
    rng = np.random.default_rng(terms)
    mac = mac_of(rng.integers(-top, top + 1, (outputs, terms)))
    unit = DspMatrix("unit", "node", *streams(mac, pe, simd, x), mac, "net")
    assert unit.supports(mac, pe, simd, x)
    for _ in range(VECTORS):
        vector = rng.integers(x.lo, x.hi + 1, terms)
        expected = mac.weights.data.reshape(outputs, terms) @ vector + mac.bias.data
        assert (run_dsp(unit, vector.reshape(-1, simd)) == expected).all()


def test_dsp_memories_and_words_are_the_same_weights() -> None:
    rng = np.random.default_rng(3)
    mac = mac_of(rng.integers(-4, 5, (4, 32)))
    unit = DspMatrix("unit", "node", *streams(mac, 4, 16, UINT8), mac, "net", "block")
    bank, call = unit.bank(), unit.call()
    assert call is not None
    assert len(bank.roms) == parameters(unit)["GROUP"] == 16
    assert {rom.style for rom in bank.roms} == {"block"}
    assert call.arrays[0].values.data.shape == (2, 2, 16)
    assert call.template_args[:-1] == tuple(value for _, value in unit.instance().parameters)


def test_dsp_takes_groups_and_refuses_wide_operands() -> None:
    mac = mac_of(np.ones((6, 4), dtype=np.int64), groups=3)
    assert DspMatrix.supports(mac, 2, 4, UINT8)
    assert not DspMatrix.supports(mac, 3, 4, UINT8)
    assert not DspMatrix.supports(mac, 2, 3, UINT8)
    assert not DspMatrix.supports(mac, 2, 4, IntType(18, signed=False))
    assert not DspMatrix.supports(mac_of(np.full((2, 4), 1 << 24)), 2, 4, UINT8)


def test_dsp_features_count_its_blocks() -> None:
    mac = mac_of(np.random.default_rng(2).integers(-127, 128, (8, 64)))
    unit = DspMatrix("unit", "node", *streams(mac, 8, 16, UINT8), mac, "net")
    assert unit.features()["dsp"] == 4 * 16
    assert unit.features()["block_rams"] == 0
    in_blocks = replace(unit, memory="block")
    assert in_blocks.features()["weight_luts"] == 0
    assert in_blocks.features()["block_rams"] > 0
    assert set(in_blocks.features()) == set(unit.features())


@pytest.mark.parametrize(("pe", "simd"), [(2, 6), (4, 4), (1, 12)])
def test_xnor_memories_hold_the_layer(pe: int, simd: int) -> None:
    rng = np.random.default_rng(simd)
    mac = mac_of(rng.choice(np.array([-1, 1]), (4, 12)))
    unit = XnorMatrix("unit", "node", *streams(mac, pe, simd, BIT), mac, "net")
    weights, bias = (port.rom for port in unit.instance().roms)
    assert isinstance(weights, Rom)
    assert isinstance(bias, Rom)
    x = rng.integers(0, 2, 12)
    beats = x.reshape(1, -1, 1, simd)
    words = weights.fields.data.reshape(4 // pe, -1, pe, simd)
    counts = (beats == words).sum(axis=(1, 3))
    expected = mac.weights.data.reshape(4, 12) @ x + mac.bias.data
    assert ((counts + bias.fields.data).ravel() == expected).all()


def test_xnor_takes_signs_on_single_bits() -> None:
    signs, others = mac_of(np.array([[1, -1, 1, 1]])), mac_of(np.array([[1, -1, 0, 1]]))
    assert XnorMatrix.supports(signs, 1, 2, BIT)
    assert not XnorMatrix.supports(signs, 1, 3, BIT)
    assert not XnorMatrix.supports(signs, 1, 2, UINT8)
    assert not XnorMatrix.supports(signs, 1, 2, IntType(1, signed=True))
    assert not XnorMatrix.supports(others, 1, 2, BIT)


def test_xnor_weights_of_few_words_are_logic() -> None:
    mac = mac_of(np.ones((32, 16), dtype=np.int64))
    shallow = XnorMatrix("unit", "node", *streams(mac, 4, 16, BIT), mac, "net")
    deep = XnorMatrix("unit", "node", *streams(mac, 1, 16, BIT), mac, "net", "distributed")
    units = (shallow, deep, replace(deep, memory="auto"))
    roms = [unit.instance().roms[0].rom for unit in units]
    styles = [rom.style for rom in roms if isinstance(rom, Rom)]
    assert styles == ["logic", "distributed", "distributed"]
    assert replace(deep, memory="block").features()["block_rams"] == 0.5


def add_unit(function: ScaledAdd, use_dsp: bool = False) -> AddUnit:
    """A unit of two lanes."""
    a, b = (Stream(name, "", (2, 2, 4), 2, 8, name == "s1") for name in ("s0", "s1"))
    sink = Stream("m", "", (2, 2, 4), 2, 8, False)
    return AddUnit("sum", "node", (a, b), (sink,), function, "net", use_dsp)


def test_constants_of_a_sum_fill_one_word() -> None:
    unit = add_unit(ScaledAdd(5, -9, -100, 4, 0, 255, 3))
    p = parameters(unit)
    assert (p["M_BITS"], p["C_BITS"], p["B_SIGNED"], p["ZERO"]) == (5, 8, 1, 3)
    (port,) = unit.instance().roms
    assert isinstance(port.rom, Rom)
    (word,) = port.rom.words()
    assert int(word, 16) == 5 | (-9 & 31) << 5 | (-100 & 255) << 10
    call = unit.call()
    assert call is not None
    assert [array.values.data.tolist() for array in call.arrays] == [[5, -9], [-100]]
    assert call.template_args[-1] == unit.cycles() == 8


def test_sums_with_blocks_or_tables() -> None:
    function = ScaledAdd((1 << 24) - 1, 1, 0, 20, 0, 255)
    wide = replace(function, m2=-(1 << 24) - 1)
    assert AddUnit.supports_dsp(function)
    assert not AddUnit.supports_dsp(wide)
    tables, blocks = add_unit(function), add_unit(function, use_dsp=True)
    assert (tables.features()["dsp"], blocks.features()["dsp"]) == (0, 4)
    assert tables.timing().params == (4,)
    assert blocks.timing().params == (6,)


def requant(offset: IntArray, use_dsp: bool = False, m_bits: int = 9) -> MultiplyShift:
    """Four channels on two lanes."""
    out = IntType(8, signed=True)
    m = Array(np.array([300, 301, 302, 303]))
    function = Requantization(m, 12, m_bits, out, out.lo, out.hi, 0, Array(offset))
    source = Stream("s", "", (1, 1, 4), 2, 8, False)
    return MultiplyShift("rq", "node", source, replace(source, name="m"), function, use_dsp, "net")


def test_offsets_stand_above_the_multipliers() -> None:
    unit = requant(np.array([-4, 3, 2, 1]))
    p = parameters(unit)
    assert (p["C_BITS"], p["M_BITS"], p["X_SIGNED"]) == (3, 9, 0)
    (port,) = unit.instance().roms
    assert isinstance(port.rom, Rom)
    lanes = [int(word, 16) for word in port.rom.words()]
    assert lanes == [(300 | 4 << 9) | (301 | 3 << 9) << 12, (302 | 2 << 9) | (303 | 1 << 9) << 12]
    call = unit.call()
    assert call is not None
    assert call.arrays[1].values.data.tolist() == [[-4, 3], [2, 1]]


def test_no_offset_takes_no_memory() -> None:
    unit = requant(np.zeros((), dtype=np.int64))
    assert parameters(unit)["C_BITS"] == 0
    (port,) = unit.instance().roms
    assert isinstance(port.rom, Rom)
    assert port.rom.width == 2 * 9
    call = unit.call()
    assert call is not None
    assert len(call.arrays) == 1


def test_latency_counts_the_offset() -> None:
    plain, offset = requant(np.array(0)), requant(np.array([1, 0, 0, 0]))
    assert (plain.timing().params[0], offset.timing().params[0]) == (6, 7)
    assert requant(np.array([1, 0, 0, 0]), use_dsp=True).timing().params[0] == 6


def digits(offset: IntArray, m: tuple[int, ...] = (3, 255, 0, 6)) -> RequantCsd:
    """Four channels on two lanes, two pixels a frame."""
    out = IntType(8, signed=True)
    function = Requantization(Array(np.array(m)), 12, 8, out, out.lo, out.hi, 0, Array(offset))
    source = Stream("s", "", (1, 2, 4), 2, 8, True)
    return RequantCsd("rq", "node", source, replace(source, name="m"), function, "net")


def test_digits_of_multipliers_and_their_offsets() -> None:
    unit = digits(np.array([-4, 3, 2, 1]))
    p = dict(unit.instance().parameters)
    assert (p["ROWS"], p["C_BITS"], p["PIXELS"], p["GATE"]) == (5, 3, 2, 1)
    assert unit.instance().quality
    three, most = 0b001_101, 0b001_000_000_000_101  # 4 − 1, 256 − 1
    assert unit.codes().tolist() == [[three, most], [0, 0b010_110]]  # 8 − 2
    (port,) = unit.instance().roms
    assert isinstance(port.rom, Rom)
    words = [int(word, 16) for word in port.rom.words()]
    assert words == [
        (three | 4 << 15) | (most | 3 << 15) << 18,
        (0 | 2 << 15) | (0b010_110 | 1 << 15) << 18,
    ]
    call = unit.call()
    assert call is not None
    assert call.quality
    assert [array.values.data.tolist() for array in call.arrays] == [
        unit.codes().tolist(),
        [[-4, 3], [2, 1]],
    ]


def test_latency_counts_the_rows_and_the_offset() -> None:
    none, some = np.zeros((), dtype=np.int64), np.array([1, 0, 0, 0])
    assert [unit.timing().params[0] for unit in (digits(none), digits(some))] == [7, 8]
    assert digits(none, (1, 2, 1, 0)).timing().params[0] == 4
    call = digits(none).call()
    assert call is not None
    assert len(call.arrays) == 1


def test_blocks_of_a_multiplier() -> None:
    assert [dsp_blocks(*bits) for bits in ((25, 17), (18, 24), (25, 18), (35, 24), (26, 25))] == [
        *(1, 1),
        *(2, 2),
        4,
    ]
    function = requant(np.array(0), m_bits=25).function
    assert MultiplyShift.supports_dsp(function, IntType(24, signed=False))
    assert not MultiplyShift.supports_dsp(function, IntType(26, signed=True))


def test_deep_constants_are_in_block_ram() -> None:
    unit = requant(np.array([-4, 3, 2, 1]))
    channels = np.arange(600)
    function = replace(unit.function, m=Array(channels), offset=Array(-channels))
    source = Stream("s", "", (1, 1, 600), 1, 8, False)
    deep = replace(unit, source=source, sink=replace(source, name="m"), function=function)
    (port,) = deep.instance().roms
    assert isinstance(port.rom, Rom)
    assert port.rom.style == "block"
    assert deep.features()["block_rams"] == 1
    assert deep.features()["deep_luts"] == 0
