"""Small graphs with branches, joins, several inputs and several outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import ops
from shiftloom.codegen.config import parse
from shiftloom.codegen.graph import Graph, GraphInput, Node, Op
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Pair, Window

CALIBRATION_FRAMES = 16
Outputs = tuple[str, ...]
Frames = dict[str, npt.NDArray[np.int64]]


@dataclass
class Sketch:
    """A graph that grows node by node; methods return the name of what they made."""

    rng: np.random.Generator
    inputs: list[GraphInput] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)

    def input(self, shape: Shape, signed: bool = False) -> str:
        """Another input of bytes."""
        name = f"in{len(self.inputs)}"
        self.inputs.append(GraphInput(shape, 8, 1 / 64, 0, signed, name))
        self.shapes[name] = shape
        return name

    def add(self, op: Op, *sources: str) -> str:
        """A node."""
        name = f"{type(op).__name__.lower()}{len(self.nodes)}"
        self.shapes[name] = op.shape(name, *(self.shapes[source] for source in sources))
        self.nodes.append(Node(name, op, sources))
        return name

    def conv(
        self,
        x: str,
        channels: int,
        kernel: Pair = (3, 3),
        stride: Pair = (1, 1),
        padding: Pair | None = None,
        groups: int = 1,
        dilation: Pair = (1, 1),
        weights: str = "qsq",
        relu: bool = True,
    ) -> str:
        """A convolution that keeps the size at stride 1 undilated, and a ReLU."""
        inside = self.shapes[x][2] // groups
        values = self.rng.normal(size=(channels, *kernel, inside)) / np.sqrt(inside * 4)
        bias = self.rng.normal(size=channels) / 4
        pad = padding if padding is not None else (kernel[0] // 2, kernel[1] // 2)
        window = Window(kernel, stride, pad, dilation=dilation)
        op = ops.Conv2d(Array(np.float32(values)), Array(np.float32(bias)), window, groups)
        made = self.add(op, x)
        self.formats[made] = weights
        return self.add(ops.Relu(), made) if relu else made

    def linear(self, x: str, outputs: int) -> str:
        """A fully connected layer over all elements."""
        count = int(np.prod(self.shapes[x]))
        flat = self.add(ops.Flatten(), x)
        weights = self.rng.normal(size=(outputs, count)) / np.sqrt(count)
        bias = self.rng.normal(size=outputs) / 4
        return self.add(ops.Linear(Array(np.float32(weights)), Array(np.float32(bias))), flat)


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


SKETCHES: dict[str, Callable[[Sketch], Outputs]] = {
    make.__name__: make
    for make in (residual, branches, two_inputs, two_outputs, grouped, resized, formats)
}


def _graph(names: tuple[str, ...], seed: int) -> tuple[Sketch, Graph]:
    """Several sketches side by side in one, with the inputs and outputs of all."""
    sketch = Sketch(np.random.default_rng(seed))
    outputs = tuple(name for make in names for name in SKETCHES[make](sketch))
    graph = Graph("_".join(names), tuple(sketch.inputs), tuple(sketch.nodes), outputs)
    return sketch, graph


def quantized(*names: str, seed: int = 1) -> Quantized:
    """The integers of several sketches side by side."""
    sketch, real = _graph(names, seed)
    layers = {name: {"format": kind} for name, kind in sketch.formats.items()}
    config = parse({"layers": layers})
    return quantize(real, frames(real, CALIBRATION_FRAMES, seed), config)


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
