"""Constant matrix products in digits: chosen where there is time, as configured, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import frames, small_network
from refusals import refuses

from shiftloom.codegen import boards
from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows.streaming.digits import Digits
from shiftloom.codegen.dataflows.streaming.schedule import schedule
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.pe import ConstantMatrix
from shiftloom.codegen.plan import Plan
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import quantize

BOARD = boards.get("pynq-z2")
SLOW = 2_000


def integers(config: dict[str, object]) -> QGraph:
    """The small network in integers."""
    graph = small_network()
    data = frames(np.random.default_rng(1), graph.inputs[0].shape)
    return quantize(graph, data, parse(config)).qgraph


@pytest.fixture(scope="module")
def network() -> QGraph:
    """The same with the default settings."""
    return integers({})


def scheduled(network: QGraph, fps: float, **layer: object) -> tuple[Plan, tuple[Unit, ...]]:
    """The plan where the second convolution runs on the constant PE."""
    layers = {"conv2d3": {"pe": "constant", **layer}}
    return schedule(network, parse({"target": {"fps": fps}, "layers": layers}), BOARD)


def test_a_slow_rate_takes_the_narrowest_digits(network: QGraph) -> None:
    plan, units = scheduled(network, SLOW)
    assert plan.mac("conv2d3").digit == 1
    (digits,) = (unit for unit in units if isinstance(unit, Digits))
    assert (digits.source.bits, digits.sink.bits) == (8, 1)
    assert digits.sink.beats == 8 * digits.source.beats


@pytest.mark.parametrize("digit", [1, 2, 3, 5, 8])
def test_the_configured_digit_is_taken(network: QGraph, digit: int) -> None:
    plan, units = scheduled(network, SLOW, digit=digit)
    assert plan.mac("conv2d3").digit == digit % 8
    (matrix,) = (unit for unit in units if isinstance(unit, ConstantMatrix))
    assert (matrix.source.bits, matrix.digits) == (digit, -(-8 // digit))
    assert matrix.cycles() == matrix.sink.beats * matrix.digits


def test_digits_make_the_network_narrower(network: QGraph) -> None:
    found = [scheduled(network, SLOW, digit=digit)[1] for digit in (1, 2, 4, 8)]
    matrices = [unit for units in found for unit in units if isinstance(unit, ConstantMatrix)]
    bits = [matrix.features()["adder_bits"] for matrix in matrices]
    assert bits == sorted(set(bits))


def test_a_digit_wider_than_the_activations_is_refused() -> None:
    network = integers({"defaults": {"activation_bits": 4}})
    with refuses("conv2d3: digit 5 does not fit activations of 4 bits; use digit 4 or fewer"):
        scheduled(network, SLOW, digit=5)


def test_padding_that_is_not_zero_comes_whole(network: QGraph) -> None:
    nodes = tuple(
        replace(node, unit=replace(node.unit, pad_value=7)) if node.name == "conv2d0" else node
        for node in network.nodes
    )
    layers = {"conv2d0": {"pe": "constant", "digit": 2}}
    with refuses("conv2d0: digit 2 does not fit activations of 8 bits; use digit 8"):
        schedule(replace(network, nodes=nodes), parse({"layers": layers}), BOARD)


def test_there_is_one_digit_for_each_count(network: QGraph) -> None:
    mac = network.nodes[0].unit
    assert isinstance(mac, Mac)
    assert ConstantMatrix.digits_of(mac, 8) == (1, 2, 3, 4)
    assert ConstantMatrix.digits_of(mac, 5) == (1, 2, 3)
    assert ConstantMatrix.digits_of(mac, 1) == ()
