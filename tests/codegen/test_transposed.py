"""Convolutions in transposed form: exact tap sums, plans that mix dataflows, named refusals."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from graph_nets import quantized
from graph_plans import random_choices
from networks import frames, small_network
from refusals import refuses

from shiftloom.codegen import boards, store
from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows import registry
from shiftloom.codegen.dataflows.pipeline import transposed
from shiftloom.codegen.dataflows.pipeline.taps import Taps
from shiftloom.codegen.dataflows.streaming import foldings
from shiftloom.codegen.dataflows.streaming.compose import Choices, compose
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.dataflows.streaming.stages import Stage, cut
from shiftloom.codegen.dataflows.streaming.tokens import Tokens
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.plan import MacPlan, Plan
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window, im2col

BOARD = boards.get("pynq-z2")
CONV = "conv2d3"
"""A layer of the small network with a kernel."""


@pytest.fixture(scope="module")
def network() -> QGraph:
    """The small network in integers."""
    graph = small_network()
    data = frames(np.random.default_rng(1), graph.inputs[0].shape)
    return quantize(graph, data, parse({})).qgraph


def scheduled(network: QGraph, **settings: Any) -> tuple[Plan, tuple[Unit, ...]]:
    config = parse(settings)
    return registry.chosen(config).schedule(network, config, BOARD)


def stage(network: QGraph, name: str = CONV, **layer: Any) -> Stage:
    config = parse({"target": {"dataflow": "pipeline"}, "defaults": layer})
    return next(stage for stage in cut(network, config) if stage.name == name)


def mac_of(stage: Stage) -> Mac:
    assert isinstance(stage.node.unit, Mac)
    return stage.node.unit


@pytest.mark.parametrize("pads", [((0, 0), (0, 0)), ((1, 2), (0, 1))])
@pytest.mark.parametrize(("groups", "pe"), [(1, 1), (1, 6), (2, 3), (6, 1)])
def test_tap_sums_add_up_to_the_convolution(pads: Any, groups: int, pe: int) -> None:
    """With the taps outside the frame left out, for a padding value that is not 0."""
    rng = np.random.default_rng(3)
    window, z, x_type = Window((2, 3), (1, 1), *pads), 7, IntType(4, False)
    weights = rng.integers(-4, 5, (6, 2, 3, 6 // groups))
    bias = rng.integers(-99, 99, 6)
    codes = mac_of(stage(quantized("grouped").qgraph, "conv2d0")).codes
    mac = Mac(Array(weights), Array(bias), window, z, codes, groups)
    x = rng.integers(0, 16, (2, 5, 6, 6))
    products = transposed.products(mac, pe)
    kind = transposed.sum_type(mac, x_type)

    by_group = x.reshape(*x.shape[:3], groups, -1)
    wide = products.weights.data.reshape(groups, -1, 6 // groups)
    sums = np.einsum("nyxgc,goc->nyxgo", by_group, wide).reshape(2, 5, 6, -1) + products.bias.data
    assert kind.lo <= sums.min()
    assert sums.max() <= kind.hi
    ordered = sums.reshape(2, 5, 6, 6 // pe, 6, pe)
    cut_out = im2col(ordered.reshape(2, 5, 6, -1), window, 0)
    taps = cut_out.reshape(*cut_out.shape[:3], 2, 3, 6 // pe, 2, 3, pe)
    made = np.einsum("nyxijfijp->nyxfp", taps).reshape(*cut_out.shape[:3], 6)

    windows = im2col(x, window, z).reshape(*cut_out.shape[:3], 2, 3, groups, -1)
    kernels = weights.reshape(groups, 6 // groups, 2, 3, -1)
    expected = np.einsum("nyxijgc,goijc->nyxgo", windows, kernels).reshape(made.shape) + bias
    assert np.array_equal(made + transposed.first_sums(mac), expected)


def test_the_type_of_tap_sums_is_the_narrowest(network: QGraph) -> None:
    mac = mac_of(stage(network))
    x = IntType(3, True)
    weights = int(np.abs(mac.weights.data).sum(axis=3).max())
    assert transposed.sum_type(mac, x).hi >= weights * 3
    assert transposed.sum_type(mac, x).bits <= IntType.covering(-weights * 4, weights * 4).bits


def test_a_pipeline_has_chains_and_no_window(network: QGraph) -> None:
    plan, units = scheduled(network, target={"dataflow": "pipeline"})
    kinds = [unit.kind for unit in units]
    kernels = [
        n for n in network.nodes if isinstance(n.unit, Mac) and prod(n.unit.window.kernel) > 1
    ]
    assert plan.dataflow == "pipeline"
    assert kinds.count("taps") == len(kernels) > 0
    assert not {"window", "window_serial"} & set(kinds)
    assert plan.interval == 144  # a pixel a clock


def test_a_plan_that_is_read_back_makes_the_same_units(network: QGraph) -> None:
    plan, units = scheduled(network, target={"dataflow": "pipeline", "fps": 100_000.0})
    assert store.load(*store.save(plan), "plan") == plan
    again = registry.get(plan.dataflow).units(network, plan)
    assert [unit.instance().parameters for unit in again] == [
        unit.instance().parameters for unit in units
    ]


@pytest.mark.parametrize("whole", ["streaming", "pipeline"])
def test_a_network_mixes_dataflows(network: QGraph, whole: str) -> None:
    other = "pipeline" if whole == "streaming" else "streaming"
    plan, _ = scheduled(network, target={"dataflow": whole}, layers={CONV: {"dataflow": other}})
    assert (plan.mac(CONV).window == "transposed") == (other == "pipeline")
    rest = {mac.window for mac in plan.macs if mac.node != CONV}
    assert ("transposed" in rest) == (whole == "pipeline")


def test_an_interval_is_the_steps_of_the_slowest_unit(network: QGraph) -> None:
    for fps in (50_000.0, 300_000.0):
        plan, units = scheduled(network, target={"dataflow": "pipeline", "fps": fps})
        slowest = max(unit.cycles() for unit in units)
        assert slowest <= plan.interval <= 1.02 * slowest


def test_the_latency_is_that_of_a_frame_alone() -> None:
    """Where a frame follows, the last outputs of a chain wait for its beats."""
    qgraph = quantized("residual", seed=20).qgraph
    units = compose(qgraph, random_choices(qgraph, np.random.default_rng(20), "pipeline"))
    units, found = size_fifos(units)
    assert found.latency < Tokens(units).run_frame()
    alone = Tokens(units)
    assert alone.run_frame(supply=units[0].sources[0].beats) == found.latency


def test_foldings_count_channels(network: QGraph) -> None:
    chosen = stage(network)
    mac = mac_of(chosen)
    found = [plan for _, plan in foldings.of(chosen)]
    outputs, _, _, channels = mac.weights.data.shape
    assert {plan.window for plan in found} == {"transposed"}
    assert max(plan.pe * plan.simd for plan in found) == outputs * channels
    assert all(channels % plan.simd == 0 for plan in found)
    for clocks, plan in foldings.of(chosen):
        units = compose_of(chosen, plan)
        assert clocks == max(unit.cycles() for unit in units if unit.kind in ("taps", plan.kind))


def compose_of(chosen: Stage, plan: MacPlan) -> tuple[Unit, ...]:
    return compose(chosen.head, Choices((plan,)))


def test_a_folding_that_does_not_divide_the_channels_is_refused(network: QGraph) -> None:
    chosen = stage(network, folding=[1, 25])
    count, *_, channels = mac_of(chosen).weights.data.shape
    with refuses(
        f"{CONV}: folding PE=1, SIMD=25 does not divide {count} outputs × {channels} terms; "
        "use PE of 1, 2, 4, 8 and SIMD of 1, 2, 4"
    ):
        foldings.of(chosen)


def test_taps_that_do_not_fit_a_beat_are_refused(network: QGraph) -> None:
    chosen = stage(network)
    mac = mac_of(chosen)
    weights = Array(np.ones((4, 24, 24, mac.weights.data.shape[3]), np.int64))
    bias, window = Array(np.zeros(4, np.int64)), Window((24, 24))
    wide = replace(mac, weights=weights, bias=bias, window=window)
    node = replace(chosen.node, unit=wide)
    head = replace(chosen.head, nodes=(node,))
    bits = 24 * 24 * transposed.sum_type(wide, head.inputs[0].tensor.type).bits
    with refuses(
        f"{CONV}: the sums of all taps make beats of {bits} bits, the limit is 4096; "
        "use a smaller PE, or dataflow: streaming for this layer"
    ):
        foldings.of(replace(chosen, head=head))


@pytest.mark.parametrize(("pe", "simd"), [(1, 25), (3, 1)])
def test_a_plan_that_the_pe_cannot_build_is_refused(network: QGraph, pe: int, simd: int) -> None:
    chosen = stage(network)
    message = f"{CONV}: PE mvu_shift cannot run PE={pe}, SIMD={simd}; "
    with refuses(message + "see the folding rules in docs/architecture.md"):
        compose_of(chosen, MacPlan(CONV, "mvu_shift", pe, simd, "transposed"))


@pytest.mark.parametrize("where", ["defaults", "layers"])
def test_an_unknown_dataflow_of_a_layer_is_refused(network: QGraph, where: str) -> None:
    entry = {"dataflow": "pipelined"}
    settings = {"defaults": entry} if where == "defaults" else {"layers": {CONV: entry}}
    name = where if where == "defaults" else CONV
    with refuses(
        f"{name}: dataflow 'pipelined' is unknown; did you mean 'pipeline'? "
        "known: streaming, pipeline, dadiannao, systolic"
    ):
        scheduled(network, **settings)


def test_idle_steps_end_a_frame_smaller_than_its_kernel() -> None:
    """The walk covers the outputs, the input and the kernel."""
    mac = mac_of(stage(quantized("grouped").qgraph, "conv2d0"))
    chain = next(
        unit
        for unit in scheduled(quantized("grouped").qgraph, target={"dataflow": "pipeline"})[1]
        if isinstance(unit, Taps) and unit.mac == mac
    )
    assert chain.walk.size == (7, 6)
    assert chain.cycles() == 7 * 6 * chain.sink.folds
