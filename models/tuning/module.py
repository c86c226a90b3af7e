"""A Graph as a torch module with trained weights, biases and ranges, and back as a Fitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from shiftloom.codegen import fitted as fitting
from shiftloom.codegen.config import Config
from shiftloom.codegen.fitted import Fitted, Range
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import Quantized
from shiftloom.models.tuning.builder import TorchBuilder
from shiftloom.models.tuning.layer import Layer, Weights
from shiftloom.models.tuning.requantizing import Choice, Requantizer

Names = Callable[[str], bool]
"""Whether a node is meant."""


class GraphModule(nn.Module):
    """A quantized network, computing what its hardware will.

    Weights start as the real ones of the float graph, scales as those of the quantizers. With
    `normalized` every layer of one α an output channel gets a batch normalization behind it; with
    `pruned` weights of 0 stay 0. `half` does products in bfloat16, for speed. Where `learning`
    names layers, the others are held at their codes and biases, and all ranges at theirs.
    """

    def __init__(
        self,
        quantized: Quantized,
        config: Config,
        normalized: bool = False,
        pruned: bool = False,
        half: bool = False,
        learning: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.graph, self.config = quantized.graph, config
        self._half = half
        made = _layers(quantized, config, normalized, pruned, learning)
        self.layers = nn.ModuleDict({_key(name): layer for name, layer in made})
        self.ranges = nn.ParameterDict(
            {
                _key(name): nn.Parameter(torch.tensor(np.log(known.top), dtype=torch.float32))
                for name, known in quantized.fitted.ranges.items()
            }
        ).requires_grad_(learning is None)
        self._signed = {name: known.signed for name, known in quantized.fitted.ranges.items()}
        self._quantizes: Names = lambda name: True

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Real values [N, elements] of the first output, for raw integers [N, H, W, C]."""
        return self.outputs({self.graph.inputs[0].name: frames})[self.graph.outputs[0]]

    def outputs(self, frames: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Real values [N, elements] of every output, for raw integers of every input."""
        dtype = next(self.parameters()).dtype
        ranges = {_name(key): value for key, value in self.ranges.items()}
        requantizer = Requantizer(ranges, self._signed, self._choice, self._quantizes, dtype)
        builder = TorchBuilder(self._named(), requantizer, self._half)
        values = {
            source.name: builder.source(source.name, frames[source.name], source.scale, source.zero)
            for source in self.graph.inputs
        }
        for node in self.graph.nodes:
            operands = (values[name] for name in node.sources)
            lower: Callable[..., Any] = node.op.lower  # the compiler's builder has a stand-in here
            values[node.name] = lower(builder, node.name, *operands)
        return {name: builder.output(values[name]) for name in self.graph.outputs}

    def quantize_only(self, weights: Names, activations: Names) -> None:
        """Let only those layers' weights, and only those values, be integers; the rest is real."""
        for name, layer in self._named().items():
            layer.weights.quantized = weights(name)
        self._quantizes = activations

    def layer(self, name: str) -> Layer:
        """The numbers of the matrix unit of node `name`."""
        return self._named()[name]

    def clamp(self) -> None:
        """To be called after every step of an optimizer."""
        for layer in self._named().values():
            layer.weights.clamp()

    def real_graph(self) -> Graph:
        """The graph with the weights before rounding, and the normalizations folded in."""
        known = {n.name for n in self.graph.nodes if isinstance(n.op, fitting.Layer)}
        real = {name: layer.real() for name, layer in self._named().items() if name in known}
        return fitting.with_weights(
            self.graph,
            {name: weights for name, (weights, _) in real.items()},
            {name: bias for name, (_, bias) in real.items()},
        )

    def fitted(self) -> Fitted:
        """Weights, biases and ranges as the compiler takes them."""
        known = {n.name for n in self.graph.nodes if isinstance(n.op, fitting.Layer)}
        made = {name: layer.fitted() for name, layer in self._named().items() if name in known}
        ranges = {
            name: Range(float(self.ranges[_key(name)].detach().double().exp()), signed)
            for name, signed in self._signed.items()
        }
        return Fitted(
            {name: codes for name, (codes, _) in made.items()},
            {name: bias for name, (_, bias) in made.items()},
            ranges,
        )

    def _named(self) -> dict[str, Layer]:
        """Every matrix unit's layer by its node."""
        named = {}
        for key, layer in self.layers.items():
            assert isinstance(layer, Layer)
            named[_name(key)] = layer
        return named

    def _choice(self, layer: str) -> Choice:
        settings = self.config.layer(layer)
        return Choice(settings.activation_bits, settings.m_bits)


def _key(name: str) -> str:
    """The name of a node as torch takes it: some words are attributes of its containers."""
    return f"at_{name}"


def _name(key: str) -> str:
    return key.removeprefix("at_")


def _layers(
    quantized: Quantized,
    config: Config,
    normalized: bool,
    pruned: bool,
    learning: Collection[str] | None,
) -> Iterator[tuple[str, Layer]]:
    """Every matrix unit's layer; those of operators without trained weights do not learn."""
    ops = {n.name: n.op for n in quantized.graph.nodes if isinstance(n.op, fitting.Layer)}
    for node in quantized.qgraph.nodes:
        if not isinstance(node.unit, Mac):
            continue
        codes, op = node.unit.codes, ops.get(node.name)
        learns = op is not None and (learning is None or node.name in learning)
        real = _single(fitting.kernel(op)) if op is not None and learns else None
        count = len(codes.values.data)
        bias = np.zeros(count) if op is None else quantized.fitted.biases[node.name].data
        weights = Weights(codes, real, _alpha_bits(config, node.name, codes), pruned)
        layer = Layer(weights, _single(bias), normalized and learns)
        yield node.name, layer.requires_grad_(learns)


def _alpha_bits(config: Config, node: str, codes: QuantizedWeights) -> int:
    """Bits of a mantissa: those of the settings, or as many as the search has found."""
    return config.layer(node).alpha_bits or int(codes.mantissa.data.max()).bit_length()


def _single(values: npt.NDArray[Any]) -> torch.Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)
