"""The quantize stage: float graph, calibration and settings to the integer graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import calibration, quantizers, reconstruction
from shiftloom.codegen import fitted as fitting
from shiftloom.codegen.calibration import Observation
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.energy import FULL_PRECISION_BITS, WeightTraffic
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, Range
from shiftloom.codegen.formats.format import Format, storage_bits
from shiftloom.codegen.formats.given import Given, GivenWeights
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.graph import check as check_graph
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.ops.fold import Layer, drop_softmax, find_shifts, fold_affines
from shiftloom.codegen.qgraph import Mac, QGraph, QNode
from shiftloom.codegen.quantizers import given as given_weights
from shiftloom.codegen.quantizers.fixed_point import check_finite
from shiftloom.codegen.repair.equalization import equalized
from shiftloom.codegen.requant import Certificate
from shiftloom.codegen.values import IntType

_RELOADABLE = {
    "pe": ("auto", "shift"),
    "requant": ("mult_shift",),
    "dataflow": ("streaming",),
}
"""What a layer with reloadable weights is built of."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """The integer network with its certificates and the float graph it stands for."""

    graph: Graph
    qgraph: QGraph
    certificates: tuple[Certificate, ...]
    fitted: Fitted = field(default_factory=Fitted)
    """The weights and ranges that it was lowered from."""


@dataclass(frozen=True, slots=True)
class _Used:
    """Weights and ranges by node name, as the lowering asks for them."""

    weights: dict[str, QuantizedWeights] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)


@dataclass(frozen=True)
class _Settings:
    """LayerSettings out of what is fitted, else of the configuration and the calibration.

    The frames are evaluated when the first scale is asked for: imported quantizers need none.
    `used` collects every weight and range that was asked for.
    """

    graph: Graph
    config: Config
    frames: Frames | None
    fitted: Fitted
    used: _Used = field(default_factory=_Used)
    onto: QGraph | None = None

    def weights(
        self, node: str, weights: npt.NDArray[Any], given: GivenWeights | None
    ) -> QuantizedWeights:
        if node not in self.used.weights:
            known = self.fitted.weights.get(node)
            self.used.weights[node] = known or self._quantized(node, weights, given)
        return self.used.weights[node]

    def _quantized(
        self, node: str, weights: npt.NDArray[Any], given: GivenWeights | None
    ) -> QuantizedWeights:
        layer = self.config.layer(node)
        if given is not None and layer.format == "auto":
            return given_weights.quantize(node, given)
        return quantizers.quantize(node, weights, layer.weight_format, layer.quantizing)

    def activation_bits(self, node: str) -> int:
        return self.config.layer(node).activation_bits

    def multiplier_bits(self, node: str) -> int:
        return self.config.layer(node).m_bits

    def is_scalable(self, node: str) -> bool:
        return self.config.layer(node).pe == "csd"

    def has_scalable_m(self, node: str) -> bool:
        return self.config.layer(node).requant == "csd"

    def reload_limit(self, node: str) -> int:
        if self.onto is not None:
            made = self.replaced(node)
            return made.unit.limit if made is not None and isinstance(made.unit, Mac) else 0
        layer = self.config.layer(node)
        if layer.weights == "rom" or node not in self.used.weights:
            return 0
        _check_reloadable(node, layer, self.config.dataflow(node))
        return max(self.used.weights[node].format.levels)

    def replaced(self, name: str) -> QNode | None:
        if self.onto is None:
            return None
        return next((node for node in self.onto.nodes if node.name == name), None)

    def full_scale(self, node: str, out: IntType) -> float:
        known = self.fitted.ranges.get(node)
        if known is not None and known.signed != out.signed:  # keep the step
            known = Range(known.top * out.hi / IntType(out.bits, known.signed).hi, out.signed)
        if known is None:
            how = self.config.calibration
            seen = self._at(node)
            top = calibration.full_scale(node, seen, out, how.method, how.percentile)
            known = Range(top, out.signed)
        return self.used.ranges.setdefault(node, known).top

    def sign_scale(self, node: str) -> float:
        known = self.fitted.ranges.get(node)
        if known is None:
            known = Range(calibration.sign_scale(node, self._at(node)), True)
        return self.used.ranges.setdefault(node, known).top

    def readers(self, node: str) -> int:
        return self._readers[node]

    def _at(self, node: str) -> Observation:
        if not self._has_frames:
            raise ShiftloomError(
                node, "has no quantizer and no range", "give calibration frames, or quantize it"
            )
        return self._seen[node]

    @property
    def _has_frames(self) -> bool:
        parts = self.frames.values() if isinstance(self.frames, Mapping) else [self.frames]
        return all(part is not None and len(part) > 0 for part in parts)

    @cached_property
    def _seen(self) -> Mapping[str, Observation]:
        how = self.config.calibration
        return calibration.observe(self.graph, self.frames, how.seed, how.frames)

    @cached_property
    def _readers(self) -> Counter[str]:
        read = Counter(source for node in self.graph.nodes for source in node.sources)
        return read + Counter(self.graph.outputs)


def folded(graph: Graph) -> Graph:
    """The checked graph whose layers are quantized: affine maps taken in, shifts found."""
    return check_graph(find_shifts(fold_affines(drop_softmax(check_graph(graph)))))


def prepared(graph: Graph, config: Config) -> Graph:
    """The graph as `folded`, repaired as `config` says before any layer is quantized.

    Raises ShiftloomError naming a layer with a weight or a bias that is not finite, and for repairs
    of a network whose weights are all imported integers.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by name
        graph = folded(graph)
    config.check_layers(tuple(node.name for node in graph.nodes))
    _check_weights(graph)
    wanted = [key for key, value in asdict(config.repair).items() if value]
    ours = any(reconstruction.is_ours(node, config) for node in graph.nodes)
    if wanted and not ours:
        raise ShiftloomError(
            f"repair.{wanted[0]}",
            f"no layer of {graph.name!r} is quantized here",
            "leave it out, or give its layers a format",
        )
    if config.repair.equalize:
        return equalized(graph, lambda node: reconstruction.is_ours(node, config))
    return graph


