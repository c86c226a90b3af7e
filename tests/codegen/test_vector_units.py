"""The matrix units of short vectors: the foldings that they build, their memories and widths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import chain, frames
from refusals import refuses

from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows.streaming import foldings
from shiftloom.codegen.dataflows.streaming.stages import cut
from shiftloom.codegen.design import Rom, Stream
from shiftloom.codegen.formats.qsq import Axis, Qsq
from shiftloom.codegen.graph import GraphInput
from shiftloom.codegen.ops import Conv2d, Relu
from shiftloom.codegen.pe import ChannelCsd, FilterCsd
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

UINT8 = IntType(8, signed=False)
KINDS = {"filter": FilterCsd, "channel": ChannelCsd, "output": ChannelCsd}


def mac_of(axis: Axis, vector: int | None, shape: tuple[int, ...]) -> Mac:
    """A layer of random weights [outputs, KH, KW, C] with 8-bit α of short vectors."""
    weights = np.random.default_rng(1).normal(size=shape)
    codes = qsq.quantize("layer", weights, Qsq(4, vector, axis), alpha_bits=8)
    bias = Array(np.zeros(shape[0], dtype=np.int64))
    window = Window((shape[1], shape[2]))
    return Mac(Array(codes.integers), bias, window, 0, codes, scalable="alpha")


def unit_of(mac: Mac, pe: int, simd: int, x: IntType = UINT8) -> FilterCsd | ChannelCsd:
    """The unit for one pixel."""
    made, outputs = mac.codes.format, len(mac.bias.data)
    assert isinstance(made, Qsq)
    source = Stream("s", "", (1, 1, mac.lanes * outputs // pe), simd, x.bits, x.signed)
    sink = Stream("m", "", (1, 1, outputs), pe, 24, True)
    return KINDS[made.axis]("unit", "node", source, sink, mac, "net")


@pytest.mark.parametrize(
    ("axis", "vector", "pe", "simd", "is_built"),
    [
        ("filter", None, 6, 3, True),
        ("filter", 3, 3, 36, True),
        ("filter", 3, 2, 1, False),  # a beat would have two α a term
        ("filter", 4, 2, 1, True),  # 4 does not divide 6 filters: runs of 2
        ("filter", 4, 3, 1, False),
        ("filter", 2, 2, 5, False),  # 5 does not divide 36 terms
        ("channel", 4, 6, 2, True),
        ("channel", 4, 1, 12, True),
        ("channel", 2, 3, 3, False),  # a part of a second vector
        ("channel", 3, 2, 3, True),  # 3 does not divide 4 channels: runs of 1
        ("output", 6, 2, 3, True),
        ("output", 6, 2, 12, True),
        ("output", 6, 2, 4, False),
    ],
)
def test_foldings_keep_to_the_vectors(
    axis: Axis, vector: int | None, pe: int, simd: int, is_built: bool
) -> None:
    mac = mac_of(axis, vector, (6, 3, 3, 4))
    assert KINDS[axis].supports(mac, pe, simd, UINT8) == is_built
    other = ChannelCsd if axis == "filter" else FilterCsd
    assert not other.supports(mac, 1, 1, UINT8)
    assert not KINDS[axis].supports(replace(mac, scalable=""), 1, 1, UINT8)


@pytest.mark.parametrize(("vector", "sweeps"), [(None, 1), (6, 1), (2, 3)])
def test_sweeps_share_alphas_where_all_filters_do(vector: int | None, sweeps: int) -> None:
    unit = unit_of(mac_of("filter", vector, (6, 1, 1, 12)), 2, 4)
    assert dict(unit.instance().parameters)["AF"] == sweeps
    (rom,) = (port.rom for port in unit.instance().roms if port.prefix == "a")
    assert isinstance(rom, Rom)
    assert (rom.depth, rom.width) == (3 * sweeps, 4 * 3 * unit.rows)


def styles(unit: FilterCsd | ChannelCsd) -> dict[str, str]:
    """How each memory is kept, by the prefix of its port."""
    roms = ((port.prefix, port.rom) for port in unit.instance().roms)
    return {prefix: rom.style for prefix, rom in roms if isinstance(rom, Rom)}


@pytest.mark.parametrize(("axis", "vector", "large"), [("filter", 1, "wa"), ("channel", 2, "wna")])
def test_no_memory_is_in_block_ram_where_luts_are_planned(
    axis: Axis, vector: int, large: str
) -> None:
    """Nor those beside the codes of β, which follow their size if these are in block RAM."""
    unit = unit_of(mac_of(axis, vector, (32, 1, 1, 128)), 1, 2)
    in_block_ram = {**dict.fromkeys(large, "block"), "b": "auto"}
    assert styles(unit) == styles(replace(unit, memory="block")) == in_block_ram
    in_luts = {**dict.fromkeys(large, "distributed"), "b": "auto"}
    assert styles(replace(unit, memory="distributed")) == in_luts
    assert replace(unit, memory="distributed").features()["block_rams"] == 0


@pytest.mark.parametrize("x", [UINT8, IntType(6, signed=True)])
def test_widths_hold_every_product(x: IntType) -> None:
    """Also those of csd_1, which may be above α."""
    unit = unit_of(mac_of("filter", 1, (4, 1, 1, 24)), 1, 4, x)
    assert isinstance(unit, FilterCsd)
    most = 1 << int(unit.mac.codes.mantissa.data.max()).bit_length()
    assert unit.scaled.hi >= x.hi * most
    assert unit.scaled.lo <= x.lo * most
    assert unit.scaled.bits == x.bits + most.bit_length() - 1


def test_counts_are_those_of_negative_codes() -> None:
    mac = mac_of("channel", 4, (3, 1, 1, 8))
    unit = unit_of(mac, 1, 2)
    assert isinstance(unit, ChannelCsd)
    negative = (mac.codes.values.data < 0).reshape(6, 4).sum(axis=1)
    assert unit.counts().ravel().tolist() == negative.tolist()


def test_the_pipeline_refuses_convolutions_of_short_vectors() -> None:
    weights = np.random.default_rng(3).normal(size=(4, 3, 3, 2)).astype(np.float32)
    conv = Conv2d(Array(weights), Array(np.zeros(4, np.float32)), Window((3, 3)))
    graph = chain(conv, Relu(), source=GraphInput((6, 6, 2), 8, 1 / 255, 0))
    data = {"defaults": {"axis": "filter", "pe": "csd"}}
    made = quantize(graph, frames(np.random.default_rng(2), (6, 6, 2)), parse(data))
    (stage,) = cut(made.qgraph, parse(data))
    assert {plan.kind for _, plan in foldings.of(stage)} == {"mvu_filter_csd"}
    (other,) = cut(made.qgraph, parse({**data, "target": {"dataflow": "pipeline"}}))
    with refuses(
        f"{other.name}: no PE of kind 'csd' can run it; "
        "use dataflow: streaming for this layer, or pe: auto"
    ):
        foldings.of(other)
    folded = {**data, "layers": {other.name: {"vector": 2, "folding": [4, 18]}}}
    short = quantize(graph, frames(np.random.default_rng(2), (6, 6, 2)), parse(folded))
    with refuses(
        f"{other.name}: PE csd cannot fold the layer to PE=4, SIMD=18; "
        "see the folding of short vectors in docs/architecture.md"
    ):
        foldings.of(cut(short.qgraph, parse(folded))[0])
