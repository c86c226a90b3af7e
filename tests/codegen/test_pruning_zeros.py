"""Zeros in the weights: which they are, that quantizers keep them, and that adders vanish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import qdq_graphs
from hypothesis import given
from hypothesis import strategies as st
from networks import chain, frames, small_network
from pruning_nets import settings
from refusals import refuses

import shiftloom
from shiftloom.codegen import adder_graph, ops
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.fitted import kernel
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Linear
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.pruning import masked, masks, prune
from shiftloom.codegen.pruning.zeros import layers
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window


def zeros(graph: Graph) -> dict[str, int]:
    """How many weights of each layer are 0."""
    return {name: int((~mask.data).sum()) for name, mask in masks(graph).items()}


def vectors(*rows: list[float]) -> Graph:
    """Fully connected layers of one filter each side by side, in one graph: their outputs."""
    layers = [Linear(Array(np.float32([row])), Array(np.float32([0.5]))) for row in rows]
    graph = chain(ops.Flatten(), layers[0], source=GraphInput((1, 1, len(rows[0]))))
    nodes = [
        replace(graph.nodes[1], name=f"fc{i}", op=layer, sources=("flatten0",))
        for i, layer in enumerate(layers)
    ]
    names = tuple(node.name for node in nodes)
    return replace(graph, nodes=(graph.nodes[0], *nodes), outputs=names)


def random_network(seed: int = 0) -> Graph:
    """The small network with weights of any value, none of them 0."""
    rng = np.random.default_rng(seed)
    graph = small_network()
    nodes = (
        replace(node, op=replace(node.op, weights=Array(np.float32(rng.normal(size=shape)))))
        if isinstance(node.op, ops.Conv2d | ops.Linear) and (shape := node.op.weights.data.shape)
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def test_nothing_is_done_unless_asked_for() -> None:
    graph = random_network()
    assert prune(graph, Config()) is graph
    assert shiftloom.prune is prune


# ---------------------------------------------------------------- magnitude


@pytest.mark.parametrize(
    ("scope", "stay"),
    [("layer", ["0011", "0101"]), ("global", ["0001", "0111"])],
)
def test_the_smallest_weights_go(scope: str, stay: list[str]) -> None:
    graph = vectors([0.1, -0.2, 0.3, -0.4], [0.25, 6, -5, 7])
    found = masks(prune(graph, settings(method="magnitude", share=0.5, scope=scope)))
    assert ["".join(str(int(bit)) for bit in mask.data[0]) for mask in found.values()] == stay


def test_of_equal_weights_the_first_ones_go() -> None:
    found = prune(vectors([8, -8, 8, -9]), settings(method="magnitude", share=0.5))
    assert layers(found)["fc0"].weights.data.tolist() == [[0, 0, 8, -9]]


def test_a_layer_of_which_nothing_stays_is_refused() -> None:
    graph = vectors([1, 2, 3, 4], [5, 6, 7, 8])
    with refuses(
        "fc0: none of its 4 weights stays at a share of 0.5; "
        "use a smaller share, or name it in pruning.keep"
    ):
        prune(graph, settings(method="magnitude", share=0.5, scope="global"))


@given(share=st.floats(0, 0.9), seed=st.integers(0, 99), scope=st.sampled_from(["layer", "global"]))
def test_the_share_is_met_and_no_smaller_weight_stays(share: float, seed: int, scope: str) -> None:
    graph = random_network(seed)
    found = prune(graph, settings(method="magnitude", share=share, scope=scope))
    before, after = layers(graph), layers(found)
    lost = zeros(found)
    parts = [[name] for name in before] if scope == "layer" else [list(before)]
    for names in parts:
        weights = np.concatenate([before[name].weights.data.ravel() for name in names])
        stay = np.concatenate([after[name].weights.data.ravel() for name in names]) != 0
        assert sum(lost[name] for name in names) == round(share * weights.size)
        assert np.abs(weights[~stay]).max(initial=0) <= np.abs(weights[stay]).min()
    for name, op in after.items():
        kept = masks(found)[name].data
        assert np.array_equal(op.weights.data, before[name].weights.data * kept)
        assert op.bias == before[name].bias


def test_pruning_again_counts_the_zeros_that_are_there() -> None:
    once = prune(random_network(), settings(method="magnitude", share=0.3))
    twice = prune(once, settings(method="magnitude", share=0.6))
    assert twice == prune(random_network(), settings(method="magnitude", share=0.6))
    assert prune(twice, settings(method="magnitude", share=0.6)) == twice


def test_kept_layers_stay_and_do_not_count() -> None:
    found = prune(random_network(), settings(method="magnitude", share=0.5, keep=["conv2d0"]))
    assert zeros(found) == {"conv2d0": 0, "conv2d3": 144, "linear6": 640}


# ---------------------------------------------------------------- N of M


def test_two_of_four_stay_along_the_input_channels() -> None:
    graph = vectors([1, -2, 3, 4, 9, 8, 7, 6], [1, 1, 1, 1, 0, 5, 0, 0])
    found = masks(prune(graph, settings(method="nm")))
    assert found["fc0"].data[0].tolist() == [False, False, True, True, True, True, False, False]
    assert found["fc1"].data[0].tolist() == [True, True, False, False, False, True, False, False]


@given(
    n=st.integers(1, 4),
    more=st.integers(0, 3),
    shape=st.tuples(*(st.integers(1, k) for k in (3, 3, 3, 11))),
    seed=st.integers(0, 99),
)
def test_every_block_keeps_its_largest(
    n: int, more: int, shape: tuple[int, ...], seed: int
) -> None:
    weights = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    m = max(2, n + more)
    window = ops.Conv2d(
        Array(weights), Array(np.zeros(shape[0], np.float32)), Window((shape[1], shape[2]))
    )
    graph = chain(window, source=GraphInput((3, 3, shape[3])))
    stay = masks(prune(graph, settings(method="nm", n=n, m=m)))["conv2d0"].data
    for start in range(0, shape[3], m):
        kept, size = stay[..., start : start + m], np.abs(weights[..., start : start + m])
        assert (kept.sum(axis=-1) == min(n, size.shape[-1])).all()
        gone = np.where(kept, 0, size).max(axis=-1)
        assert (np.where(kept, size, np.inf).min(axis=-1) >= gone).all()


def test_a_short_last_block_keeps_as_many() -> None:
    graph = vectors([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5])
    graph = replace(graph, nodes=graph.nodes[:2], outputs=("fc0",))
    found = prune(graph, settings(method="nm", n=2, m=4))
    assert layers(found)["fc0"].weights.data.tolist() == [[0, 0, 3, 4, 0, 6, 7]]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("method", ["magnitude", "nm", "block", "filter_l1"])
def test_unknown_layers_to_keep_are_refused(method: str) -> None:
    with refuses(
        "pruning.keep: linear7: no such layer; "
        "did you mean 'linear6'? known: conv2d0, conv2d3, linear6"
    ):
        prune(small_network(), settings(method=method, keep=["linear7"]))


def test_more_weights_to_keep_than_there_are_is_refused() -> None:
    with refuses("pruning.n: keeps 5 of every 4 weights; use 1 to 4"):
        prune(small_network(), settings(method="nm", n=5, m=4))


def test_a_network_whose_layers_are_all_kept_is_refused() -> None:
    with refuses("net: has no layer to prune; name fewer layers in pruning.keep"):
        prune(
            small_network(),
            settings(method="magnitude", keep=["conv2d0", "conv2d3", "linear6"]),
        )


@pytest.mark.parametrize("method", ["magnitude", "nm", "block"])
def test_a_format_without_a_zero_is_refused(method: str) -> None:
    config = parse({"pruning": {"method": method}, "layers": {"conv2d3": {"format": "binary"}}})
    with refuses(
        "conv2d3: binary weights have no 0 for those that are pruned; use another format, "
        "a method that removes channels, or name it in pruning.keep"
    ):
        prune(small_network(), config)
    kept = replace(config, pruning=replace(config.pruning, keep=("conv2d3",)))
    assert zeros(prune(small_network(), kept))["conv2d3"] == zeros(small_network())["conv2d3"]
    removed = replace(config, pruning=replace(config.pruning, method="filter_l1"))
    assert len(layers(prune(small_network(), removed))["conv2d3"].bias.data) == 4


# ---------------------------------------------------------------- zeros survive


FORMATS: dict[str, dict[str, object]] = {
    "qsq": {},
    "qsq_paper": {"quantizer": "paper"},
    "qsq_filter": {"axis": "filter", "vector": 4},
    "qsq_channel": {"axis": "channel", "vector": 2},
    "int": {"format": "int", "weight_bits": 4},
    "int_tensor": {"format": "int", "granularity": "tensor"},
    "pow2": {"format": "pow2"},
    "ternary": {"format": "ternary"},
    "csd": {"format": "csd"},
    "ternary_two_scales": {"format": "ternary", "scales": 2},
    "adaround": {"quantizer": "adaround"},
    "calibrated": {"quantizer": "calibrated"},
    "calibrated_int": {"quantizer": "calibrated", "format": "int", "weight_bits": 3},
}


def macs(quantized: Quantized) -> dict[str, Mac]:
    """The matrix products of an integer network."""
    nodes = quantized.qgraph.nodes
    return {node.name: node.unit for node in nodes if isinstance(node.unit, Mac)}


@pytest.mark.parametrize("name", FORMATS)
def test_zeros_are_zeros_in_the_integer_network(name: str) -> None:
    config = parse({"pruning": {"method": "magnitude"}, "defaults": FORMATS[name]})
    graph = prune(random_network(), config)
    x = frames(np.random.default_rng(0), (12, 12, 1), 32)
    found = macs(quantize(graph, x, config))
    for node, op in layers(graph).items():
        assert not found[node].weights.data[kernel(op) == 0].any()
        assert found[node].weights.data[kernel(op) != 0].any()


def test_imported_integers_become_zero() -> None:
    pruned = 0
    for seed in range(12):
        graph = fold_affines(qdq_graphs.random_graph(seed))
        if layers(graph):
            small = prune(graph, settings(method="magnitude", share=0.5))
            for name, mac in macs(quantize(small, None, Config())).items():
                op = layers(small)[name]
                given = layers(graph)[name].given
                assert given is not None
                values = given.values.data.reshape(mac.weights.data.shape)
                assert np.array_equal(mac.weights.data, values * (kernel(op) != 0))
                pruned += 1
    assert pruned > 10


def test_masks_put_zeros_back() -> None:
    """As a training does after each step."""
    graph = prune(random_network(), settings(method="magnitude", share=0.7))
    assert masked(random_network(1), masks(graph)) != random_network(1)
    assert masked(random_network(), masks(graph)) == graph
    assert masked(graph, {}) == graph


# ---------------------------------------------------------------- adders vanish


@pytest.mark.parametrize("keys", [{"method": "magnitude", "share": 0.6}, {"method": "nm"}])
def test_zeros_save_adders_of_constant_products(keys: dict[str, object]) -> None:
    adders = []
    for how in ({}, keys):
        config = parse({"pruning": how})
        graph = prune(random_network(), config)
        x = frames(np.random.default_rng(0), (12, 12, 1), 32)
        weights = macs(quantize(graph, x, config))["conv2d3"].weights.data
        adders.append(len(adder_graph.build("conv2d3", weights.reshape(8, -1).T, 0, 255).adders))
    assert adders[1] < 0.75 * adders[0]
