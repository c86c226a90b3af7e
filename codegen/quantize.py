"""The quantize stage: float graph, calibration and settings to the integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import calibration, qgraph
from shiftloom.codegen.calibration import Observation
from shiftloom.codegen.config import Config
from shiftloom.codegen.energy import FULL_PRECISION_BITS, WeightTraffic
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.graph import check as check_graph
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.ops.batch_norm import fold_batch_norms
from shiftloom.codegen.qgraph import Mac, QGraph, QTensor
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.quantizers.qsq import QsqWeights
from shiftloom.codegen.requant import Certificate
from shiftloom.codegen.values import Array, IntType


@dataclass(frozen=True, slots=True)
class Quantized:
    """The integer network with its certificates and the float graph it stands for."""

    graph: Graph
    qgraph: QGraph
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class _Settings:
    """LayerSettings out of the configuration and the observed activations."""

    config: Config
    seen: Mapping[str, Observation]

    def weights(self, node: str, weights: npt.NDArray[np.float32]) -> QsqWeights:
        layer = self.config.layer(node)
        return qsq.quantize(
            node, weights, layer.format, layer.quantizer, layer.alpha, layer.alpha_bits
        )

    def activation_bits(self, node: str) -> int:
        return self.config.layer(node).activation_bits

    def multiplier_bits(self, node: str) -> int:
        return self.config.layer(node).m_bits

    def full_scale(self, node: str, out: IntType) -> float:
        how = self.config.calibration
        return calibration.full_scale(node, self.seen[node], out, how.method, how.percentile)


def quantize(graph: Graph, frames: npt.NDArray[np.integer], config: Config) -> Quantized:
    """Fold, calibrate on `frames` [N, H, W, C] and lower `graph` to integers.

    Raises ShiftloomError naming the node that cannot be represented.
    """
    graph = check_graph(fold_batch_norms(check_graph(graph)))
    config.check_layers(tuple(node.name for node in graph.nodes))
    seen = calibration.observe(graph, frames[: config.calibration.frames], config.calibration.seed)
    builder = IntegerBuilder(_Settings(config, seen))
    source = graph.input
    kind = IntType(source.bits, signed=False)
    x = Operand(
        "input",
        "input",
        "input",
        source.shape,
        kind.lo,
        kind.hi,
        np.asarray(source.scale),
        source.zero,
    )
    for node in graph.nodes:
        x = node.op.lower(builder, node.name, x)
    builder.logits(x)
    tensor = QTensor(source.shape, kind, Array(np.asarray(source.scale)), source.zero)
    result = qgraph.check(QGraph(graph.name, tensor, tuple(builder.nodes)))
    return Quantized(graph, result, tuple(builder.certificates))


def weight_traffic(network: QGraph) -> WeightTraffic:
    """Eq. 11 and 12 over all layers: 32-bit weights against codes and one 32-bit α a vector."""
    total = WeightTraffic(0, 0)
    for node in network.nodes:
        if isinstance(node.unit, Mac):
            shape = node.unit.weights.data.shape
            total += WeightTraffic(
                FULL_PRECISION_BITS * int(np.prod(shape)),
                node.unit.codes.format.storage_bits(shape, FULL_PRECISION_BITS),
            )
    return total
