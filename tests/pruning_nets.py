"""What the tests of pruning compare with: filters set to 0 where they are, and small networks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from graph_nets import SKETCHES
from sketches import Outputs, Sketch

from shiftloom.codegen import ops
from shiftloom.codegen.config import Config, PruningConfig, parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pruning.groups import Groups
from shiftloom.codegen.pruning.selection import chosen
from shiftloom.codegen.values import Array, FloatArray
from shiftloom.codegen.windows import Window


def settings(**keys: object) -> Config:
    """A configuration of nothing but pruning."""
    return parse({"pruning": keys})


def graph_of(sketch: Sketch, outputs: Outputs) -> Graph:
    """The graph that was sketched."""
    return Graph("net", tuple(sketch.inputs), tuple(sketch.nodes), outputs)


def silenced(graph: Graph, groups: Groups, gone: Collection[int]) -> Graph:
    """The same graph, whose filters of the groups `gone` have weights and biases of 0."""
    nodes = (
        replace(node, op=_silenced(node.op, ~np.isin(groups.of[node.name], list(gone))))
        if isinstance(node.op, Layer)
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def _silenced(op: Layer, stay: npt.NDArray[np.bool_]) -> Layer:
    rows = stay.reshape(-1, *(1,) * (op.weights.data.ndim - 1))
    given = op.given and replace(op.given, values=Array(op.given.values.data * rows))
    weights, bias = Array(op.weights.data * rows), Array(op.bias.data * stay)
    return replace(op, weights=weights, bias=bias, given=given)


def outputs_of(graph: Graph, seed: int = 0) -> list[FloatArray]:
    """What a graph gives for some frames, in float64."""
    rng = np.random.default_rng(seed)
    real = {s.name: rng.normal(size=(3, *s.shape)) for s in graph.inputs}
    values = graph.evaluate(real)
    return [values[name] for name in graph.outputs]


def assert_same(one: Graph, other: Graph) -> None:
    """Both graphs compute the same, to rounding in float32."""
    for a, b in zip(outputs_of(one), outputs_of(other), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-5 * max(1.0, float(np.abs(a).max()))


def shuffled(s: Sketch) -> Outputs:
    """A grouped convolution in three groups, a shuffle, a depthwise one, and a sum."""
    x = s.conv(s.input((6, 6, 2)), 12, (1, 1))
    y = s.conv(x, 6, (1, 1), groups=3)
    y = s.conv(s.add(ops.Permute((0, 2, 4, 1, 3, 5)), y), 6, groups=6, relu=False)
    y = s.conv(y, 5, (1, 1), relu=False)
    return (s.linear(s.add(ops.Add(), y, s.conv(x, 5, relu=False)), 3),)


def whole(s: Sketch) -> Outputs:
    """A unit of ShuffleNet: its shuffle between grouped convolutions ties all channels."""
    x = s.conv(s.input((6, 6, 2)), 8, (1, 1))
    y = s.conv(x, 8, (1, 1), groups=2)
    y = s.conv(s.add(ops.Permute((0, 4, 1, 5, 2, 6, 3, 7)), y), 8, groups=8, relu=False)
    y = s.conv(y, 8, (1, 1), groups=2, relu=False)
    return (s.linear(s.add(ops.Add(), x, y), 3),)


def separable(s: Sketch) -> Outputs:
    """Two depthwise separable blocks, one whose depthwise layer makes two channels of each."""
    x = s.conv(s.input((8, 8, 3)), 8)
    x = s.conv(s.conv(x, 8, groups=8), 12, (1, 1))
    x = s.conv(s.conv(x, 24, stride=(2, 2), groups=12), 8, (1, 1))
    x = s.add(ops.AvgPool2d(Window((4, 4), (4, 4))), x)
    return (s.linear(x, 5),)


def moving(s: Sketch) -> Outputs:
    """Shifts, crops, slices, paddings and a transposed convolution between layers."""
    x = s.conv(s.input((6, 5, 2)), 6)
    x = s.add(ops.Shift(((0, 0), (0, 1), (1, 0), (-1, 0), (0, -1), (1, 1))), x)
    x = s.conv(s.add(ops.Pad((1, 0, 0, 1)), x), 8, padding=(0, 0))
    first = s.add(ops.Permute((0, 1, 2, 3)), x)
    last = s.add(ops.Permute((7, 6, 5, 4)), x)
    x = s.add(ops.Concat(), s.add(ops.Crop(0, 0, 4, 4), last), s.add(ops.Crop(0, 0, 4, 4), first))
    weights = s.rng.normal(size=(6, 2, 2, 8)) / 6
    bias = s.rng.normal(size=6)
    up = ops.ConvTranspose2d(
        Array(np.float32(weights)), Array(np.float32(bias)), Window((2, 2), (2, 2))
    )
    y = s.conv(x, 6, (1, 1), padding=(0, 0))
    y = s.add(ops.Upsample((2, 2)), y)
    return (s.conv(s.add(ops.Add((1, -1)), s.add(ops.Relu(), s.add(up, x)), y), 2, relu=False),)


def curved(s: Sketch) -> Outputs:
    """Functions that make something of 0, in front of layers with and without padding."""
    x = s.add(ops.Sigmoid(), s.conv(s.input((6, 6, 2)), 6, relu=False))
    scale, shift = s.rng.normal(size=6), s.rng.normal(size=6)
    x = s.add(ops.Affine(Array(scale), Array(shift)), x)
    x = s.add(ops.MaxPool2d(Window((2, 2), (2, 2), (1, 1))), s.add(ops.Clip(-1.0, 6.0), x))
    x = s.conv(x, 8, padding=(0, 0), relu=False)
    x = s.add(ops.PRelu(Array(s.rng.random(8))), x)
    x = s.add(ops.Product((), (ops.Sigmoid(),)), s.conv(x, 7, relu=False))
    x = s.add(ops.HardSigmoid(), s.conv(x, 8, relu=False))
    return (s.linear(s.add(ops.Quantize(0.02), x), 4),)


def heads(s: Sketch) -> Outputs:
    """Three outputs of two inputs: a map behind a join, an index, and logits."""
    a, b = s.conv(s.input((6, 6, 1)), 6), s.conv(s.input((6, 6, 3)), 4)
    both = s.add(ops.Concat(), a, b, s.conv(a, 5, (1, 1)))
    index = s.add(ops.ArgMax(), s.conv(both, 3, (1, 1), relu=False))
    return s.conv(both, 4, relu=False), index, s.linear(s.conv(b, 7), 3)


NETS = {make.__name__: make for make in (shuffled, separable, moving, curved, heads, whole)}


def sketched(name: str) -> Graph:
    """One of these networks, or of `graph_nets`, by name."""
    sketch = Sketch(np.random.default_rng(0))
    return graph_of(sketch, (SKETCHES | NETS)[name](sketch))


def any_of(
    graph: Graph, groups: Groups, rng: np.random.Generator, minimum: int = 1, multiple: int = 1
) -> frozenset[int]:
    """Groups that may go, chosen at random; none where none may."""
    names = sorted({g for of in groups.of.values() for g in of.tolist()})
    score = dict(zip(names, rng.random(len(names)).tolist(), strict=True))
    share = float(rng.uniform(0.3, 0.99))
    how = PruningConfig("filter_l1", share, "global", minimum=minimum, multiple=multiple)
    try:
        return chosen(graph, groups, score, how)
    except ShiftloomError:
        return frozenset()


def filters(graph: Graph) -> dict[str, int]:
    """How many filters each layer has."""
    shapes = graph.shapes()
    return {n.name: shapes[n.name][2] for n in graph.nodes if hasattr(n.op, "weights")}
