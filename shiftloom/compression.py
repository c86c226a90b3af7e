"""Networks as compressed files, and back: what `shiftloom pack` and `unpack` do."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shiftloom import flow
from shiftloom.codegen import files, golden
from shiftloom.codegen.coding import container, shared, sizes
from shiftloom.codegen.coding.build_file import build_bytes, read_build
from shiftloom.codegen.coding.container import Content
from shiftloom.codegen.coding.fitted_file import fitted_bytes, read_fitted
from shiftloom.codegen.coding.shared import SharedNetwork
from shiftloom.codegen.coding.shared_file import read_shared, shared_bytes
from shiftloom.codegen.coding.sizes import LayerSize
from shiftloom.codegen.config import Config
from shiftloom.codegen.energy import FULL_PRECISION_BITS
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, Layer
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.quantize import Quantized, folded, quantize
from shiftloom.codegen.reloading import BuildWeights, loaded, onto, weights_of
from shiftloom.codegen.values import nearest
from shiftloom.flow import Accuracy, Frames, Labels
from shiftloom.opened import OpenedBuild
from shiftloom.subject import Subject

SHARE_BITS = 5
"""Of the paper's fully connected layers."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a file of `size` bytes holds, and what it spends on each layer."""

    value: Fitted | SharedNetwork | BuildWeights
    size: int
    layers: tuple[LayerSize, ...]

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        biases = sum(bias.data.size for bias in self.value.biases.values())
        return sizes.total(self.layers).weights + biases

    @property
    def ratio(self) -> float:
        """How many times as many bytes all parameters take in float32."""
        return self.parameters * FULL_PRECISION_BITS / 8 / self.size

    @property
    def over_entropy(self) -> float:
        """Bits of all codes in their Huffman codes, as a multiple of their entropy."""
        whole = sizes.total(self.layers)
        return whole.huffman / whole.entropy if whole.entropy else 1.0

    @property
    def content(self) -> str:
        """What kind of network it is, in words."""
        if isinstance(self.value, BuildWeights):
            return "the weights of a build"
        quantized = isinstance(self.value, Fitted)
        return "a quantized network" if quantized else "a float network of shared weights"

    @property
    def digest(self) -> str | None:
        """That of the design that the weights are for, if they are for one."""
        return self.value.digest if isinstance(self.value, BuildWeights) else None

    def figures(self) -> dict[str, Any]:
        """All of this as plain data."""
        return {
            "content": self.content,
            "digest": self.digest,
            "parameters": self.parameters,
            "bytes": self.size,
            "ratio": self.ratio,
            "over_entropy": self.over_entropy,
            "layers": [{**asdict(layer), "ratio": layer.ratio} for layer in self.layers],
        }

    def arrays(self) -> bytes:
        """All weights and biases as an .npz of real numbers: `conv1.weights`, `conv1.bias`.

        The biases of a build are integers in steps of its sums: `conv1.bias_integers`.
        """
        bias = "bias_integers" if isinstance(self.value, BuildWeights) else "bias"
        named: dict[str, Any] = {
            f"{name}.weights": made.real for name, made in self.value.weights.items()
        }
        named |= {f"{name}.{bias}": found.data for name, found in self.value.biases.items()}
        buffer = io.BytesIO()
        np.savez(buffer, **named)
        return buffer.getvalue()


def expand(data: bytes, source: str) -> Expanded:
    """What the bytes of a file hold; raises ShiftloomError naming `source` where they are none."""
    content = container.content_of(data, source)
    if content != Content.SHARED:
        reader = read_fitted if content == Content.FITTED else read_build
        made = reader(data, source)
        return Expanded(made, len(data), sizes.of_fitted(made))
    network = read_shared(data, source)
    return Expanded(network, len(data), sizes.of_shared(network))


def read(path: Path) -> bytes:
    """The bytes of a file; raises ShiftloomError naming it."""
    return files.read(path, files.MAX_MODEL, "give a file of shiftloom pack")


@dataclass(frozen=True, slots=True)
class Compressed:
    """The bytes of a file, and the network that comes back from them."""

    graph: Graph
    """The float network that was compressed, before any pruning."""
    data: bytes
    expanded: Expanded
    decoded: Quantized | Graph

    @property
    def name(self) -> str:
        """That of the network."""
        return self.graph.name

    def accuracy(self, frames: Frames, labels: Labels) -> Accuracy:
        """Of the float network, and of the one that comes back: its golden model if quantized."""
        if isinstance(self.decoded, Quantized):
            after = flow.integer_accuracy(self.decoded, frames, labels)
        else:
            after = flow.real_accuracy(self.decoded, frames, labels)
        return Accuracy(len(frames), flow.real_accuracy(self.graph, frames, labels), after)

    @property
    def ratio(self) -> float:
        """How many times as many bytes the network takes in float32 as the file."""
        ops = [node.op for node in self.graph.nodes if isinstance(node.op, Layer)]
        parameters = sum(op.weights.data.size + op.bias.data.size for op in ops)
        return parameters * FULL_PRECISION_BITS / 8 / len(self.data)

    def figures(self) -> dict[str, Any]:
        """What is in the file as plain data."""
        return {**self.expanded.figures(), "ratio": self.ratio}