def quantize(
    graph: Graph,
    frames: Frames | None,
    config: Config,
    fitted: Fitted | None = None,
    onto: QGraph | None = None,
) -> Quantized:
    """Fold, calibrate on `frames` ([N, H, W, C], or several inputs by name) and lower to integers.

    A graph with imported quantizers everywhere needs no frames, and neither does one that is
    `fitted`, which is of the graph as `prepared` with the same settings. Raises ShiftloomError
    naming the node that cannot be represented.

    With `onto`, the integer network of a build, reloadable layers keep its shifts and widths.
    """
    graph = prepared(graph, config)
    if fitted is None:
        fitted = Fitted()
        if reconstruction.is_wanted(graph, config):
            some = calibration.checked(graph, frames, config.calibration.frames)
            fitted = reconstruction.reconstruct(graph, some, config)
    else:
        _check_formats(fitted, config)
    lowered = fitted.applied(graph, config.pruning.removes_channels)
    settings = _Settings(lowered, config, frames, fitted, onto=onto)
    builder = IntegerBuilder(settings)
    values: dict[str, Operand] = {}
    for source in graph.inputs:
        kind = IntType(source.bits, source.signed)
        values[source.name] = builder.source(
            source.name, source.shape, kind, source.scale, source.zero
        )
    for node in lowered.nodes:
        operands = (values[name] for name in node.sources)
        values[node.name] = node.op.lower(builder, node.name, *operands)
    outputs = tuple(builder.output(values[name]) for name in graph.outputs)
    qgraph = builder.build(graph.name, outputs)
    config.check_weights({node.layer for node in qgraph.nodes if isinstance(node.unit, Mac)})
    used = _fitted(lowered, settings.used)
    return Quantized(graph, qgraph, tuple(builder.units.certificates), used)


def _check_reloadable(node: str, layer: LayerConfig, dataflow: str) -> None:
    """Refuse settings under which no memory of a layer can be loaded at run time."""
    found = {"pe": layer.pe, "requant": layer.requant, "dataflow": dataflow}
    for key, useful in _RELOADABLE.items():
        if found[key] not in useful:
            raise ShiftloomError(
                node,
                f"weights: ram, and {key}: {found[key]}",
                f"use {key}: {' or '.join(useful)}, or weights: rom",
            )


def _check_formats(fitted: Fitted, config: Config) -> None:
    """Refuse settings of another number format than a layer's weights have."""
    for name, weights in fitted.weights.items():
        wanted = config.layer(name)
        if not wanted.takes(weights.format) and not isinstance(weights.format, Given):
            raise ShiftloomError(
                name,
                f"its weights came as {weights.format}, the settings ask for "
                f"{wanted.weight_format}",
                "use the settings that they were made with",
            )


def _fitted(graph: Graph, used: _Used) -> Fitted:
    """What the lowering has used, of layers that can be fitted."""
    layers = {n.name: n.op for n in graph.nodes if isinstance(n.op, fitting.Layer)}
    weights = {name: codes for name, codes in used.weights.items() if name in layers}
    return Fitted(weights, {name: op.bias for name, op in layers.items()}, used.ranges)


def _check_weights(graph: Graph) -> None:
    """Refuse weights and biases that are not finite, and a network never trained or loaded."""
    layers = {node.name: node.op for node in graph.nodes if isinstance(node.op, Layer)}
    for name, op in layers.items():
        check_finite(name, op.weights.data, "weights")
        check_finite(name, op.bias.data, "biases")
    if layers and not any(op.weights.data.any() for op in layers.values()):
        raise ShiftloomError(graph.name, "all weights are 0", "load a trained checkpoint")


def weight_traffic(network: QGraph) -> WeightTraffic:
    """Eq. 11 and 12 over all layers: 32-bit weights against codes and one 32-bit α a vector."""
    total = WeightTraffic(0, 0)
    for node in network.nodes:
        if isinstance(node.unit, Mac):
            total += layer_traffic(node.unit.codes.format, node.unit.weights.data.shape)
    return total


def layer_traffic(fmt: Format, shape: tuple[int, ...]) -> WeightTraffic:
    """Eq. 11 and 12 of a layer with weights [C_out, KH, KW, C_in] of this shape and format."""
    return WeightTraffic(
        FULL_PRECISION_BITS * int(np.prod(shape)), storage_bits(fmt, shape, FULL_PRECISION_BITS)
    )
