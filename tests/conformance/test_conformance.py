"""Golden = RTL = HLS C++ on whole small networks, and the plan's clocks are the RTL's clocks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conformance_nets import Net, ci_nets, named_net
from conformance_run import GRAPHS, Built, check_hls, check_rtl, check_stalls
from random_nets import SEEDS, random_net
from test_engines import CASES as ENGINE_CASES

from shiftloom import simulate_hls, simulate_rtl
from shiftloom.codegen import cost, golden, quality
from shiftloom.rtl_sim.cache import Cache

NETS = ci_nets()
BOTH = (0, 1)
OPTIONS = {
    ("window", "SH"): (1, 2),
    ("window", "KH"): (1, 2, 3, 5),
    ("window", "KW"): (1, 2, 3, 5),
    ("window", "PT"): (0, 1, 2),
    ("window", "C"): (1, 2, 3, 4),
    ("window", "DIGITS"): (1, 2, 4),
    ("digits", "DIGIT"): (1, 2, 4),
    ("digits", "IS_SIGNED"): BOTH,
    ("pool", "IS_SUM"): BOTH,
    ("pool", "IS_SIGNED"): BOTH,
    ("window_reduce", "IS_SUM"): BOTH,
    ("window_reduce", "IS_SIGNED"): BOTH,
    ("taps", "SH"): (1, 2),
    ("taps", "DW"): (1, 2),
    ("taps", "PT"): (0, 1, 2),
    ("taps", "FOLDS"): (2, 4),
    ("mvu_shift", "X_SIGNED"): BOTH,
    ("mvu_shift", "X_BITS"): (4, 8),
    ("mvu_csd", "X_SIGNED"): BOTH,
    ("mvu_csd", "GATE"): (0, 1, 2, 3),
    ("mvu_filter_csd", "X_SIGNED"): BOTH,
    ("mvu_filter_csd", "AF"): (1, 4),
    ("mvu_channel_csd", "X_SIGNED"): BOTH,
    ("mvu_channel_csd", "VF"): (1, 2),
    ("mvu_channel_csd", "VECTORS"): (1, 6),
    ("requant", "USE_DSP"): BOTH,
    ("requant", "M_BITS"): (8, 16),
    ("thresholds", "OUT_BITS"): (4, 8),
}
"""Values of unit parameters that the networks have to meet, by unit and parameter."""

Builder = Callable[[Net], Built]
GraphBuilder = Callable[..., Built]


@pytest.fixture(params=NETS, ids=lambda net: net.name)
def network(request: pytest.FixtureRequest, built: Builder) -> Built:
    """Each of the networks of CI, built."""
    return built(request.param)


def test_rtl_equals_golden_at_the_planned_clocks(network: Built, cache: Cache) -> None:
    check_rtl(network, cache)


def test_rtl_equals_golden_under_stalls(network: Built, cache: Cache) -> None:
    check_stalls(network, cache)


def test_hls_equals_golden(network: Built, cache: Cache) -> None:
    check_hls(network, cache)


@pytest.mark.parametrize("name", ["scalable", "scaled"])
def test_hardware_equals_golden_at_one_digit(name: str, built: Builder, cache: Cache) -> None:
    """K is there before the first beat of a frame, padding included, in every unit."""
    network = built(next(net for net in NETS if net.name == name))
    levels = {each.node: 1 for each in quality.scalable(network.opened.qgraph)}
    for simulate in (simulate_rtl, simulate_hls):
        result = simulate(network.opened, network.frames, None, cache, quality=levels)
        assert result.mismatches == 0, result.first


def test_names_of_ports_and_modules_are_no_trouble(built: Builder, cache: Cache) -> None:
    network = built(named_net())
    streams = {stream.name for stream in network.opened.design.streams}
    assert streams >= {"n_s_axis", "n_m_axis", "n_memory0", "n_quality0"}
    for check in (check_rtl, check_hls):
        check(network, cache)


def test_hls_words_of_exact_width_change_nothing(
    built: Builder, cache: Cache, tmp_path: Path
) -> None:
    """What synthesis sees: memories and sums of exactly their bits, not the next native word."""
    network = built(next(net for net in NETS if net.name == "signed"))
    folder = tmp_path / "exact"
    shutil.copytree(network.opened.folder, folder)
    header = folder / "hls/sl_beat.hpp"
    header.write_text("#define SL_EXACT_WORDS\n" + header.read_text("utf-8"), "utf-8")
    exact = replace(network, opened=replace(network.opened, folder=folder))
    check_hls(exact, cache)


def test_golden_stays_within_the_declared_types(network: Built) -> None:
    values = golden.trace(network.opened.qgraph, network.frames)
    for node in network.opened.qgraph.nodes:
        kind = node.out.type
        assert kind.lo <= values[node.name].min(), node.name
        assert values[node.name].max() <= kind.hi, node.name


def test_an_opened_build_is_what_was_built(network: Built) -> None:
    assert network.opened.qgraph == network.quantized.qgraph
    assert np.array_equal(
        golden.run(network.opened.qgraph, network.frames),
        golden.run(network.quantized.qgraph, network.frames),
    )


def test_the_networks_meet_every_unit_and_option(built: Builder, built_graph: GraphBuilder) -> None:
    builds = [*(built(net) for net in NETS), *(built_graph(*graph) for graph in GRAPHS)]
    units = [unit for network in builds for unit in network.opened.units]
    engines = {case.engine for case in ENGINE_CASES}
    assert {unit.kind for unit in units} == set(cost.fitted()) - engines
    seen = {
        (unit.kind, name, value)
        for unit in units
        for name, value in unit.instance().parameters
        if (unit.kind, name) in OPTIONS
    }
    wanted = {(*key, value) for key, values in OPTIONS.items() for value in values}
    assert wanted <= seen, sorted(wanted - seen)


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_random_network(seed: int, built: Builder, cache: Cache) -> None:
    network = built(random_net(seed))
    check_rtl(network, cache)
    check_stalls(network, cache)
    check_hls(network, cache)
