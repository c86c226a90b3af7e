"""Networks with imported quantizers: random ones, and the parts to write others by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.graph import Graph, GraphInput, Node, Op
from shiftloom.codegen.ops import (
    Add,
    Affine,
    AvgPool2d,
    Bipolar,
    Clip,
    Concat,
    Conv2d,
    Crop,
    Flatten,
    Linear,
    MaxPool2d,
    Pad,
    Permute,
    Quantize,
    Relu,
    Upsample,
)
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Window

Rng = np.random.Generator


def scale(rng: Rng, lo: float = 0.002, hi: float = 0.1) -> float:
    """A float32 scale, exactly."""
    return float(np.float32(rng.uniform(lo, hi)))


class Builder:
    """Nodes in order, named by kind and place; every method returns the new value's name."""

    def __init__(self, rng: Rng, source: GraphInput) -> None:
        self.rng = rng
        self.source = source
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {source.name: source.shape}
        self.scales: dict[str, float] = {source.name: source.scale}

    def op(self, op: Op, *sources: str) -> str:
        name = f"{type(op).__name__.lower()}{len(self.nodes)}"
        self.nodes.append(Node(name, op, sources))
        self.shapes[name] = op.shape(name, *(self.shapes[s] for s in sources))
        return name

    def quantize(self, x: str, step: float, bits: int = 8, signed: bool | None = None) -> str:
        """A quantizer with a random zero point; its lowest integer in half of the cases."""
        signed = bool(self.rng.integers(2)) if signed is None else signed
        narrow = signed and bool(self.rng.integers(4) == 0)
        op = Quantize(float(np.float32(step)), 0, bits, signed, narrow)
        zero = int(self.rng.choice([op.lo, self.rng.integers(op.lo, op.hi + 1)]))
        op = Quantize(op.scale, zero, bits, signed, narrow)
        name = self.op(op, x)
        self.scales[name] = op.scale
        return name

    def conv(self, x: str, outputs: int, window: Window, groups: int = 1) -> str:
        """Given int8 weights; the bias is int32 in steps of the float32 product of the scales."""
        inputs = self.shapes[x][2] // groups
        weights = self.rng.integers(-128, 128, (outputs, *window.kernel, inputs))
        scales = np.array([scale(self.rng) for _ in range(outputs)])
        given = GivenWeights(Array(weights), Array(scales), 8, True)
        real = Array(weights * scales[:, None, None, None])
        return self.op(Conv2d(real, self._bias(x, scales), window, groups, given), x)

    def linear(self, x: str, outputs: int) -> str:
        """Given int4 weights with one scale."""
        weights = self.rng.integers(-8, 8, (outputs, self.shapes[x][2]))
        scales = np.array([scale(self.rng)])
        given = GivenWeights(Array(weights), Array(scales), 4, True)
        bias = self._bias(x, np.repeat(scales, outputs))
        return self.op(Linear(Array(weights * scales), bias, given), x)

    def _bias(self, x: str, scales: np.ndarray) -> Array:
        products = np.float32(self.scales[x]) * scales.astype(np.float32)
        steps = self.rng.integers(-30000, 30000, len(scales))
        return Array(steps * products.astype(np.float64))

    def graph(self, *outputs: str) -> Graph:
        return Graph("net", (self.source,), tuple(self.nodes), outputs)


def _sums(b: Builder, x: str) -> str:
    """A convolution of any geometry, then a quantizer behind any monotone layers."""
    rng = b.rng
    height, width, channels = b.shapes[x]
    kernel = (int(rng.integers(1, min(height, 3) + 1)), int(rng.integers(1, min(width, 3) + 1)))
    start = tuple(int(rng.integers(0, k)) for k in kernel)
    end = tuple(int(rng.integers(0, k)) for k in kernel)
    groups = int(rng.choice([g for g in (1, 2, channels) if channels % g == 0]))
    window = Window(kernel, (1, int(rng.integers(1, 3))), (start[0], start[1]), (end[0], end[1]))
    y = b.conv(x, groups * int(rng.integers(1, 3)), window, groups)
    for extra in (
        _affine(b, y, (1, -1, 0)),
        Relu(),
        Clip(-1.3, 7.25),
        MaxPool2d(Window((2, 2), (1, 1))),
    ):
        if rng.integers(4) == 0 and min(b.shapes[y][:2]) > 1:
            y = b.op(extra, y)
    return b.quantize(y, scale(rng, 0.05, 1.0))


