"""Repairs without labels: equalization keeps the function, corrected biases the mean outputs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from networks import chain, frames
from refusals import refuses

from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.formats import Given
from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.graph import Graph, GraphInput, Node, Op
from shiftloom.codegen.ops import (
    Add,
    Affine,
    AvgPool2d,
    Clip,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    LeakyRelu,
    Linear,
    MaxPool2d,
    PRelu,
    Relu,
    Sigmoid,
)
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import prepared, quantize
from shiftloom.codegen.reconstruction import reconstruct
from shiftloom.codegen.repair.equalization import equalized
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window

SOURCE = GraphInput((8, 8, 3), 8, 1 / 255)
RNG = np.random.default_rng(0)


def weights(*shape: int) -> Array:
    """Random weights whose output channels differ in size by a factor of 100."""
    size = RNG.permutation(np.geomspace(0.1, 10, shape[0])).reshape(-1, *(1,) * (len(shape) - 1))
    scaled = RNG.normal(size=shape) * size / np.sqrt(np.prod(shape[1:]))
    return Array(scaled.astype(np.float32))


def bias(count: int) -> Array:
    return Array(RNG.normal(size=count).astype(np.float32))


def conv(inputs: int, outputs: int, size: int = 3, groups: int = 1, padding: int = 1) -> Conv2d:
    window = Window((size, size), padding=(padding, padding))
    return Conv2d(weights(outputs, size, size, inputs // groups), bias(outputs), window, groups)


def mixed() -> Graph:
    """Every layer and every operator that a pair may be joined by."""
    return chain(
        conv(3, 6),
        Relu(),
        conv(6, 6, groups=6),
        LeakyRelu(0.2),
        MaxPool2d(Window((2, 2), (2, 2))),
        conv(6, 8, groups=2),
        PRelu(Array(RNG.uniform(0.1, 0.5, 8).astype(np.float32))),
        ConvTranspose2d(weights(4, 2, 2, 8), bias(4), Window((2, 2), (2, 2))),
        AvgPool2d(Window((2, 2), (2, 2))),
        Flatten(),
        Linear(weights(10, 64), bias(10)),
        Relu(),
        Linear(weights(5, 10), bias(5)),
        source=SOURCE,
    )


def every(node: Node) -> bool:
    return True


def written(op: Op) -> npt.NDArray[np.float64]:
    """The largest magnitude of the weights of each output channel."""
    assert isinstance(op, Layer)
    return np.abs(op.weights.data.astype(float)).reshape(len(op.bias.data), -1).max(axis=1)


def read(op: Op, channels: int) -> npt.NDArray[np.float64]:
    """The largest magnitude of the weights that read each of `channels` inputs."""
    assert isinstance(op, Layer)
    groups = getattr(op, "groups", 1)
    split = np.abs(op.weights.data).reshape(groups, len(op.bias.data) // groups, -1)
    by_input = split.reshape(*split.shape[:2], -1, channels // groups)
    return np.asarray(by_input.max(axis=(1, 2)).ravel(), dtype=float)


def outputs(graph: Graph, seed: int = 0) -> npt.NDArray[np.floating]:
    x = frames(np.random.default_rng(seed), graph.inputs[0].shape, 16)
    return graph.run(x)["output"]


def test_equalized_layers_have_equal_ranges_and_the_same_function() -> None:
    graph = mixed()
    made = equalized(graph, every)
    exact = outputs(graph)
    assert np.abs(outputs(made) - exact).max() < 1e-5 * np.abs(exact).max()
    layers = [node.op for node in made.nodes if isinstance(node.op, Layer)]
    for first, second in pairwise(layers):
        ratio = written(first) / read(second, len(first.bias.data))
        assert np.abs(ratio - 1).max() < 0.01
    before = [node.op for node in graph.nodes if isinstance(node.op, Layer)]
    assert (written(before[0]) / read(before[1], 6)).max() > 3


def test_equalization_mends_one_scale_a_tensor() -> None:
    """Channels apart by a factor of 100, made up for in the next layer, do not fit 4 bits."""
    random = np.random.default_rng(0)
    size = np.geomspace(0.1, 10, 16)
    first = (random.normal(size=(16, 3, 3, 3)) * size[:, None, None, None]).astype(np.float32)
    second = (random.normal(size=(5, 3, 3, 16)) / size).astype(np.float32)
    graph = chain(
        Conv2d(Array(first), Array(np.zeros(16, np.float32)), Window((3, 3))),
        Relu(),
        Conv2d(Array(second), bias(5), Window((3, 3))),
        source=SOURCE,
    )
    settings = parse({"defaults": {"format": "int", "weight_bits": 4, "granularity": "tensor"}})
    errors = [
        float(np.square(outputs(_rounded(made, settings)) - outputs(graph)).mean())
        for made in (graph, equalized(graph, every))
    ]
    assert errors[1] < 0.1 * errors[0]


def _rounded(graph: Graph, config: Config) -> Graph:
    """The float graph with quantized weights."""
    x = {"input": frames(np.random.default_rng(1), SOURCE.shape, 8)}
    return reconstruct(graph, x, config).applied(graph)


def no_pair(graph: Graph) -> None:
    """Equalization is refused."""
    with refuses(
        "repair.equalize: no two layers of 'net' are joined by Relu, LeakyRelu, PRelu, MaxPool2d, "
        "AvgPool2d, Flatten or nothing; "
        "leave it out; imported quantizers and values read twice stand between"
    ):
        equalized(graph, every)


def unchanged(graph: Graph, *names: str) -> None:
    """Equalization leaves these nodes as they are."""
    made = {node.name: node for node in equalized(graph, every).nodes}
    for node in graph.nodes:
        assert (made[node.name] == node) == (node.name in names), node.name


def test_values_that_several_nodes_read_keep_their_scale() -> None:
    """Here only the pair inside of the branch is joined."""
    nodes = (
        Node("a", conv(3, 6), ("input",)),
        Node("relu", Relu(), ("a",)),
        Node("b", conv(6, 4), ("relu",)),
        Node("c", conv(4, 6), ("b",)),
        Node("sum", Add(), ("c", "relu")),
        Node("d", conv(6, 2), ("sum",)),
    )
    unchanged(Graph("net", (SOURCE,), nodes, ("d",)), "a", "relu", "sum", "d")


def test_outputs_of_the_network_keep_their_scale() -> None:
    graph = chain(conv(3, 6), Relu(), conv(6, 4), source=SOURCE)
    for output in ("conv2d0", "relu1"):
        no_pair(replace(graph, outputs=("conv2d2", output)))


@pytest.mark.parametrize("between", [Clip(0.0, 6.0), Sigmoid()])
def test_other_functions_join_no_pair(between: Op) -> None:
    no_pair(chain(conv(3, 6), between, conv(6, 4), source=SOURCE))


def test_groups_behind_a_flatten_join_no_pair() -> None:
    no_pair(chain(conv(3, 4, 8, padding=0), Flatten(), conv(4, 4, 1, 2, 0), source=SOURCE))


def test_channels_of_zeros_are_left_alone() -> None:
    first, second = conv(3, 6), conv(6, 4)
    kernel, reading = first.weights.data.copy(), second.weights.data.copy()
    kernel[1], reading[..., 3] = 0, 0
    first = replace(first, weights=Array(kernel))
    graph = chain(first, Relu(), replace(second, weights=Array(reading)), source=SOURCE)
    made = equalized(graph, every)
    before, after = (g.nodes[0].op for g in (graph, made))
    assert isinstance(before, Conv2d)
    assert isinstance(after, Conv2d)
    kept = np.isclose(after.bias.data, before.bias.data)
    assert kept.tolist() == [False, True, False, True, False, False]
    assert np.isfinite(outputs(made)).all()


@pytest.mark.parametrize("factor", [10.0**-power for power in range(3, 37, 3)])
@pytest.mark.parametrize("place", ["written", "read"])
def test_channels_that_are_nearly_dead_are_no_obstacle(factor: float, place: str) -> None:
    """Their scale would blow up the bias, or what the next layer reads."""
    first, second = conv(3, 6), conv(6, 4)
    kernel, reading = first.weights.data.copy(), second.weights.data.copy()
    (kernel[2] if place == "written" else reading[..., 2])[...] *= np.float32(factor)
    first, second = (
        replace(op, weights=Array(w)) for op, w in ((first, kernel), (second, reading))
    )
    graph = chain(first, Relu(), second, source=SOURCE)
    x = frames(np.random.default_rng(0), SOURCE.shape, 4)
    made = quantize(graph, x, parse({"repair": {"equalize": True}}))
    exact, now = outputs(graph), outputs(made.graph)
    assert np.abs(now - exact).max() < 1e-4 * np.abs(exact).max()


@pytest.mark.parametrize("equalize", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("part", ["weights", "bias"])
@pytest.mark.filterwarnings("error")
def test_numbers_that_are_not_finite_are_refused_at_their_layer(
    equalize: bool, value: float, part: str
) -> None:
    broken = conv(6, 6)
    numbers = (broken.weights if part == "weights" else broken.bias).data.copy()
    numbers.flat[:2] = value
    broken = replace(broken, **{part: Array(numbers)})
    graph = chain(conv(3, 6), Relu(), broken, Relu(), conv(6, 4), source=SOURCE)
    x = frames(np.random.default_rng(0), SOURCE.shape, 4)
    what = "weights" if part == "weights" else "biases"
    with refuses(f"conv2d2: 2 {what} are not finite; train the network again"):
        quantize(graph, x, parse({"repair": {"equalize": equalize}}))


@pytest.mark.filterwarnings("error")
def test_an_affine_map_that_is_not_finite_is_refused_at_its_layer() -> None:
    norm = Affine(Array(np.array([1, np.inf, 1, 1])), Array(np.zeros(4)))
    layer = replace(conv(3, 4), weights=Array(np.zeros((4, 3, 3, 3), np.float32)))
    graph = chain(layer, norm, source=SOURCE)
    with refuses("conv2d0: 27 weights are not finite; train the network again"):
        prepared(graph, Config())


def imported(op: Conv2d) -> Conv2d:
    """The layer with integers of its own."""
    values = RNG.integers(-127, 128, op.weights.data.shape)
    scale = np.full(len(op.bias.data), 1 / 128)
    real = Array((values / 128).astype(np.float32))
    return replace(op, weights=real, given=GivenWeights(Array(values), Array(scale), 8, True))


def settings(**more: Any) -> Config:
    return parse({"repair": {"equalize": True, "bias_correction": True}, **more})


def test_imported_integers_are_left_alone() -> None:
    first = imported(conv(3, 6))
    graph = chain(first, Relu(), conv(6, 5), Relu(), conv(5, 4), source=SOURCE)
    x = frames(np.random.default_rng(0), SOURCE.shape, 16)
    made = quantize(graph, x, settings())
    assert made.graph.nodes[0] == graph.nodes[0]
    assert made.graph.nodes[2] != graph.nodes[2]
    unit = made.qgraph.nodes[0].unit
    assert isinstance(unit, Mac)
    assert unit.codes.format == Given(8, True)
    assert first.given is not None
    assert unit.codes.values == Array(first.given.values.data.astype(np.int64))
    other = quantize(graph, x, settings(defaults={"format": "int"}))
    assert other.graph.nodes[0] != graph.nodes[0]


@pytest.mark.parametrize("key", ["equalize", "bias_correction"])
def test_a_network_of_imported_integers_has_nothing_to_repair(key: str) -> None:
    graph = chain(imported(conv(3, 6)), source=SOURCE)
    with refuses(
        f"repair.{key}: no layer of 'net' is quantized here; "
        "leave it out, or give its layers a format"
    ):
        prepared(graph, parse({"repair": {key: True}}))


@pytest.mark.parametrize("x", [None, np.zeros((0, 8, 8, 3), np.uint8)])
def test_bias_correction_without_frames_is_refused(x: Any) -> None:
    with refuses("calibration: no frames were given; give at least one"):
        quantize(mixed(), x, parse({"repair": {"bias_correction": True}}))


def test_equalization_needs_no_frames_of_its_own() -> None:
    graph = mixed()
    assert prepared(graph, parse({"repair": {"equalize": True}})) == equalized(graph, every)
    assert prepared(graph, Config()) == graph


@pytest.mark.parametrize("quantizer", ["least_squares", "calibrated", "adaround"])
@pytest.mark.parametrize("count", [1, 24])
def test_corrected_biases_leave_no_mean_error_on_the_calibration_frames(
    quantizer: str, count: int
) -> None:
    graph = mixed()
    x = {"input": frames(np.random.default_rng(0), SOURCE.shape, count)}
    config = {"defaults": {"phi": 1, "quantizer": quantizer}}
    plain = reconstruct(graph, x, parse(config)).applied(graph).run(x)["output"]
    repair = {"repair": {"bias_correction": True}}
    found = reconstruct(graph, x, parse({**config, **repair})).applied(graph).run(x)["output"]
    exact = graph.run(x)["output"]
    size = np.abs(exact).max()
    assert np.abs((found - exact).mean(axis=0)).max() < 1e-4 * size
    if quantizer == "least_squares":
        assert np.abs((plain - exact).mean(axis=0)).max() > 1e-2 * size


def test_corrected_biases_reach_the_integers() -> None:
    graph = mixed()
    x = frames(np.random.default_rng(0), SOURCE.shape, 24)
    config = parse({"defaults": {"phi": 1}, "repair": {"bias_correction": True}})
    made = quantize(graph, x, config)
    fitted = reconstruct(graph, {"input": x}, config)
    assert made.fitted.biases == fitted.biases
    again = quantize(graph, x, config, made.fitted)
    assert again.qgraph == made.qgraph
