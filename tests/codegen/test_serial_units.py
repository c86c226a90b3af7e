"""The units around windows that come tap by tap: parameters, memories, clocks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from shiftloom.codegen.dataflows.streaming.reduce import Reduce
from shiftloom.codegen.dataflows.streaming.tokens import simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.window_serial import WindowSerial
from shiftloom.codegen.design import Rom, Stream
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.pe.depthwise import DepthwiseDsp, DepthwiseShift
from shiftloom.codegen.qgraph import Mac, WindowReduce
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Window

LIBRARY = Path(__file__).parents[2] / "templates"
UINT8 = IntType(8, signed=False)
SAME = Window((3, 3), padding=(1, 1))
SHIFTS = np.array([-4, -2, -1, 0, 1, 2, 4])
BETA = np.array([0, 1, 2, 4, -1, -2, -4])


def window_unit(
    shape: Shape, window: Window, simd: int, groups: int = 1, passes: int = 1
) -> WindowSerial:
    """A window of 8-bit elements."""
    output = window.output("x", shape)
    taps = window.kernel[0] * window.kernel[1]
    source = Stream("s", "", shape, simd, 8, False)
    sink = Stream("m", "", (*output, taps * shape[2] * passes), simd, 8, False)
    return WindowSerial("window", "x", source, sink, window, output, passes, groups, 0)


def depthwise_mac(weights: IntArray, window: Window = SAME) -> Mac:
    """A depthwise convolution of weights [C, KH, KW, 1]."""
    channels = len(weights)
    given = QuantizedWeights(Given(8), Array(weights), Array(np.ones(1, np.int64)), 0)
    bias = np.arange(channels) * 100 - 50
    return Mac(Array(weights), Array(bias), window, 0, given, channels)


def pe(
    kind: type[DepthwiseShift | DepthwiseDsp], mac: Mac, lanes: int, *, signed: bool = False
) -> DepthwiseShift | DepthwiseDsp:
    """A PE of `lanes` for maps of 4 × 5 pixels."""
    channels = len(mac.weights.data)
    source = Stream("s", "", (4, 5, channels * mac.lanes), lanes, 8, signed)
    sink = Stream("m", "y", (4, 5, channels), lanes, 20, True)
    return kind("matrix", "x", source, sink, mac, "net")


def reduction() -> Reduce:
    """Nine taps of three lanes."""
    source = Stream("s", "", (4, 5, 54), 3, 8, True)
    sink = Stream("m", "y", (4, 5, 6), 3, 12, True)
    return Reduce("reduce", "x", source, sink, WindowReduce("max", SAME))


def weights(values: IntArray, shape: tuple[int, ...] = (6, 3, 3, 1)) -> IntArray:
    """Random ones of `values`."""
    drawn: IntArray = np.random.default_rng(7).choice(values, shape)
    return drawn


UNITS: tuple[Unit, ...] = (
    window_unit((6, 7, 4), SAME, 2, passes=2),
    reduction(),
    pe(DepthwiseShift, depthwise_mac(weights(SHIFTS)), 2),
    pe(DepthwiseDsp, depthwise_mac(weights(np.arange(-128, 128))), 3),
)
SHAPES = {
    "same": window_unit((9, 8, 4), SAME, 2),
    "same_passes": window_unit((6, 7, 4), SAME, 4, passes=3),
    "depthwise": window_unit((9, 8, 6), SAME, 2, groups=3),
    "stride_2": window_unit((12, 12, 2), Window((3, 3), (2, 2), (0, 0), (1, 1)), 2),
    "shortcut": window_unit((12, 12, 4), Window((1, 1), (2, 2)), 2, passes=4),
    "dilated": window_unit((12, 11, 2), Window((3, 3), (1, 1), (2, 2), dilation=(2, 2)), 1),
    "tall": window_unit((25, 6, 1), Window((10, 4), (2, 2), (4, 1), (5, 1)), 1, passes=4),
    "valid": window_unit((9, 9, 2), Window((3, 3)), 2),
    "left_over": window_unit((14, 10, 2), Window((3, 3), (3, 3)), 2),
    "one_row": window_unit((1, 20, 2), Window((1, 5), padding=(0, 2)), 1),
    "full": window_unit((5, 6, 2), Window((3, 3), padding=(2, 2)), 2),
}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.kind)
def test_parameters_are_those_of_the_modules(unit: Unit) -> None:
    instance, call = unit.instance(), unit.call()
    assert call is not None
    text = (LIBRARY / "rtl/lib" / f"{instance.module}.sv").read_text()
    assert re.findall(r"^  parameter int (\w+)", text, re.M) == [n for n, _ in instance.parameters]
    values = tuple(value for name, value in instance.parameters if name != "AWAIT")
    assert call.template_args[: len(values)] == values
    twin = (LIBRARY / "hls/lib" / call.header).read_text()
    found = re.findall(rf"template <([^>]*)>\s*void {call.function}\(", twin)
    assert len(found[0].split(",")) == len(call.template_args)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.kind)
def test_a_frame_takes_the_cycles_promised(unit: Unit) -> None:
    assert simulate([unit]).interval == unit.cycles()


def test_windows_beside_the_map_are_refused() -> None:
    window = Window((3, 2), padding=(1, 1), dilation=(1, 3))
    message = "x: a window of kernel (3, 2) and dilation (1, 3) has no pixel of the map of 4 × 2"
    with pytest.raises(ShiftloomError, match=re.escape(message)):
        window_unit((4, 2, 2), window, 2)


@pytest.mark.parametrize("name", SHAPES)
def test_the_ring_is_never_the_bottleneck(name: str) -> None:
    """Rows are enough for frames without a pause, whatever the stride and the padding."""
    unit = SHAPES[name]
    assert simulate([unit]).interval == unit.cycles() == max(unit.source.beats, unit.sink.beats)


def test_a_ring_holds_whole_windows_at_least() -> None:
    walk = SHAPES["same"].geometry
    assert walk.needed == (2 * 8 + 2 + 1) * 2
    assert walk.capacity(1) == 64
    assert walk.capacity(65) == 128


def test_one_clock_less_than_two_behind_the_first_tap() -> None:
    """A 1×1 window gives its first beat two clocks after it came, and then one a clock."""
    unit = window_unit((4, 4, 2), Window((1, 1)), 2)
    guard = 1
    assert simulate([unit]).latency == 16 + 2 + guard


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", [DepthwiseShift, DepthwiseDsp])
@pytest.mark.parametrize("lanes", [1, 2, 6])
def test_memories_make_the_sums(
    kind: type[DepthwiseShift | DepthwiseDsp], lanes: int, signed: bool
) -> None:
    """Products of the words in the memory, with the bias in the memory, are the plain sums."""
    mac = depthwise_mac(weights(SHIFTS))
    unit = pe(kind, mac, lanes, signed=signed)
    x = np.random.default_rng(3).integers(-128 if signed else 0, 128, (unit.folds, 9, lanes))
    words = unit.beats().reshape(unit.folds, 9, lanes)
    products = _shift_products(words, x, signed=signed) if kind is DepthwiseShift else words * x
    by_channel = np.transpose(x, (0, 2, 1)).reshape(6, 9)
    plain = (by_channel * mac.weights.data.reshape(6, 9)).sum(axis=1) + mac.bias.data
    sums = products.sum(axis=1) + unit.bias()
    assert ((sums.reshape(-1) - plain) % (1 << unit.sink.bits) == 0).all()


def _shift_products(codes: IntArray, x: IntArray, *, signed: bool) -> IntArray:
    """What `sl_shift_product` makes: 10 bits, inverted for a negative code, the sign bit too."""
    beta = BETA[codes]
    magnitude = np.abs(beta) * x
    product = np.where(beta < 0, ~magnitude, magnitude) & 1023
    return product ^ (512 if signed else 0)


def test_lanes_fill_the_channels_of_a_depthwise_layer() -> None:
    shifts, others = depthwise_mac(weights(SHIFTS)), depthwise_mac(weights(np.arange(5, 9)))
    for kind in (DepthwiseShift, DepthwiseDsp):
        found = [lanes for lanes in range(1, 7) if kind.supports(shifts, lanes, 1, UINT8)]
        assert found == [1, 2, 3, 6]
        assert not kind.supports(shifts, 2, 3, UINT8)
    assert not DepthwiseShift.supports(others, 2, 1, UINT8)
    assert DepthwiseDsp.supports(others, 2, 1, UINT8)


def test_depthwise_pes_refuse_other_layers() -> None:
    mac = depthwise_mac(weights(SHIFTS))
    whole = Mac(mac.weights, mac.bias, SAME, 0, mac.codes)
    paired = Mac(Array(weights(SHIFTS, (6, 3, 3, 2))), mac.bias, SAME, 0, mac.codes, 3)
    for kind in (DepthwiseShift, DepthwiseDsp):
        assert not kind.supports(whole, 2, 1, UINT8)
        assert not kind.supports(paired, 2, 1, UINT8)


def test_dsp_blocks_take_weights_that_change_and_fit() -> None:
    single = depthwise_mac(weights(SHIFTS, (6, 1, 1, 1)), Window((1, 1)))
    assert DepthwiseDsp.supports(single, 3, 1, UINT8)
    assert not DepthwiseDsp.supports(single, 6, 1, UINT8)
    wide = depthwise_mac(weights(np.array([1 << 17])))
    assert not DepthwiseDsp.supports(wide, 2, 1, UINT8)


@pytest.mark.parametrize(("channels", "style"), [(64, "distributed"), (256, "block")])
def test_large_weight_memories_are_block_ram(channels: int, style: str) -> None:
    unit = pe(DepthwiseShift, depthwise_mac(weights(SHIFTS, (channels, 3, 3, 1))), 32)
    rom = unit.instance().roms[0].rom
    assert isinstance(rom, Rom)
    assert (rom.depth, rom.width, rom.style) == (channels // 32 * 9, 96, style)
    assert (unit.features()["block_rams"] > 0) == (style == "block")


def test_codes_in_the_memory_are_those_of_the_format() -> None:
    unit = pe(DepthwiseShift, depthwise_mac(weights(SHIFTS)), 2)
    codes = Qsq(phi=4).encode(unit.mac.weights.data)
    assert (unit.beats()[1] == codes[:2, 0, 1, 0]).all()
