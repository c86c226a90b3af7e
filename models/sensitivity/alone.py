"""A network with a single layer quantized, and the damage that it does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import fitted as fitting
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import IntFrames
from shiftloom.codegen.quantize import Quantized
from shiftloom.models.sensitivity import objective
from shiftloom.models.splits import Labels
from shiftloom.models.tuning.module import GraphModule

Progress = Callable[[int, int], None]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settled:
    """A network quantized under its settings."""

    quantized: Quantized
    config: Config


def losses(
    variants: Sequence[Settled],
    layers: Sequence[str],
    frames: Mapping[str, IntFrames],
    labels: Labels | None,
    progress: Progress,
) -> Reals:
    """What quantizing each layer alone adds to the loss a frame, [layers, variants].

    Each variant quantizes the layer its own way: the weights, and the activations that it makes.
    """
    first = module_of(variants[0], ())
    parts = objective.batches(first, frames, labels)
    base = objective.mean_loss(first, parts)
    found = np.zeros((len(layers), len(variants)))
    for column, variant in enumerate(variants):
        for row, layer in enumerate(layers):
            module = module_of(variant, (layer,))
            found[row, column] = objective.mean_loss(module, parts) - base
            progress(column * len(layers) + row + 1, found.size)
    return found


def module_of(variant: Settled, layers: Collection[str]) -> GraphModule:
    """The network with nothing but `layers` quantized: their codes, biases, and what they make."""
    quantized = variant.quantized
    biases = {
        node.name: quantized.fitted.biases[node.name] if node.name in layers else node.op.bias
        for node in quantized.graph.nodes
        if isinstance(node.op, fitting.Layer)
    }
    codes = {name: quantized.fitted.weights[name].real for name in layers}
    graph = fitting.with_weights(quantized.graph, codes, {})
    fitted = replace(quantized.fitted, biases=biases)
    module = GraphModule(replace(quantized, graph=graph, fitted=fitted), variant.config).eval()
    owners = {node.reference: node.layer for node in quantized.qgraph.nodes}
    module.quantize_only(
        lambda name: name in layers, lambda at: at in layers or owners.get(at) in layers
    )
    return module
