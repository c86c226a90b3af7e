"""A graph under construction, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from shiftloom.codegen import ops
from shiftloom.codegen.graph import GraphInput, Node, Op
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Pair, Window

Outputs = tuple[str, ...]


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
