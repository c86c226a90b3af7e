"""The built-in layers: one layer with random weights, followed by a ReLU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d, Flatten, Linear, Relu
from shiftloom.codegen.values import Array, nearest
from shiftloom.codegen.windows import Window

LAYER = "layer"
"""Name of the node with the weights."""
ALL = "all"
CALIBRATION_FRAMES = 16


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that replace those of a kind; None leaves them as they are."""

    size: int | None = None
    inputs: int | None = None
    outputs: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of layer and its sizes: `size` rows and columns, `inputs` and `outputs` channels.

    `kernel` is 0 for a fully connected layer, which reads the whole map. A convolution is padded
    by half its kernel.
    """

    name: str
    size: int
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    depthwise: bool = False

    def resized(self, sizes: Sizes) -> Kind:
        """The same kind with other sizes; raises ShiftloomError for one below 1."""
        for name in ("size", "inputs", "outputs"):
            value = getattr(sizes, name)
            if value is not None and value < 1:
                raise ShiftloomError(f"--{name}", f"{value}", "use 1 or more")
        inputs = sizes.inputs or self.inputs
        outputs = sizes.outputs or (inputs if self.depthwise else self.outputs)
        if self.depthwise and outputs != inputs:
            problem = f"{outputs} outputs of {inputs} inputs"
            raise ShiftloomError(self.name, problem, "a depthwise layer has as many of both")
        size = sizes.size or self.size
        return Kind(self.name, size, inputs, outputs, self.kernel, self.stride, self.depthwise)

    def graph(self, seed: int = 0) -> Graph:
        """The layer as a network of its own; the same seed gives the same weights."""
        source = GraphInput((self.size, self.size, self.inputs), scale=1 / 64)
        rng = np.random.default_rng(seed)
        nodes: tuple[Node, ...]
        if self.kernel:
            nodes = (Node(LAYER, self._convolution(rng), ("input",)),)
        else:
            terms = self.size * self.size * self.inputs
            linear = Linear(_normal(rng, (self.outputs, terms)), _zeros(self.outputs))
            nodes = (Node("flat", Flatten(), ("input",)), Node(LAYER, linear, ("flat",)))
        nodes = (*nodes, Node("relu", Relu(), (LAYER,)))
        return Graph(self.name, (source,), nodes, ("relu",))

    def _convolution(self, rng: np.random.Generator) -> Conv2d:
        groups = self.inputs if self.depthwise else 1
        shape = (self.outputs, self.kernel, self.kernel, self.inputs // groups)
        pad = self.kernel // 2
        window = Window((self.kernel, self.kernel), (self.stride, self.stride), (pad, pad))
        return Conv2d(_normal(rng, shape), _zeros(self.outputs), window, groups)

    def frames(self, count: int, seed: int = 1) -> npt.NDArray[np.uint8]:
        """Random frames [count, size, size, inputs]."""
        shape = (count, self.size, self.size, self.inputs)
        return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


KINDS = (
    Kind("conv3x3", 16, 32, 32, 3),
    Kind("conv1x1", 8, 256, 64, 1),
    Kind("depthwise", 16, 32, 32, 3, depthwise=True),
    Kind("conv5x5s2", 16, 32, 32, 5, 2),
    Kind("linear", 4, 64, 64, 0),
)
"""Sizes that arrays of 16 × 16 divide. To add a layer, add a line."""


def kinds(name: str, sizes: Sizes) -> tuple[Kind, ...]:
    """The kind `name` with these sizes, or all kinds; raises ShiftloomError for another name."""
    if name == ALL:
        if sizes != Sizes():
            raise ShiftloomError("--layer all", "takes no sizes", "name one layer for them")
        return KINDS
    for kind in KINDS:
        if kind.name == name:
            return (kind.resized(sizes),)
    known = (*(kind.name for kind in KINDS), ALL)
    raise ShiftloomError(f"--layer {name!r}", "is not known", nearest(name, known))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return Array(rng.normal(size=shape).astype(np.float32))


def _zeros(outputs: int) -> Array:
    return Array(np.zeros(outputs, np.float32))
