"""What zeros and removed channels are worth in hardware: a network surveyed layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen import cost
from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config, PruningConfig
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows import registry as dataflows
from shiftloom.codegen.dataflows.streaming import foldings
from shiftloom.codegen.dataflows.streaming.options import head_units
from shiftloom.codegen.dataflows.streaming.stages import Stage, cut
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pe import PES, ConstantMatrix
from shiftloom.codegen.plan import MacPlan
from shiftloom.codegen.pruning import block
from shiftloom.codegen.pruning.zeros import layers
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import Quantized


@dataclass(frozen=True, slots=True)
class LayerCost:
    """A layer: its filters, its weights, those that are 0, and products a frame with the others.

    `lut` and `dsp` are predicted for the PE in the plan, None without a plan. `burnt_in` are the
    LUTs of a `constant` PE for all outputs at once and `adders` its adders, None where the layer is
    too large for one or has groups. `blocks` counts blocks that are 0, and all of them, where the
    method is `block`.
    """

    layer: str
    filters: int
    weights: int
    zeros: int
    products: int
    pe: str = ""
    lut: float | None = None
    dsp: float | None = None
    adders: int | None = None
    burnt_in: float | None = None
    blocks: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PlanCost:
    """Clocks between frames, clocks of one alone, and predicted cells of a plan."""

    interval: int
    latency: int
    resources: Resources


@dataclass(frozen=True, slots=True)
class Survey:
    """A network's layers and its plan, or why it has none."""

    layers: tuple[LayerCost, ...]
    plan: PlanCost | None
    refusal: str = ""

    @property
    def weights(self) -> int:
        """Weights other than 0."""
        return sum(layer.weights - layer.zeros for layer in self.layers)

    @property
    def products(self) -> int:
        """Products a frame with weights other than 0."""
        return sum(layer.products for layer in self.layers)


def survey(quantized: Quantized, config: Config, board: Board) -> Survey:
    """Count a network's weights and predict what its layers cost on `board`."""
    dataflow = dataflows.chosen(config)
    try:
        found, units = dataflow.schedule(quantized.qgraph, config, board)
    except ShiftloomError as error:
        return Survey(tuple(_layers(quantized, config, ())), None, str(error))
    plan = PlanCost(found.interval, found.latency, cost.total(units))
    return Survey(tuple(_layers(quantized, config, units)), plan)


def _layers(quantized: Quantized, config: Config, units: tuple[Unit, ...]) -> Iterator[LayerCost]:
    stages = {stage.name: stage for stage in cut(quantized.qgraph, config)}
    planned = {unit.node: unit for unit in units if isinstance(unit, PES)}
    shapes = quantized.graph.shapes()
    for name, op in layers(quantized.graph).items():
        height, width, filters = shapes[name]
        weights = op.weights.data
        zeros = weights.size - int(np.count_nonzero(weights))
        made, constant = planned.get(name), _burnt_in(stages[name])
        cells = cost.predict(made) if made else None
        yield LayerCost(
            layer=name,
            filters=filters,
            weights=weights.size,
            zeros=zeros,
            products=height * width * (weights.size - zeros),
            pe=made.kind if made else "",
            lut=cells.lut if cells else None,
            dsp=cells.dsp if cells else None,
            adders=len(constant.graph.adders) if constant else None,
            burnt_in=cost.predict(constant).lut if constant else None,
            blocks=_blocks(quantized.graph, name, config.pruning),
        )


def _blocks(graph: Graph, name: str, how: PruningConfig) -> tuple[int, int] | None:
    return block.zero_blocks(graph, name, how.block) if how.method == "block" else None


def _burnt_in(stage: Stage) -> ConstantMatrix | None:
    """The layer as a `constant` PE that takes a vector a clock, if it is small enough for one."""
    mac = stage.node.unit
    assert isinstance(mac, Mac)
    if not foldings.may_be_burnt_in(mac):
        return None
    plan = MacPlan(stage.name, ConstantMatrix.kind, foldings.outputs(mac), mac.lanes)
    return next(unit for unit in head_units(stage, plan) if isinstance(unit, ConstantMatrix))
