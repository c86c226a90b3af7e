"""What candidates cost, layer by layer: bits of the weights, their DRAM energy, or LUTs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen import boards, cost
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows import registry as dataflows
from shiftloom.codegen.energy import FULL_PRECISION_BITS, PICOJOULE_PER_WORD
from shiftloom.codegen.mixed.assignment import Reals
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import layer_traffic

ByLayer = Mapping[str, float]
"""What every layer of a network costs, by the names of its float nodes."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A measure of a quantized network under its settings; `unit` names it in tables.

    Where it `sees_neighbours`, a layer costs more or less by the activations that it reads.
    """

    unit: str
    measure: Callable[[QGraph, Config], ByLayer]
    sees_neighbours: bool = False


def weight_bits(qgraph: QGraph, config: Config) -> ByLayer:
    """Bits of each layer's codes, and of one 32-bit α a vector (eq. 12)."""
    return {
        node.name: layer_traffic(
            node.unit.codes.format, node.unit.weights.data.shape
        ).quantized_bits
        for node in qgraph.nodes
        if isinstance(node.unit, Mac)
    }


def energy(qgraph: QGraph, config: Config) -> ByLayer:
    """Picojoules to load each layer's weights from DRAM once (eq. 12)."""
    bits = weight_bits(qgraph, config).items()
    return {name: count / FULL_PRECISION_BITS * PICOJOULE_PER_WORD for name, count in bits}


def luts(qgraph: QGraph, config: Config) -> ByLayer:
    """Predicted LUTs of the units of each layer, in the network's plan.

    Raises ShiftloomError where the network does not fit the board at the rate.
    """
    board = boards.get(config.target.board)
    _, units = dataflows.chosen(config).schedule(qgraph, config, board)
    layers = {source.name: source.name for source in qgraph.inputs}
    layers |= {node.name: node.layer for node in qgraph.nodes}
    found = dict.fromkeys(layers.values(), 0.0)
    for unit in units:
        found[layers[unit.node]] += cost.predict(unit).lut
    return found


BITS = Meter("weight bits", weight_bits)
ENERGY = Meter("pJ", energy)
LUTS = Meter("LUT", luts, sees_neighbours=True)


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs [layers, candidates], and of all that the search leaves as it is."""

    layers: Reals
    rest: float


def marginal(base: ByLayer, totals: Reals, layers: Sequence[str]) -> Costs:
    """Costs of `layers` by what each candidate in one layer adds to the network of `base`.

    `totals` [layers, candidates] are the costs of the networks that differ in this layer alone.
    """
    own = np.array([base.get(name, 0.0) for name in layers])
    whole = sum(base.values())
    return Costs(own[:, None] + totals - whole, whole - float(own.sum()))


def tabulated(measured: Sequence[ByLayer], layers: Sequence[str]) -> Costs:
    """Costs of `layers` in networks with one candidate everywhere.

    What is around these layers is taken where it costs most.
    """
    table = [[found.get(name, 0.0) for found in measured] for name in layers]
    rest = (sum(v for name, v in found.items() if name not in layers) for found in measured)
    return Costs(np.array(table, dtype=np.float64), max(rest))
