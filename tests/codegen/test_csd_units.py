"""The signed-digit matrix unit: its memories, its plans, and the layers that it may build."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from networks import chain, frames
from refusals import refuses

from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows.engine import assigned
from shiftloom.codegen.dataflows.pipeline import transposed
from shiftloom.codegen.dataflows.streaming import foldings
from shiftloom.codegen.dataflows.streaming.compose import Choices, compose
from shiftloom.codegen.dataflows.streaming.stages import Stage, cut
from shiftloom.codegen.design import Rom, Stream
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Conv2d, Relu
from shiftloom.codegen.pe import CsdMatrix, DspMatrix
from shiftloom.codegen.plan import MacPlan
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.signed_digits import kept, most_digits
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.codegen.windows import Window

UINT8 = IntType(8, signed=False)
ACC_BITS = 24
SETTINGS = {"format": "int", "pe": "csd"}
CONV = "conv2d0"


def mac_of(weights: IntArray, pad: int = 0, groups: int = 1) -> Mac:
    """A scalable layer of kernels [outputs, KH, KW, C]."""
    bias = np.random.default_rng(1).integers(-1000, 1000, len(weights))
    codes = QuantizedWeights(Given(8), Array(weights), Array(np.ones(1, dtype=np.int64)), 0)
    kernel = weights.shape[1:3]
    padding = (1, 1) if pad else (0, 0)
    window = Window(kernel, padding=padding)
    return Mac(Array(weights), Array(bias), window, pad, codes, groups, "weight")


def unit_of(mac: Mac, pe: int, simd: int, x: IntType) -> CsdMatrix:
    """The unit for one pixel."""
    outputs = len(mac.weights.data)
    source = Stream("s", "", (1, 1, mac.lanes * outputs // pe), simd, x.bits, x.signed)
    sink = Stream("m", "", (1, 1, outputs), pe, ACC_BITS, True)
    return CsdMatrix("unit", "node", source, sink, mac, "net")


def value_of(word: int, rows: int, k: int) -> int:
    """The value of a word of rows, with its k highest digits."""
    total = 0
    for row in reversed(range(rows)):
        code = word >> (3 * row) & 7
        if code & 3 and k:
            total += (-1 if code & 4 else 1) * (code & 3) << (2 * row)
            k -= 1
    return total


@pytest.mark.parametrize(
    ("outputs", "terms", "pe", "simd", "top", "x"),
    [
        (6, 24, 3, 8, 127, UINT8),
        (4, 12, 4, 6, 60, IntType(8, signed=True)),
        (5, 8, 5, 1, 2000, IntType(4, signed=False)),
    ],
)
def test_memories_hold_the_digits_of_the_layer(
    outputs: int, terms: int, pe: int, simd: int, top: int, x: IntType
) -> None:
    rng = np.random.default_rng(terms)
    mac = mac_of(rng.integers(-top, top + 1, (outputs, 1, 1, terms)))
    unit = unit_of(mac, pe, simd, x)
    assert unit.supports(mac, pe, simd, x)
    weights, bias = (port.rom for port in unit.instance().roms)
    assert isinstance(weights, Rom)
    assert isinstance(bias, Rom)
    p = dict(unit.instance().parameters)
    assert weights.bits == 3 * p["ROWS"]
    vector = rng.integers(x.lo, x.hi + 1, terms).reshape(p["SF"], simd)
    offset = 1 << (x.bits + 2 * p["ROWS"] + (not x.signed) - 1)
    words = weights.fields.data.reshape(p["NF"], p["SF"], pe, simd)
    for k in (1, 2, 15):
        values = np.vectorize(value_of)(words, p["ROWS"], k)
        sums = np.einsum("fs,nfps->np", vector, values) + bias.fields.data
        sums += offset * terms
        half = 1 << (ACC_BITS - 1)
        reduced = kept(mac.weights.data.reshape(outputs, terms), k) @ vector.ravel()
        wanted = reduced + mac.bias.data
        assert (((sums.ravel() + half) % (2 * half)) - half).tolist() == wanted.tolist()


def test_a_frame_has_as_many_beats_as_the_unit_takes() -> None:
    mac = mac_of(np.full((4, 1, 1, 6), 7))
    unit = unit_of(mac, 2, 3, UINT8)
    source, sink = (replace(s, shape=(3, 5, s.shape[2])) for s in (unit.source, unit.sink))
    wide = replace(unit, source=source, sink=sink)
    p = dict(wide.instance().parameters)
    assert p["PIXELS"] == 3 * 5
    assert wide.cycles() == p["PIXELS"] * p["NF"] * p["SF"]
    assert wide.instance().quality


@pytest.mark.parametrize(("gate", "clock_gate"), [*product(range(4), range(3))])
def test_gates_are_parameters_of_the_module(gate: int, clock_gate: int) -> None:
    gates, clocks = ("none", "product", "row", "digit"), ("enable", "bufgce", "asic")
    settings = {
        "defaults": {"pe": "csd", "gate": gates[gate]},
        "target": {"clock_gate": clocks[clock_gate]},
    }
    chosen = stage(quantized(SETTINGS), **settings)
    _, plan = foldings.of(chosen)[0]
    assert (plan.gate, plan.clock_gate) == (gates[gate], clocks[clock_gate])
    unit = next(unit for unit in compose(chosen.head, Choices((plan,))) if unit.kind == "mvu_csd")
    p = dict(unit.instance().parameters)
    assert (p["GATE"], p["CLOCK_GATE"]) == (gate, clock_gate)


def test_other_pes_have_no_gates() -> None:
    chosen = stage(quantized({"format": "int"}))
    assert {(plan.gate, plan.clock_gate) for _, plan in foldings.of(chosen)} == {("none", "enable")}


def network() -> Graph:
    """A convolution, and one that reads it."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(4, 3, 3, 2)).astype(np.float32)
    last = rng.normal(size=(4, 1, 1, 4)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    return chain(
        Conv2d(Array(weights), Array(bias), Window((3, 3))),
        Relu(),
        Conv2d(Array(last), Array(bias), Window((1, 1))),
        source=GraphInput((6, 6, 2), 8, 1 / 255, 0),
    )


def quantized(settings: dict[str, object]) -> QGraph:
    """Both, the first one with these settings."""
    config = parse({"layers": {CONV: settings}})
    return quantize(network(), frames(np.random.default_rng(2), (6, 6, 2)), config).qgraph


def stage(qgraph: QGraph, **settings: object) -> Stage:
    """The stage of the network's first layer, by the sections of a configuration."""
    return cut(qgraph, parse(settings))[0]


def test_a_layer_with_a_quality_is_built_on_signed_digits_only() -> None:
    chosen = stage(quantized(SETTINGS))
    assert {plan.kind for _, plan in foldings.of(chosen)} == {"mvu_csd"}
    plain = stage(quantized({"format": "int"}))
    assert "mvu_csd" not in {plan.kind for _, plan in foldings.of(plain)}
    with refuses(f"{CONV}: PE mvu_dsp is of the wrong family; use one of csd, which has a quality"):
        compose(chosen.head, Choices((MacPlan(CONV, "mvu_dsp", 1, 18),)))
    with refuses(f"{CONV}: PE mvu_csd is of the wrong family; use one of any but csd"):
        compose(plain.head, Choices((MacPlan(CONV, "mvu_csd", 1, 18),)))


def test_a_folding_must_divide() -> None:
    mac = mac_of(np.full((4, 1, 1, 12), 3), groups=2)
    assert CsdMatrix.supports(mac, 2, 4, UINT8)
    assert not CsdMatrix.supports(mac, 4, 4, UINT8)
    assert not CsdMatrix.supports(mac, 2, 5, UINT8)
    assert not CsdMatrix.supports(replace(mac, scalable=""), 2, 4, UINT8)
    assert not CsdMatrix.supports(replace(mac, scalable="alpha"), 2, 4, UINT8)
    assert DspMatrix.supports(mac, 2, 4, UINT8)


def test_sums_of_taps_hold_at_every_quality() -> None:
    mac = mac_of(np.full((2, 3, 3, 2), 3))
    plain = transposed.sum_type(replace(mac, scalable=""), UINT8)
    assert plain == IntType.covering(0, 2 * 3 * 255)
    assert transposed.sum_type(mac, UINT8) == IntType.covering(0, 2 * 4 * 255)
    assert most_digits(mac.weights.data) == 2


def test_taps_have_a_quality_where_no_bias_depends_on_weights() -> None:
    weights = np.full((2, 3, 3, 2), 3)
    assert transposed.products(mac_of(weights), 1).scalable == "weight"
    assert transposed.products(mac_of(weights, pad=7), 1).scalable == ""
    chosen = stage(quantized(SETTINGS), target={"dataflow": "pipeline"})
    assert {plan.kind for _, plan in foldings.of(chosen)} == {"mvu_csd"}


@pytest.mark.parametrize(
    ("settings", "key"), [(SETTINGS, "pe"), ({"requant": "csd", "format": "int"}, "requant")]
)
@pytest.mark.parametrize("kind", ["dadiannao", "systolic"])
def test_an_engine_refuses_a_quality(settings: dict[str, object], key: str, kind: str) -> None:
    qgraph = quantized(settings)
    node = CONV if key == "pe" else "relu1_requant"
    config = parse({"target": {"dataflow": kind}})
    with refuses(
        f"{node}: {key}: csd, and an engine of {kind} keeps all digits; "
        f"leave {key}: csd out, or give the layer the dataflow streaming or pipeline"
    ):
        assigned.find(qgraph, config)
