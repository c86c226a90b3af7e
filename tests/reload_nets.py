"""A small network whose weights can be loaded, a build of it, and other weights for that."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import boards, reloading
from shiftloom.codegen.build import Build
from shiftloom.codegen.build import build as compile_network
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d, Flatten, Linear, MaxPool2d, Relu
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.reloading import BuildWeights
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

PIXELS = 36
FOLDING = {"conv": (2, 3), "dw": (4, 1), "fc": (1, 6)}
"""Memories of one word and of many, of one piece a word and of several."""


def _array(rng: np.random.Generator, *shape: int) -> Array:
    return Array(rng.normal(0, 0.5, shape).astype(np.float32))


def network(seed: int) -> Graph:
    """A convolution, a depthwise one, a pool and a fully connected layer, with random weights."""
    rng = np.random.default_rng(seed)
    padded = Window((3, 3), (1, 1), (1, 1))
    ops = {
        "conv": Conv2d(_array(rng, 4, 3, 3, 1), _array(rng, 4), padded),
        "relu": Relu(),
        "dw": Conv2d(_array(rng, 4, 3, 3, 1), _array(rng, 4), padded, groups=4),
        "relu2": Relu(),
        "pool": MaxPool2d(Window((2, 2), (2, 2))),
        "flat": Flatten(),
        "fc": Linear(_array(rng, 4, 36), _array(rng, 4)),
    }
    pairs = zip(ops.items(), ("input", *ops), strict=False)
    nodes = (Node(name, op, (source,)) for (name, op), source in pairs)
    return Graph("tiny", (GraphInput((6, 6, 1), 8, 1 / 255, 0),), tuple(nodes), ("fc",))


def frames(seed: int, count: int = 8) -> npt.NDArray[np.uint8]:
    """Random frames of the sensor."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 6, 6, 1), dtype=np.uint8)


def settings(phi: int = 4, **defaults: object) -> Config:
    """All layers loadable, with small foldings; `defaults` go over that."""
    layers = {name: {"folding": folding} for name, folding in FOLDING.items()}
    return parse({"defaults": {"weights": "ram", "phi": phi, **defaults}, "layers": layers})


def build(phi: int = 4, **defaults: object) -> Build:
    """A build of the first network."""
    config = settings(phi, **defaults)
    quantized = quantize(network(0), frames(1, 32), config)
    return compile_network(quantized, config, boards.get(config.target.board))


def other(made: Build, seed: int = 5, phi: int = 4) -> tuple[Quantized, BuildWeights]:
    """A network with other weights, quantized for a build, and what is loaded of it."""
    ranges = Fitted(ranges=made.quantized.fitted.ranges)
    qgraph = made.quantized.qgraph
    quantized = quantize(network(seed), None, settings(phi), ranges, qgraph)
    return quantized, reloading.onto(qgraph, quantized.qgraph, made.design.digest)
