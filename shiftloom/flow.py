"""From a network to a build folder: where front end, data, compiler and writer meet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import boards, fileset, golden, ops
from shiftloom.codegen import config as configuration
from shiftloom.codegen.build import Build
from shiftloom.codegen.build import build as compile_network
from shiftloom.codegen.coding.fitted_file import read_fitted
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.profile import LayerProfile, profile
from shiftloom.codegen.qgraph import ArgMax, QGraph
from shiftloom.codegen.quantize import Quantized
from shiftloom.codegen.values import IntArray
from shiftloom.models import datasets, folder, registry
from shiftloom.models.checkpoint import SHIPPED
from shiftloom.models.recipe import load_recipe

if TYPE_CHECKING:
    from torch import nn

Frames = npt.NDArray[Any]
"""Raw integers of the sensor [N, H, W, C]."""
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of `images` frames classified right, in float and in integers."""

    images: int
    real: float
    quantized: float


_SETTLED = ("calibration", "pruning", "repair")
"""Sections of the configuration that training has used up."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """Weights and ranges from training, and sections of the configuration they belong to."""

    fitted: Fitted
    settings: Mapping[str, Any]

    def check(self, name: str, config: Config) -> None:
        """Refuse settings that would decide anew what the training of network `name` decided."""
        own = configuration.parse(dict(self.settings))
        changed = [key for key in _SETTLED if getattr(config, key) != getattr(own, key)]
        changed += [
            f"layers.{layer}: the quantizer"
            for layer in self.fitted.weights
            if config.layer(layer).quantizing != own.layer(layer).quantizing
        ]
        if changed:
            base = registry.base(name).name
            raise ShiftloomError(
                changed[0], f"is settled: {name!r} was tuned", f"leave it out, or take {base!r}"
            )


def from_torch(module: nn.Module, name: str, source: GraphInput) -> Graph:
    """A PyTorch module as a Graph; `source` says what the raw input integers mean."""
    from shiftloom.codegen.frontends.torch_frontend import from_torch as import_module

    return import_module(module, name, source)


def from_file(path: Path, name: str, inputs: Mapping[str, GraphInput] | None = None) -> Graph:
    """An ONNX, QONNX or TFLite file as a Graph; `inputs` says by name what raw integers mean.

    Without it they are those of the model's own input quantizer, or bytes.
    """
    from shiftloom.codegen.frontends.files import from_file as import_file

    return import_file(path, name, inputs)


def load_network(name: str, checkpoint: Path | None = None, data: Path | None = None) -> Graph:
    """A network of `models/` with its own weights, or a state_dict from `checkpoint`.

    Networks that are ONNX files lie in the folder `data`. Of a tuned network this is the float one
    that it was tuned from; `load_tuned` has the rest.
    """
    network = registry.base(name)
    if isinstance(network, registry.OnnxNetwork):
        return replace(_load_file(network, checkpoint, data), name=name)
    from shiftloom.models.checkpoint import load_checkpoint

    source = GraphInput(
        network.input_shape, network.input_bits, network.input_scale, network.input_zero
    )
    return from_torch(load_checkpoint(network, checkpoint), name, source)


def load_tuned(name: str) -> Tuned | None:
    """What training gave a network of `models/`; None for one that is not tuned."""
    if not isinstance(registry.get(name), registry.TunedNetwork):
        return None
    tuning = load_recipe(name).tuning
    assert tuning is not None
    path = SHIPPED / f"{name}.slw"
    return Tuned(read_fitted(path.read_bytes(), path.name), tuning.quantization)


def _load_file(network: registry.OnnxNetwork, checkpoint: Path | None, data: Path | None) -> Graph:
    if checkpoint is not None:
        raise ShiftloomError(
            str(checkpoint), f"{network.name} is an ONNX file", "use --model for another one"
        )
    path = folder.find(network.file, data)
    folder.read(path, network.sha256)
    source = GraphInput(
        network.input_shape,
        network.input_bits,
        network.input_scale,
        network.input_zero,
        network.input_signed,
    )
    return from_file(path, network.name, {network.input_name: source})


def calibration_frames(name: str, data: Path | None = None) -> Frames:
    """Raw frames for the calibration of a network, kept apart from the test set if possible.

    Where they are not, the test set's first `calibration_overlap(name)` frames are they.
    """
    return calibration_set(name, data)[0]


def calibration_set(name: str, data: Path | None = None) -> tuple[Frames, Labels | None]:
    """The same frames, and their labels [N] if they have any."""
    return datasets.load(registry.base(name).dataset, "calibration", data)


def calibration_overlap(name: str) -> int:
    """How many of a network's first test frames serve for its calibration as well."""
    return datasets.SHARED.get(registry.base(name).dataset, 0)