def compress_quantized(quantized: Quantized, config: Config, graph: Graph) -> Compressed:
    """A quantized network's weights, biases and ranges as a file, and lowered again from it.

    `graph` is the float network before any pruning, with which the file is compared. Raises
    ShiftloomError where another integer network comes back.
    """
    data = fitted_bytes(quantized.fitted)
    expanded = _returned(quantized.fitted, data, quantized.graph.name)
    assert isinstance(expanded.value, Fitted)
    decoded = quantize(quantized.graph, None, config, expanded.value)
    if decoded.qgraph != quantized.qgraph:
        raise ShiftloomError(
            quantized.graph.name,
            "comes back as another integer network",
            "give the settings that it was quantized with",
        )
    return Compressed(folded(graph), data, expanded, decoded)


@dataclass(frozen=True, slots=True)
class PackedBuild:
    """The bytes of a file for a build, what is in it, and the build's network with it."""

    data: bytes
    expanded: Expanded
    qgraph: QGraph

    @property
    def name(self) -> str:
        """That of the build."""
        return self.qgraph.name

    @property
    def ratio(self) -> float:
        """How many times as many bytes what is loaded takes in float32 as the file."""
        return self.expanded.ratio

    def figures(self) -> dict[str, Any]:
        """What is in the file as plain data."""
        return self.expanded.figures()

    def accuracy(self, frames: Frames, labels: Labels) -> float:
        """Share right of the build's golden model with these weights."""
        return flow.share_right(self.qgraph, golden.run(self.qgraph, frames), labels)


def accuracy(
    made: Compressed | PackedBuild, subject: Subject, file: Path | None, images: int | None
) -> Accuracy | float | None:
    """On the subject's test frames, those of `file`, or the first `images` of them.

    None where there are no frames or no labels, and for networks of several inputs.
    """
    if file is None and subject.network is None:
        return None
    network = made.qgraph if isinstance(made, PackedBuild) else made.graph
    frames, labels = subject.test(network, file)
    if labels is None or isinstance(frames, Mapping):
        return None
    return made.accuracy(frames[:images], labels[:images])


def pack_build(build: OpenedBuild, made: Quantized | None, config: Config) -> PackedBuild:
    """The weights of a build as a file: its own, or those of a network quantized as `made`.

    These are lowered again for the build, with its ranges and shifts. Raises ShiftloomError naming
    what the build does not hold.
    """
    digest = build.design.digest
    if made is None:
        weights = weights_of(build.qgraph, digest)
    else:
        fitted, name = replace(made.fitted, ranges=build.ranges()), made.graph.name
        if made.fitted.ranges.keys() != fitted.ranges.keys():
            raise ShiftloomError(name, "is another network than that of the build", "build again")
        other = quantize(made.graph, None, config, fitted, build.qgraph)
        weights = onto(build.qgraph, other.qgraph, digest)
    data = build_bytes(weights)
    expanded = _returned(weights, data, build.qgraph.name)
    return PackedBuild(data, expanded, loaded(build.qgraph, weights))


def compress_shared(graph: Graph, prune: Sequence[str], share_bits: Sequence[str]) -> Compressed:
    """A float network after Deep Compression as a file.

    `prune` and `share_bits` hold NUMBER for all layers and LAYER=NUMBER for one: without any,
    nothing is pruned, and layers have 2^5 values.
    """
    graph = folded(graph)
    shares = _by_layer("--prune", prune, graph, 0.0)
    bits = _by_layer("--share-bits", share_bits, graph, SHARE_BITS)
    network = shared.compress(graph, shares, bits)
    data = shared_bytes(network)
    expanded = _returned(network, data, graph.name)
    assert isinstance(expanded.value, SharedNetwork)
    return Compressed(graph, data, expanded, expanded.value.applied(graph))


def _by_layer(
    option: str, texts: Sequence[str], graph: Graph, default: float
) -> Callable[[str], float]:
    layers = [node.name for node in graph.nodes if isinstance(node.op, Layer)]
    found: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        if (equals or name) and name not in layers:
            raise ShiftloomError(f"{option} {text}", "no such layer", nearest(name, layers))
        if name in found:
            problem = f"{name} has a number already" if name else "all layers have a number already"
            raise ShiftloomError(f"{option} {text}", problem, "give one")
        try:
            found[name] = float(number)
        except ValueError as error:
            raise ShiftloomError(
                f"{option} {text}", "is no number", "write NUMBER or LAYER=NUMBER"
            ) from error
    everywhere = found.get("", default)
    return lambda name: found.get(name, everywhere)


def _returned(value: Fitted | SharedNetwork | BuildWeights, data: bytes, name: str) -> Expanded:
    expanded = expand(data, name)
    if expanded.value != value:
        raise ShiftloomError(
            name,
            "comes back as other weights, biases or ranges",
            "integers must be int64, real numbers float32 or float64",
        )
    return expanded
