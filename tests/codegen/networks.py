"""Small graphs for the integer stages, and frames to calibrate and evaluate them on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.graph import Graph, GraphInput, Node, Op
from shiftloom.codegen.ops import Conv2d, Flatten, Linear, MaxPool2d, Relu
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Pair, Window

LEVELS = np.array([0, 1, -1, 2, -2, 4, -4])
"""The β of QSQ at φ = 4; multiples of them by a power of two are quantized without error."""


def chain(*ops: Op, source: GraphInput) -> Graph:
    """The ops in a row, named by kind and place: conv2d0, relu1, …"""
    names = [f"{type(op).__name__.lower()}{i}" for i, op in enumerate(ops)]
    sources = ("input", *names)
    nodes = (Node(n, op, (s,)) for n, op, s in zip(names, ops, sources, strict=False))
    return Graph("net", (source,), tuple(nodes), (sources[-1],))


def on_grid(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Weights that QSQ at φ = 4 holds exactly: β times a power of two of each output channel."""
    beta = rng.choice(LEVELS, shape)
    beta.reshape(shape[0], -1)[:, 0] = 4
    alpha = 2.0 ** rng.integers(-4, -1, (shape[0], *(1,) * (len(shape) - 1)))
    return np.asarray(beta * alpha, dtype=np.float32)


def conv(
    rng: np.random.Generator,
    channels: Pair,
    kernel: Pair = (3, 3),
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
) -> Conv2d:
    """A convolution with weights on the grid and a random bias."""
    weights = on_grid(rng, (channels[1], *kernel, channels[0]))
    bias = rng.normal(size=channels[1]).astype(np.float32)
    return Conv2d(Array(weights), Array(bias), Window(kernel, stride, padding))


def linear(rng: np.random.Generator, inputs: int, outputs: int) -> Linear:
    """A fully connected layer with weights on the grid and a random bias."""
    bias = rng.normal(size=outputs).astype(np.float32)
    return Linear(Array(on_grid(rng, (outputs, inputs))), Array(bias))


def frames(
    rng: np.random.Generator, shape: Shape, count: int = 8, bits: int = 8
) -> npt.NDArray[np.int64]:
    """Random integers of a sensor, one frame of zeros and one of the largest value among them."""
    x = rng.integers(0, 1 << bits, (count, *shape))
    x[0], x[1 % count] = 0, (1 << bits) - 1
    return x


def small_network() -> Graph:
    """Two convolutions and a fully connected layer on 12×12 frames: schedules in half a second."""
    rng = np.random.default_rng(0)
    return chain(
        conv(rng, (1, 4), padding=(1, 1)),
        Relu(),
        MaxPool2d(Window((2, 2), (2, 2))),
        conv(rng, (4, 8)),
        Relu(),
        Flatten(),
        linear(rng, 128, 10),
        source=GraphInput((12, 12, 1), 8, 1 / 255, 0),
    )
