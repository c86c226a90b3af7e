"""How many multipliers a dataflow is given, and how many it has: the settings that make them alike.

Layers of their own units are folded; an engine has an array.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isqrt, log2, prod
from typing import Any

from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.streaming.compose import input_elements
from shiftloom.codegen.dataflows.streaming.stages import divisors
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import Instance
from shiftloom.codegen.qgraph import Mac, QGraph, QNode

SQUARE = "dadiannao"
"""An engine whose array has as many outputs as inputs."""
ENGINES = {SQUARE: 4, "systolic": 8}
"""Dataflows with one array for a network, and its fewest inputs; all others fold each layer."""
TAPS_APART = ("pipeline",)
"""Dataflows in which a layer has multipliers for all taps of its kernel at once."""
_PRODUCTS = {
    "sl_mvu_shift": ("PE", "SIMD"),
    "sl_mvu_dsp": ("PE", "SIMD"),
    "sl_mvu_xnor": ("PE", "SIMD"),
    "sl_dw_shift": ("LANES",),
    "sl_dw_dsp": ("LANES",),
    "sl_dadiannao": ("R", "R"),
    "sl_systolic": ("R", "C"),
}
"""Of a module, the parameters whose product is its number of multipliers."""


def sized(config: Config, qgraph: QGraph, dataflow: str, multipliers: int | None) -> Config:
    """The settings for a dataflow with as near to `multipliers` as it can have; None leaves it."""
    target = replace(config.target, dataflow=dataflow)
    if multipliers is None:
        return replace(config, target=target)
    if dataflow in ENGINES:
        array: dict[str, Any] = {"array": array_of(dataflow, multipliers)}
        return replace(config, target=replace(target, **array))
    layers = dict(config.layers)
    every = products(qgraph)
    for node in matrices(qgraph):
        share = multipliers * _products(node) / every
        folding = folding_of(node, dataflow, share)
        layers[node.name] = replace(config.layer(node.name), folding=folding)
    return replace(config, target=target, layers=layers)


def array_of(dataflow: str, multipliers: int) -> tuple[int, int]:
    """Inputs and outputs of an engine's array: a power of two, and a multiple of it."""
    rows = max(ENGINES[dataflow], 1 << int(log2(max(1, isqrt(multipliers)))))
    columns = max(1, multipliers // rows**2) * rows
    return rows, rows if dataflow == SQUARE else columns


def folding_of(node: QNode, dataflow: str, multipliers: float) -> tuple[int, int]:
    """Outputs and terms in parallel with nearest to `multipliers`, as square as can be."""
    mac = node.unit
    assert isinstance(mac, Mac)
    outputs, height, width, channels = mac.weights.data.shape
    apart = height * width if dataflow in TAPS_APART else 1
    terms = channels if apart > 1 or mac.groups > 1 else mac.lanes
    lanes = outputs if mac.groups == outputs else outputs // mac.groups

    def distance(folding: tuple[int, int]) -> tuple[float, float]:
        pe, simd = folding
        return abs(log2(pe * simd * apart / multipliers)), abs(log2(pe / simd))

    return min(((p, s) for p in divisors(lanes) for s in divisors(terms)), key=distance)


def useful(qgraph: QGraph, multipliers: int) -> int:
    """At most `multipliers`, and at most as many as the streams of frames can keep busy.

    A frame takes at least a clock for each beat that comes in, and for each element that leaves.
    """
    beats = sum(prod(source.tensor.shape) for source in qgraph.inputs) // input_elements(qgraph)
    leaving = sum(prod(qgraph.tensor(name).shape) for name in qgraph.outputs)
    return max(1, min(multipliers, products(qgraph) // max(beats, leaving)))


def matrices(qgraph: QGraph) -> tuple[QNode, ...]:
    """The nodes with weights."""
    return tuple(node for node in qgraph.nodes if isinstance(node.unit, Mac))


def products(qgraph: QGraph) -> int:
    """Multiplications a frame, padding included."""
    return sum(_products(node) for node in matrices(qgraph))


def _products(node: QNode) -> int:
    assert isinstance(node.unit, Mac)
    return prod(node.out.shape) * node.unit.lanes


def multipliers_of(units: Iterable[Unit]) -> int:
    """Multipliers that work in parallel; adder networks of burnt-in weights have none."""
    return sum(_multipliers(unit.instance()) for unit in units)


def _multipliers(instance: Instance) -> int:
    names = _PRODUCTS.get(instance.module)
    values = dict(instance.parameters)
    return prod(values[name] for name in names) if names else 0
