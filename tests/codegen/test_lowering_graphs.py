"""Lowering of graphs with branches: sums, concatenations, tables, routes, several readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import conv, frames, linear, on_grid
from refusals import refuses

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.graph import Graph, GraphInput, Node, Op
from shiftloom.codegen.ops import (
    Add,
    Affine,
    ArgMax,
    AvgPool2d,
    Clip,
    Concat,
    ConvTranspose2d,
    Crop,
    Flatten,
    HardSwish,
    LeakyRelu,
    MaxPool2d,
    Pad,
    Permute,
    PRelu,
    Relu,
    Shift,
    Sigmoid,
    Tanh,
    Upsample,
)
from shiftloom.codegen.qgraph import Concat as ConcatUnit
from shiftloom.codegen.qgraph import QGraph, Requantize, ScaledAdd, Table
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

SOURCE = GraphInput((6, 6, 2), scale=1 / 255)
RNG = np.random.default_rng(0)


def dag(*nodes: tuple[str, Op, str], outputs: tuple[str, ...] = ()) -> Graph:
    """Nodes (name, op, sources separated by blanks) behind one input; the last is the output."""
    made = tuple(Node(name, op, tuple(sources.split())) for name, op, sources in nodes)
    return Graph("net", (SOURCE,), made, outputs or (made[-1].name,))


def images(count: int = 64) -> np.ndarray:
    return frames(np.random.default_rng(1), SOURCE.shape, count)


def quantized(graph: Graph, config: Config | None = None) -> Quantized:
    return quantize(graph, images(), config or Config())


def units(network: QGraph, kind: type) -> list[str]:
    return [node.name for node in network.nodes if isinstance(node.unit, kind)]


def sqnr(result: Quantized) -> float:
    """Smallest signal-to-noise ratio in dB of all values that stand for a float value."""
    x = images()
    real, integers = result.graph.run(x, trace=True), golden.trace(result.qgraph, x)
    ratios = []
    for node in result.qgraph.nodes:
        assert integers[node.name].min() >= node.out.type.lo
        assert integers[node.name].max() <= node.out.type.hi
        if node.reference:
            exact = real[node.reference].reshape(integers[node.name].shape)
            got = (integers[node.name] - node.out.zero) * node.out.scale.data
            ratios.append(np.square(exact).sum() / np.square(exact - got).sum())
    return float(10 * np.log10(min(ratios)))


def layer(inputs: int = 2, outputs: int = 3, kernel: int = 3) -> Op:
    rng, padding = np.random.default_rng(inputs + outputs), (kernel // 2, kernel // 2)
    return conv(rng, (inputs, outputs), (kernel, kernel), padding=padding)


def affine(scale: list[float], shift: list[float]) -> Affine:
    return Affine(Array(np.array(scale)), Array(np.array(shift)))


CONFIG = Config(defaults=LayerConfig(m_bits=12))
GRAPHS: dict[str, Graph] = {
    "residual": dag(
        ("a", layer(), "input"),
        ("r", Relu(), "a"),
        ("b", layer(3), "r"),
        ("s", Add(), "r b"),
        ("t", Relu(), "s"),
        ("c", layer(3), "t"),
        ("u", Add(), "t c"),
    ),
    "difference": dag(
        ("a", layer(), "input"),
        ("b", layer(outputs=3, kernel=1), "input"),
        ("s", Add((1, -1)), "a b"),
        ("c", layer(3), "s"),
    ),
    "twice the same": dag(("a", layer(), "input"), ("s", Add(), "a a"), ("c", layer(3), "s")),
    "two readers of sums": dag(
        ("a", layer(), "input"),
        ("r", Relu(), "a"),
        ("p", MaxPool2d(Window((2, 2), (2, 2))), "a"),
        ("u", Upsample((2, 2)), "p"),
        ("s", Add(), "r u"),
    ),
    "concat": dag(
        ("a", layer(), "input"),
        ("ra", Relu(), "a"),
        ("b", layer(outputs=4, kernel=1), "input"),
        ("rb", Relu(), "b"),
        ("k", Concat(), "ra rb input"),
        ("c", layer(9, 2), "k"),
        ("d", layer(3, 2), "ra"),
        ("s", Add(), "c d"),
    ),
    "concat of concats": dag(
        ("a", layer(), "input"),
        ("k", Concat(), "a input"),
        ("l", Concat(), "k a"),
        ("c", layer(8, 2), "l"),
    ),
    "tables": dag(
        ("a", layer(), "input"),
        ("l", LeakyRelu(0.1), "a"),
        ("b", layer(3), "l"),
        ("h", HardSwish(), "b"),
        ("c", layer(3), "h"),
        ("q", PRelu(Array(np.array([0.5, -0.25, 0.1]))), "c"),
        ("d", layer(3), "q"),
        ("t", Tanh(), "d"),
        ("g", Sigmoid(), "t"),
    ),
    "negative scales": dag(
        ("a", layer(), "input"),
        ("r", Relu(), "a"),
        ("n", affine([-1.0, 2.0, -0.5], [0.5, -1.0, 0.0]), "r"),
        ("b", layer(3), "n"),
        ("m", affine([0.5, 1.5], [0.25, -0.75]), "input"),
        ("c", layer(2), "m"),
        ("s", Add(), "b c"),
    ),
    "routes": dag(
        ("a", layer(), "input"),
        ("o", Permute((2, 0, 1)), "a"),
        ("p", Pad((1, 0, 0, 1)), "o"),
        ("u", Upsample((1, 2)), "p"),
        ("w", Crop(1, 2, 4, 5), "u"),
        ("m", AvgPool2d(Window((2, 2))), "w"),
        ("c", layer(3), "m"),
    ),
    "transposed": dag(
        ("a", layer(), "input"),
        ("r", Relu(), "a"),
        (
            "t",
            ConvTranspose2d(
                Array(on_grid(RNG, (2, 3, 3, 3))), Array(np.zeros(2)), Window((3, 3), (2, 2))
            ),
            "r",
        ),
    ),
    "shifts": dag(
        ("a", layer(), "input"),
        ("h", Shift(((0, 0), (1, 0), (0, -1))), "a"),
        ("c", layer(3, kernel=1), "h"),
    ),
    "bounds": dag(
        ("a", layer(), "input"),
        ("k", Clip(-0.5, 6.0), "a"),
        ("b", layer(3), "k"),
        ("l", Clip(0.25, 0.75), "b"),
        ("c", layer(3), "l"),
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_calibrated_graphs_follow_their_float_values(name: str) -> None:
    assert sqnr(quantized(GRAPHS[name], CONFIG)) > 25


def test_a_value_read_twice_is_requantized_once() -> None:
    network = quantized(GRAPHS["residual"]).qgraph
    assert [node.name for node in network.nodes] == [
        *("a", "r_requant", "b", "b_requant", "t_requant", "c", "c_requant", "u_requant")
    ]
    assert units(network, ScaledAdd) == ["t_requant", "u_requant"]
    assert [node.name for node in network.readers("r_requant")] == ["b", "t_requant"]


def test_sums_read_twice_keep_their_bias() -> None:
    """The first requantization settles the layer's bias; the other one makes up by an offset."""
    faint = layer()
    weights = faint.weights.data * np.array([1.0, 1e-4, 1.0], np.float32).reshape(-1, 1, 1, 1)
    bias = np.array([0.1, 0.75, -0.2], np.float32)
    graph = GRAPHS["two readers of sums"]
    changed = replace(graph.nodes[0], op=replace(faint, weights=Array(weights), bias=Array(bias)))
    result = quantized(replace(graph, nodes=(changed, *graph.nodes[1:])), CONFIG)
    requants = [
        n.unit.requantization for n in result.qgraph.nodes if isinstance(n.unit, Requantize)
    ]
    assert [bool(function.offset.data.any()) for function in requants] == [False, True]
    assert sqnr(result) > 25


