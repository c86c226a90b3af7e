"""Small graphs with branches, joins, several inputs and several outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from random_graphs import random_graph
from sketches import Outputs, Sketch

from shiftloom.codegen import ops
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.windows import Window

CALIBRATION_FRAMES = 16
Frames = dict[str, npt.NDArray[np.int64]]


def residual(s: Sketch) -> Outputs:
    """A block with an identity, one with a strided 1×1 beside it, and a mean of the map."""
    x = s.conv(s.input((9, 7, 2)), 4)
    y = s.conv(s.conv(x, 4), 4, relu=False)
    x = s.add(ops.Relu(), s.add(ops.Add(), x, y))
    y = s.conv(s.conv(x, 6, stride=(2, 2)), 6, relu=False)
    x = s.add(ops.Add(), y, s.conv(x, 6, (1, 1), (2, 2), (0, 0), relu=False))
    height, width, _ = s.shapes[x]
    x = s.add(ops.AvgPool2d(Window((height, width), (height, width))), s.add(ops.Relu(), x))
    return (s.linear(x, 5),)


def branches(s: Sketch) -> Outputs:
    """An input read three times, concatenations of concatenations, a value used twice."""
    x = s.input((6, 8, 3))
    a, b = s.conv(x, 4, (1, 1)), s.conv(x, 2, (3, 3))
    c = s.add(ops.MaxPool2d(Window((3, 3), (1, 1), (1, 1))), s.conv(x, 2, (1, 3)))
    ab = s.add(ops.Concat(), a, b)
    joined = s.add(ops.Concat(), ab, c)
    twice = s.add(ops.Add((1, -1)), joined, s.conv(joined, 8, (1, 1), relu=False))
    return (s.linear(s.add(ops.MaxPool2d(Window((2, 2), (2, 2))), twice), 4),)


def two_inputs(s: Sketch) -> Outputs:
    """A sum of features of two inputs of different shapes."""
    a = s.conv(s.input((8, 6, 2)), 4, stride=(2, 2))
    b = s.conv(s.input((4, 3, 4), signed=True), 4, (1, 1))
    return (s.conv(s.add(ops.Add(), a, b), 3, relu=False),)


def two_outputs(s: Sketch) -> Outputs:
    """Logits, a map of activations that is read on, and an index."""
    x = s.conv(s.input((6, 6, 1)), 4)
    y = s.add(ops.MaxPool2d(Window((2, 2), (2, 2))), x)
    logits = s.linear(y, 6)
    index = s.add(ops.ArgMax(), s.conv(y, 3, (1, 1), relu=False))
    return logits, y, index


def grouped(s: Sketch) -> Outputs:
    """Depthwise and grouped convolutions, a shuffle and a slice of channels."""
    x = s.conv(s.input((7, 6, 2)), 8, stride=(2, 1))
    y = s.conv(x, 8, groups=8)
    y = s.conv(y, 8, (1, 1), groups=2)
    y = s.add(ops.Permute((0, 4, 1, 5, 2, 6, 3, 7)), y)
    half = s.add(ops.Permute((4, 5, 6, 7)), y)
    other = s.add(ops.Permute((0, 1, 2, 3)), x)
    x = s.add(ops.Concat(), half, s.conv(other, 4, stride=(1, 1), groups=4))
    return (s.linear(x, 3),)


def resized(s: Sketch) -> Outputs:
    """Padding, upsampling, cropping and tables between layers, and a skip across them."""
    x = s.conv(s.input((5, 6, 2)), 4)
    y = s.add(ops.Upsample((2, 2)), s.conv(x, 4, stride=(1, 1)))
    y = s.add(ops.Crop(2, 1, 6, 7), s.add(ops.Sigmoid(), y))
    skip = s.add(ops.Pad((1, 0, 0, 1)), x)
    x = s.add(ops.Add(), s.add(ops.HardSwish(), skip), y)
    return (s.conv(x, 2, (2, 3), (2, 2), (0, 1), relu=False),)


def formats(s: Sketch) -> Outputs:
    """Signs on single bits, and other weights, dilated windows and vectors of the whole map."""
    x = s.conv(s.input((8, 7, 1)), 4, dilation=(2, 1), weights="int")
    bits = s.add(ops.Bipolar(0.5), s.conv(x, 6, (1, 1), weights="pow2", relu=False))
    bits = s.conv(bits, 4, (3, 2), padding=(0, 0), weights="binary", relu=False)
    signs = s.conv(s.add(ops.Bipolar(1.0), bits), 3, (1, 1), weights="binary", relu=False)
    y = s.conv(x, 4, (1, 2), (2, 1), (0, 0), dilation=(1, 3), weights="ternary")
    return signs, s.linear(y, 3)


def single(s: Sketch) -> Outputs:
    """One layer, whose sums leave at once."""
    return (s.conv(s.input((4, 4, 8)), 8),)


SKETCHES: dict[str, Callable[[Sketch], Outputs]] = {
    make.__name__: make
    for make in (residual, branches, two_inputs, two_outputs, grouped, resized, formats, single)
}


RANDOM = "random"
"""Names a graph that is another one with every seed."""
_MAKERS = SKETCHES | {RANDOM: random_graph}


def _graph(names: tuple[str, ...], seed: int) -> tuple[Sketch, Graph]:
    """Several sketches side by side in one, with the inputs and outputs of all."""
    sketch = Sketch(np.random.default_rng(seed))
    outputs = tuple(name for make in names for name in _MAKERS[make](sketch))
    graph = Graph("_".join(names), tuple(sketch.inputs), tuple(sketch.nodes), outputs)
    return sketch, graph


def quantized(*names: str, seed: int = 1) -> Quantized:
    """The integers of several sketches side by side."""
    return settled(*names, seed=seed)[1]


def settled(*names: str, seed: int = 1) -> tuple[Config, Quantized]:
    """The same, and the settings that made them."""
    sketch, real = _graph(names, seed)
    layers = {name: {"format": kind} for name, kind in sketch.formats.items()}
    config = parse({"layers": layers})
    return config, quantize(real, frames(real, CALIBRATION_FRAMES, seed), config)


def frames(graph: Graph, count: int, seed: int) -> Frames:
    """Random frames of every input, some of them all lowest or highest."""
    rng = np.random.default_rng(seed)
    result: Frames = {}
    for source in graph.inputs:
        low = -128 if source.signed else 0
        x = rng.integers(low, low + 256, (count, *source.shape))
        x[1::8], x[2::8] = low, low + 255
        result[source.name] = x
    return result
