"""The options of a stage keep the interval, are not much faster, and none dominates another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import frames, small_network
from refusals import refuses

from shiftloom.codegen import boards
from shiftloom.codegen.config import parse
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.streaming import foldings, tails
from shiftloom.codegen.dataflows.streaming.allocation import NAMES
from shiftloom.codegen.dataflows.streaming.options import OVERSIZE, SMALL, Menu, Option
from shiftloom.codegen.dataflows.streaming.planner import Planner
from shiftloom.codegen.dataflows.streaming.schedule import schedule
from shiftloom.codegen.dataflows.streaming.stages import cut
from shiftloom.codegen.plan import MacPlan, RequantPlan
from shiftloom.codegen.qgraph import Mac, QGraph, Requantize
from shiftloom.codegen.quantize import quantize

BOARD = boards.get("pynq-z2")


@pytest.fixture(scope="module")
def network() -> QGraph:
    """The small network in integers."""
    graph = small_network()
    data = frames(np.random.default_rng(1), graph.inputs[0].shape)
    return quantize(graph, data, parse({})).qgraph


@pytest.fixture(scope="module")
def menus(network: QGraph) -> dict[str, Menu]:
    """The options of its stages by name."""
    return {stage.name: Menu(stage) for stage in cut(network, parse({}))}


def matrix(option: Option) -> MacPlan:
    """The plan of an option's matrix unit."""
    plan = option.plans[0]
    assert isinstance(plan, MacPlan)
    return plan


@pytest.mark.parametrize("interval", [200, 700, 2000, 10_000])
def test_options_keep_the_interval_and_none_dominates(
    menus: dict[str, Menu], interval: int
) -> None:
    for menu in menus.values():
        options = menu.at(interval)
        assert options
        assert max(option.cycles for option in options) <= interval
        for one in options:
            for other in options:
                better = [getattr(one.resources, n) <= getattr(other.resources, n) for n in NAMES]
                assert one is other or not all(better)


@pytest.mark.parametrize("interval", [300, 2000])
def test_foldings_are_not_much_faster_than_asked(menus: dict[str, Menu], interval: int) -> None:
    menu = menus["conv2d3"]
    slowest = max(clocks for clocks in menu.intervals() if clocks <= interval)
    for option in menu.at(interval):
        plan = matrix(option)
        if plan.kind != "constant" and plan.pe * plan.simd > SMALL:
            assert option.cycles * OVERSIZE >= slowest


def test_no_option_is_faster_than_the_fastest(menus: dict[str, Menu]) -> None:
    for menu in menus.values():
        assert menu.at(menu.fastest)
        assert menu.at(menu.fastest - 1) == ()


def test_several_kinds_and_memories_are_offered(menus: dict[str, Menu]) -> None:
    found = {matrix(option).kind for n in (300, 2000) for option in menus["conv2d3"].at(n)}
    assert found >= {"mvu_shift", "mvu_dsp"}
    plans = foldings.of(menus["conv2d3"].stage)
    assert {plan.window for _, plan in plans} == {"serial", "parallel"}
    assert {plan.memory for _, plan in plans} == {"auto", "distributed", "block"}


def test_closed_form_is_what_the_units_take(menus: dict[str, Menu]) -> None:
    stage = menus["conv2d3"].stage
    for clocks, plan in foldings.of(stage):
        mac = stage.node.unit
        assert isinstance(mac, Mac)
        pixels = stage.node.out.shape[0] * stage.node.out.shape[1]
        assert clocks >= pixels * foldings.pace(mac, plan, 8)


def test_resources_are_used_in_proportion(network: QGraph) -> None:
    def used(**settings: float) -> Resources:
        config = parse({"target": {"fps": 400_000, **settings}})
        planner = Planner(network, config, BOARD)
        return planner.trial([300] * len(planner.menus)).used

    mixed, none = used(), used(dsp_share=0)
    assert none.dsp == 0
    assert mixed.dsp > 0
    assert mixed.lut < 0.9 * none.lut


def test_no_unit_is_over_provisioned(network: QGraph) -> None:
    plan, units = schedule(network, parse({"target": {"fps": 60_000}}), BOARD)
    folded = [unit for unit in units if unit.kind in ("mvu_shift", "mvu_dsp")]
    planned = {mac.node: mac for mac in plan.macs}
    assert folded
    for unit in folded:
        mac = planned[unit.node]
        assert mac.pe * mac.simd <= SMALL or unit.cycles() * OVERSIZE >= plan.interval


def test_requantization_on_dsp_blocks_is_refused_where_they_do_not_suffice(
    network: QGraph,
) -> None:
    stage = cut(network, parse({"defaults": {"requant_dsp": True}}))[0]
    node = next(n for n in stage.followers if isinstance(n.unit, Requantize))
    assert isinstance(node.unit, Requantize)
    assert stage.tail is not None
    found = tails.plans(stage.tail, node, 1, stage.config)
    assert found == (RequantPlan(node.name, "mult_shift", 1, True),)
    wide = replace(node.unit.requantization, m_bits=25)
    hard = replace(node, unit=Requantize(wide))
    source = stage.tail.inputs[0]
    tensor = replace(source.tensor, type=replace(source.tensor.type, bits=40))
    part = replace(stage.tail, inputs=(replace(source, tensor=tensor),), nodes=(hard,))
    with refuses(
        f"{node.name}: two DSP blocks cannot multiply int40 by 25 bits; use requant_dsp: false"
    ):
        tails.plans(part, replace(hard, sources=(source.name,)), 1, stage.config)