def test_a_concatenation_shares_one_scale() -> None:
    network = quantized(GRAPHS["concat"]).qgraph
    tensors = [network.tensor(s) for n in network.nodes if n.name == "k" for s in n.sources]
    assert len({(t.type, float(t.scale.data), t.zero) for t in tensors}) == 1
    assert units(network, ConcatUnit) == ["k_first2", "k"]


def test_concatenated_activations_of_the_same_scale_need_no_unit_between() -> None:
    graph = dag(("a", MaxPool2d(Window((2, 2))), "input"), ("k", Concat(), "a a"))
    assert [n.name for n in quantized(graph).qgraph.nodes] == ["a", "k"]


def test_tables_hold_every_activation() -> None:
    network = quantized(GRAPHS["tables"]).qgraph
    assert units(network, Table) == ["l_requant", "h_requant", "q_requant", "g_requant"]
    shapes = [n.unit.values.data.shape for n in network.nodes if isinstance(n.unit, Table)]
    assert shapes == [(256,), (256,), (3, 256), (256,)]


def test_an_affine_map_of_activations_is_free_unless_it_turns_them() -> None:
    network = quantized(GRAPHS["negative scales"]).qgraph
    assert units(network, Table) == ["n_requant"]


def test_bounds_on_the_integers_of_activations_are_a_unit_without_product() -> None:
    graph = dag(("a", layer(), "input"), ("p", AvgPool2d(Window((1, 1))), "a"), ("r", Relu(), "a"))
    graph = replace(graph, outputs=("p", "r"))
    result = quantized(graph)
    assert sqnr(result) > 25


