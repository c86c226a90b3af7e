"""The units that move elements: parameters as the modules have them, memories, clocks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from shiftloom.codegen.dataflows.streaming.argmax import ArgMaxUnit
from shiftloom.codegen.dataflows.streaming.concat import ConcatUnit
from shiftloom.codegen.dataflows.streaming.crop import CropUnit
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.fork import Fork
from shiftloom.codegen.dataflows.streaming.frame_split import FrameSplit
from shiftloom.codegen.dataflows.streaming.gather import GatherUnit
from shiftloom.codegen.dataflows.streaming.insert import InsertUnit
from shiftloom.codegen.dataflows.streaming.table import TableUnit
from shiftloom.codegen.dataflows.streaming.tokens import simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.upsample import upsample_units
from shiftloom.codegen.design import RomBank, Stream
from shiftloom.codegen.qgraph import Insert, Table
from shiftloom.codegen.values import Array, IntArray, Shape

LIBRARY = Path(__file__).parents[2] / "templates"
GUARD = 1  # clocks in the input guard


def stream(name: str, shape: Shape, elements: int, bits: int = 8, signed: bool = False) -> Stream:
    """A stream of the tensor of its own name."""
    return Stream(name, name, shape, elements, bits, signed)


def fork() -> Fork:
    """A fork of 12 beats."""
    a, b, c = (stream(name, (2, 3, 4), 2) for name in "abc")
    return Fork("fork", "x", (a,), (b, c))


def concat() -> ConcatUnit:
    """Three and two beats a pixel, of 2 channels each."""
    a, b = stream("a", (3, 4, 6), 2), stream("b", (3, 4, 4), 2)
    return ConcatUnit("concat", "x", (a, b), (stream("m", (3, 4, 10), 2),))


def split() -> FrameSplit:
    """Frames of 12 and of 5 beats, one behind the other."""
    a, b = stream("a", (3, 4, 1), 1), stream("b", (1, 1, 5), 1)
    return FrameSplit("split", "x", (stream("s", (1, 1, 17), 1),), (a, b))


def insert() -> InsertUnit:
    """A border of three sides and gaps between the columns."""
    source, sink = stream("s", (3, 4, 6), 2), stream("m", (6, 9, 6), 2)
    return InsertUnit("insert", "x", source, sink, Insert((1, 2, 2, 0), (0, 1), 7))


def crop() -> CropUnit:
    """A rectangle inside the frame."""
    source, sink = stream("s", (5, 6, 6), 3), stream("m", (2, 3, 6), 3)
    return CropUnit("crop", "x", source, sink, (5, 6), (1, 2), (2, 3))


def gather() -> GatherUnit:
    """Words of 2 channels in the order 2, 0, 1, 1."""
    source, sink = stream("s", (3, 4, 6), 2), stream("m", (3, 4, 8), 2)
    return GatherUnit("gather", "x", source, sink, (2, 0, 1, 1), "net")


def table(values: IntArray, lanes: int) -> TableUnit:
    """Four channels of 3 bits."""
    source, sink = stream("s", (3, 3, 4), lanes, 3), stream("m", (3, 3, 4), lanes, 5, True)
    return TableUnit("table", "x", source, sink, Table(Array(values)), "net")


def argmax() -> ArgMaxUnit:
    """Ten logits, two a beat."""
    source, sink = stream("s", (1, 1, 10), 2, 20, True), stream("m", (1, 1, 1), 1, 4)
    return ArgMaxUnit("argmax", "x", source, sink)


UNITS: tuple[Unit, ...] = (
    *(fork(), concat(), split(), insert(), crop()),
    *(gather(), table(np.arange(-4, 4), 2), argmax()),
)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_parameters_are_those_of_the_modules(unit: Unit) -> None:
    instance, call = unit.instance(), unit.call()
    assert call is not None
    text = (LIBRARY / "rtl/lib" / f"{instance.module}.sv").read_text()
    assert re.findall(r"^  parameter int (\w+)", text, re.M) == [n for n, _ in instance.parameters]
    values = tuple(value for _, value in instance.parameters)
    assert call.template_args[: len(values)] == values
    twin = (LIBRARY / "hls/lib" / call.header).read_text()
    found = re.findall(rf"template <([^>]*)>\s*void {call.function}\(", twin)
    assert len(found[0].split(",")) == len(call.template_args)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_ports_are_the_streams(unit: Unit) -> None:
    instance, call = unit.instance(), unit.call()
    assert call is not None
    assert instance.sources == call.sources == tuple(source.name for source in unit.sources)
    assert instance.sinks == call.sinks == tuple(sink.name for sink in unit.sinks)


@pytest.mark.parametrize(
    "unit",
    [unit for unit in UNITS if len(unit.sources) == len(unit.sinks) == 1],
    ids=lambda unit: unit.name,
)
def test_a_frame_takes_the_cycles_promised(unit: Unit) -> None:
    assert simulate([unit]).interval == unit.cycles()


def test_a_fork_and_a_concatenation_take_turns() -> None:
    """Two copies of 12 beats, joined pixel by pixel: 24 beats a frame, no deadlock."""
    forked = fork()
    queued = [stream(f"{sink.name}_queue", sink.shape, 2) for sink in forked.sinks]
    fifos = [
        Fifo(f"{s.name}_fifo", "x", s, q, 2) for s, q in zip(forked.sinks, queued, strict=True)
    ]
    joined = ConcatUnit("join", "x", (queued[0], queued[1]), (stream("m", (2, 3, 8), 2),))
    schedule = simulate([forked, *fifos, joined])
    assert schedule.interval == joined.cycles() == 24
    assert schedule.latency == 24 + GUARD + 3


def test_beats_of_turns() -> None:
    assert concat().beats == (3, 2)
    assert split().beats == (12, 5)


def test_an_order_is_a_memory() -> None:
    unit = gather()
    assert unit.rom().words() == ("2", "0", "1", "1")
    assert dict(unit.instance().parameters) == {"WIDTH": 16, "IN_WORDS": 3, "OUT_WORDS": 4}


def test_a_shared_table_is_the_same_in_every_lane() -> None:
    unit = table(np.arange(-4, 4), 2)
    words = ("1c", "1d", "1e", "1f", "00", "01", "02", "03")
    assert [rom.words() for rom in unit.bank().roms] == [words, words]
    assert unit.words().shape == (1, 1, 8)
    assert dict(unit.instance().parameters)["PER_CHANNEL"] == 0


def test_a_table_a_channel_has_the_fold_above_the_value() -> None:
    values = np.arange(32).reshape(4, 8)
    unit = table(values, 2)
    bank = unit.instance().roms[0].rom
    assert isinstance(bank, RomBank)
    assert bank.address_bits == 4
    assert [rom.fields.data.ravel().tolist() for rom in bank.roms] == [
        [*range(8), *range(16, 24)],
        [*range(8, 16), *range(24, 32)],
    ]
    assert unit.words().shape == (2, 2, 8)


@pytest.mark.parametrize(("folds", "style"), [(4, "distributed"), (5, "block")])
def test_large_tables_are_block_ram(folds: int, style: str) -> None:
    values = np.zeros((folds, 256), np.int64)
    source, sink = (stream(name, (2, 2, folds), 1) for name in "sm")
    unit = TableUnit("table", "x", source, sink, Table(Array(values)), "net")
    assert [rom.style for rom in unit.bank().roms] == [style]
    assert (unit.features()["block_rams"] > 0) == (style == "block")


@pytest.mark.parametrize(("factors", "names"), [((2, 3), 2), ((1, 2), 1), ((4, 1), 1)])
def test_upsampling_repeats_rows_and_pixels(factors: tuple[int, int], names: int) -> None:
    source = stream("s", (3, 4, 6), 2)
    sink = stream("m", (3 * factors[0], 4 * factors[1], 6), 2)
    units = upsample_units("up", "x", source, sink, factors)
    assert len(units) == names
    assert units[0].source == source
    assert units[-1].sink == sink
    assert [unit.passes for unit in units] == [factor for factor in factors if factor > 1]
    assert simulate(units).interval == sink.beats