def evaluation_set(name: str, data: Path | None = None) -> tuple[Frames, Labels | None]:
    """Raw frames [N, H, W, C] of a network's test set, and their labels [N] if they have any."""
    return datasets.load(registry.base(name).dataset, "test", data)


def build(quantized: Quantized, config: Config, target: Path) -> Build:
    """Compile a quantized network for the configured board and write its build folder."""
    result = compile_network(quantized, config, boards.get(config.target.board))
    fileset.write(result.files, target)
    return result


def accuracy(quantized: Quantized, frames: Frames, labels: Labels) -> Accuracy:
    """Accuracy of the float graph and of the integer golden model."""
    real = real_accuracy(quantized.graph, frames, labels)
    return Accuracy(len(frames), real, integer_accuracy(quantized, frames, labels))


def integer_accuracy(
    quantized: Quantized, frames: Frames | Mapping[str, Frames], labels: Labels
) -> float:
    """Accuracy of the integer golden model."""
    return share_right(quantized.qgraph, golden.run(quantized.qgraph, frames), labels)


def classes(network: Graph | QGraph) -> int:
    """How many the first output tells apart: its elements, or the values of an index."""
    name = network.outputs[0]
    if isinstance(network, QGraph):
        unit = next(node for node in network.nodes if node.name == name)
        is_index = isinstance(unit.unit, ArgMax)
        shape = network.tensor(unit.sources[0]).shape if is_index else unit.out.shape
    else:
        shapes, nodes = network.shapes(), {node.name: node for node in network.nodes}
        while name in nodes and isinstance(nodes[name].op, ops.Flatten):
            (name,) = nodes[name].sources
        is_index = name in nodes and isinstance(nodes[name].op, ops.ArgMax)
        shape = shapes[nodes[name].sources[0] if is_index else name]
    return shape[2] if is_index else math.prod(shape)


def share_right(qgraph: QGraph, outputs: IntArray, labels: Labels) -> float:
    """Share of frames whose first output is the label: its largest element, or an index.

    `outputs` [N, elements] are the integers of all outputs, one behind the other.
    """
    first = next(node for node in qgraph.nodes if node.name == qgraph.outputs[0])
    logits = outputs[:, : int(np.prod(first.out.shape))]
    classes = logits[:, 0] if isinstance(first.unit, ArgMax) else logits.argmax(axis=1)
    return float((classes == labels).mean())


def real_accuracy(graph: Graph, frames: Frames, labels: Labels) -> float:
    """Accuracy of the float graph."""
    logits = [
        graph.run(frames[start : start + golden.BLOCK])["output"]
        for start in range(0, len(frames), golden.BLOCK)
    ]
    return _share(np.concatenate(logits).reshape(len(frames), -1), labels)


def _share(logits: npt.NDArray[np.generic], labels: Labels) -> float:
    return float((logits.argmax(axis=1) == labels).mean())


def layer_profile(quantized: Quantized, frames: Frames) -> tuple[LayerProfile, ...]:
    """Float against integer, layer by layer."""
    return profile(quantized, frames)