def _affine(b: Builder, x: str, signs: tuple[int, ...] = (1,)) -> Affine:
    channels = b.shapes[x][2]
    factor = b.rng.uniform(0.5, 2.0, channels) * b.rng.choice(signs, channels)
    return Affine(Array(factor), Array(b.rng.uniform(-1.0, 1.0, channels)))


def _binary(b: Builder, x: str) -> str:
    """The signs of a convolution's sums, and a convolution of signs."""
    y = b.op(Bipolar(scale(b.rng)), b.conv(x, 3, Window((1, 1))))
    b.scales[y] = b.nodes[-1].op.scale  # type: ignore[attr-defined]
    return b.quantize(b.conv(y, 2, Window((1, 1))), scale(b.rng, 0.05, 1.0))


def _residual(b: Builder, x: str) -> str:
    y = b.quantize(b.conv(x, b.shapes[x][2], Window((1, 1))), scale(b.rng, 0.05, 1.0))
    total = b.op(Add((1, int(b.rng.choice([1, -1])))), x, y)
    total = b.op(Relu(), total) if b.rng.integers(2) else total
    return b.quantize(total, scale(b.rng, 0.02, 0.5))


def _branches(b: Builder, x: str) -> str:
    y = b.quantize(b.conv(x, 2, Window((1, 1))), scale(b.rng, 0.05, 1.0))
    return b.quantize(b.op(Concat(), x, y, x), scale(b.rng, 0.02, 0.5))


def _mean(b: Builder, x: str) -> str:
    if min(b.shapes[x][:2]) < 2:
        return x
    y = b.op(AvgPool2d(Window((2, 2), (1, 1))), x)
    return b.quantize(y, scale(b.rng, 0.01, 0.2))


def _again(b: Builder, x: str) -> str:
    """Activations onto another scale, behind a channel-wise map or none."""
    y = b.op(_affine(b, x), x) if b.rng.integers(2) else x
    return b.quantize(y, scale(b.rng, 0.01, 0.2), int(b.rng.integers(2, 9)))


def _moved(b: Builder, x: str) -> str:
    height, width, channels = b.shapes[x]
    order = tuple(int(k) for k in b.rng.integers(0, channels, channels + 1))
    makers: tuple[Callable[[], Op], ...] = (
        lambda: Permute(order),
        lambda: Upsample((1, 2)),
        lambda: Crop(0, 0, height, max(1, width - 1)),
        lambda: Pad((1, 0, 0, 1)),
    )
    return b.op(makers[int(b.rng.integers(len(makers)))](), x)


BLOCKS = (_sums, _binary, _residual, _branches, _mean, _again, _moved)


def random_graph(seed: int) -> Graph:
    """A few blocks in a row, with a fully connected layer at the end of half of them."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(3, 7)), int(rng.integers(3, 7)), int(rng.integers(1, 4)))
    zero = int(rng.integers(-128, 128))
    b = Builder(rng, GraphInput(shape, 8, scale(rng), zero, True))
    x = "input"
    for _ in range(int(rng.integers(1, 5))):
        moved = BLOCKS[int(rng.integers(len(BLOCKS)))](b, x)
        b.scales.setdefault(moved, b.scales[x])
        x = moved
    if rng.integers(2):
        flat = b.op(Flatten(), x)
        b.scales[flat] = b.scales[x]
        x = b.quantize(b.linear(flat, 3), scale(rng, 0.05, 1.0))
    return b.graph(x)