def test_several_outputs_stand_one_behind_the_other() -> None:
    graph = dag(
        ("a", layer(), "input"),
        ("r", Relu(), "a"),
        ("f", Flatten(), "r"),
        ("y", linear(np.random.default_rng(5), 108, 4), "f"),
        ("i", ArgMax(), "y"),
        outputs=("y", "r", "i"),
    )
    network, x = quantized(graph).qgraph, images(5)
    assert network.outputs == ("y_logits", "r_logits", "i")
    named = golden.run_outputs(network, x)
    assert [named[name].shape for name in network.outputs] == [
        (5, 1, 1, 4),
        (5, 6, 6, 3),
        (5, 1, 1, 1),
    ]
    joined = golden.run(network, x)
    assert np.array_equal(
        joined, np.concatenate([v.reshape(5, -1) for v in named.values()], axis=1)
    )
    assert np.array_equal(named["y_logits"][..., 0, :].argmax(axis=2)[:, 0], named["i"].ravel())
    assert network.tensor("r_requant").type == IntType(8, False)
    assert network.tensor("r_logits").type == IntType(32, True)


def test_several_inputs_meet() -> None:
    other = replace(SOURCE, name="other", zero=7, signed=True)
    nodes = (Node("a", layer(), ("input",)), Node("b", layer(), ("other",)))
    graph = Graph("net", (SOURCE, other), (*nodes, Node("s", Add(), ("a", "b"))), ("s",))
    x = {"input": images(), "other": images() - 128}
    network = quantize(graph, x, CONFIG).qgraph
    got = golden.run(network, x) * network.tensor("s_requant").scale.data
    exact = graph.run(x)["s"].reshape(got.shape)
    assert np.square(got - exact).sum() < 0.003 * np.square(exact).sum()


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            (("f", Flatten(), "input"), ("m", ArgMax(), "f")),
            "m: reads a flattened feature map of (6, 6, 2); "
            "put it before the Flatten, or a Linear layer between",
        ),
        (
            (("a", layer(), "input"), ("p", Pad((1, 1, 1, 1), 1e6), "a"), ("b", layer(3), "p")),
            "p: inserts 1e+06, which is .* in the integers int8 of its input; "
            "use a value that they hold, such as 0",
        ),
        (
            (("a", affine([np.nan, 1.0], [0.0, 0.0]), "input"), ("b", layer(), "a")),
            "a: its scale or shift is not finite; check the model",
        ),
        (
            (("a", affine([1.0, 1.0], [0.3, 0.3]), "input"), ("b", layer(), "a")),
            "b: pads with zeros, which are -76.5 in the integers uint8 of its input; "
            "use no padding, or an input that has a zero",
        ),
        (
            (("l", LeakyRelu(-np.inf), "n"), ("b", layer(), "l")),
            "l: its function is not finite; check the model",
        ),
    ],
)
def test_what_has_no_integers_is_refused(
    nodes: tuple[tuple[str, Op, str], ...], message: str
) -> None:
    first = ("n", affine([1.0, 1.0], [-0.5, -0.5]), "input")
    used = nodes if all(node[2] != "n" for node in nodes) else (first, *nodes)
    with pytest.raises(
        Exception, match=f"^{message}$".replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")
    ):
        quantized(dag(*used))


def test_a_sign_is_exact_and_has_no_zero_to_pad_with() -> None:
    """One bit keeps the sign of values that have one; q − 1/2 times twice their mean magnitude."""
    rng = np.random.default_rng(0)
    config = Config(defaults=LayerConfig(activation_bits=1))
    graph = dag(("a", conv(rng, (2, 3)), "input"), ("b", conv(rng, (3, 2)), "a"))
    result, x = quantized(graph, config), images()
    tensor, real = result.qgraph.tensor("a_requant"), result.graph.run(x, trace=True)
    assert (tensor.type, tensor.zero) == (IntType(1, False), 0.5)
    assert float(tensor.scale.data) == pytest.approx(2 * np.abs(real["a"]).mean(), rel=1e-4)
    signs = golden.trace(result.qgraph, x)["a_requant"]
    clear = np.abs(real["a"]) > 1e-5
    assert np.array_equal(signs[clear], real["a"][clear] >= 0)
    unsigned = quantized(
        dag(("a", layer(), "input"), ("r", Relu(), "a"), ("b", layer(3), "r")), config
    )
    assert unsigned.qgraph.tensor("r_requant").zero == 0
    with refuses(
        "b: pads with zeros, which are 0.5 in the integers uint1 of its input; "
        "use no padding, or an input that has a zero"
    ):
        quantized(dag(("a", layer(), "input"), ("b", layer(3), "a")), config)


def test_tables_of_wide_activations_are_refused() -> None:
    wide = replace(SOURCE, bits=12)
    graph = Graph("net", (wide,), (Node("s", Sigmoid(), ("input",)),), ("s",))
    with refuses(
        "s_requant: a table of uint12 activations; "
        "tables take at most 8 bits; quantize its input to fewer"
    ):
        quantize(graph, np.zeros((2, 6, 6, 2), np.uint16), Config())
