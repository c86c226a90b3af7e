"""Lowering to integers: ranges, scales, the order of ReLU, pooling and flatten, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import chain, conv, frames, linear
from refusals import refuses

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.graph import GraphInput, Op
from shiftloom.codegen.ops import (
    AvgPool2d,
    Flatten,
    MaxPool2d,
    Relu,
)
from shiftloom.codegen.qgraph import (
    MAX_SUM_BITS,
    Mac,
    QGraph,
    QTensor,
    Requantize,
    WindowReduce,
    check,
)
from shiftloom.codegen.quantize import Quantized, quantize, weight_traffic
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

SOURCE = GraphInput((6, 6, 2), scale=1 / 255)
HALF = Window((2, 2), (2, 2))


def quantized(*ops: Op, source: GraphInput = SOURCE, config: Config | None = None) -> Quantized:
    x = frames(np.random.default_rng(1), source.shape, 32, source.bits)
    return quantize(chain(*ops, source=source), x, config or Config())


def output_of(network: QGraph) -> QTensor:
    return network.tensor(network.outputs[0])


def units(network: QGraph) -> list[str]:
    return [node.name for node in network.nodes]


def test_one_requantization_absorbs_the_relu_and_follows_the_maximum() -> None:
    rng = np.random.default_rng(0)
    network = quantized(
        conv(rng, (2, 3)), MaxPool2d(HALF), Relu(), Flatten(), linear(rng, 12, 4)
    ).qgraph
    assert units(network) == [
        *("conv2d0", "maxpool2d1", "relu2_requant", "linear4", "linear4_requant")
    ]
    first = network.nodes[2]
    assert isinstance(first.unit, Requantize)
    assert first.out.type == first.unit.requantization.out == IntType(8, False)
    assert (first.layer, first.out.shape) == ("conv2d0", (2, 2, 3))
    assert output_of(network).shape == (1, 1, 4)
    assert output_of(network).type == IntType(32, True)


@pytest.mark.parametrize(
    "ops",
    [
        lambda rng: (conv(rng, (2, 3)), Flatten(), Relu(), linear(rng, 48, 4)),
        lambda rng: (conv(rng, (2, 3)), Relu(), Flatten(), Relu(), linear(rng, 48, 4)),
        lambda rng: (conv(rng, (2, 3)), Flatten(), linear(rng, 48, 4), Relu()),
        lambda rng: (conv(rng, (2, 3)), Relu(), Flatten()),
        lambda rng: (conv(rng, (2, 3)), AvgPool2d(HALF), Relu(), Flatten(), linear(rng, 12, 3)),
        lambda rng: (conv(rng, (2, 3)), AvgPool2d(HALF), MaxPool2d(Window((2, 2))), Flatten()),
        lambda rng: (AvgPool2d(HALF), conv(rng, (2, 3))),
        lambda rng: (MaxPool2d(HALF), conv(rng, (2, 3), (2, 2)), Relu(), AvgPool2d(HALF)),
        lambda rng: (Relu(), Flatten(), Flatten(), linear(rng, 72, 3)),
        lambda rng: (AvgPool2d(HALF), AvgPool2d(Window((3, 3))), Flatten(), linear(rng, 2, 3)),
        lambda rng: (conv(rng, (2, 3), (1, 1), (2, 2)), Relu(), conv(rng, (3, 2), (1, 1))),
        lambda rng: (MaxPool2d(HALF),),
        lambda rng: (AvgPool2d(HALF),),
    ],
)
def test_any_order_of_layers_follows_the_float_graph(ops: object) -> None:
    """Shapes and types hold for every node, and the output follows the float graph's."""
    rng = np.random.default_rng(0)
    layers: tuple[Op, ...] = ops(rng)  # type: ignore[operator]
    result = quantized(*layers)
    x = frames(np.random.default_rng(1), SOURCE.shape, 32)
    values = golden.trace(result.qgraph, x)
    for node in result.qgraph.nodes:
        assert values[node.name].shape[1:] == node.out.shape
        assert values[node.name].min() >= node.out.type.lo
        assert values[node.name].max() <= node.out.type.hi
    real = golden.run(result.qgraph, x) * output_of(result.qgraph).scale.data
    expected = result.graph.run(x)[result.graph.outputs[0]].reshape(len(x), -1)
    noise = np.square(real - expected).mean() / np.square(expected).mean()
    assert noise < 1e-3


@given(seed=st.integers(0, 9999), zero=st.sampled_from([0, 3, 255]))
def test_declared_ranges_are_reached_and_never_left(seed: int, zero: int) -> None:
    """The frame that drives a channel to its largest sum gives the declared bound.

    The type has room for one more above it, for a threshold that no sum reaches.
    """
    rng = np.random.default_rng(seed)
    source = GraphInput((3, 3, 2), zero=zero)
    result = quantized(conv(rng, (2, 3)), source=source)
    network = result.qgraph
    unit = network.nodes[0].unit
    assert isinstance(unit, Mac)
    extreme = np.concatenate(
        [np.where(unit.weights.data > 0, 255, 0), np.where(unit.weights.data > 0, 0, 255)]
    )
    values = golden.trace(network, extreme)["conv2d0"]
    kind = network.nodes[0].out.type
    assert kind == IntType.covering(int(values.min()), int(values.max()) + 1)
    certificate = result.certificates[0]
    assert (certificate.lo, certificate.hi) == (values.min(), values.max())


def test_certificates_cover_every_requantization() -> None:
    rng = np.random.default_rng(0)
    result = quantized(conv(rng, (2, 3)), Relu(), conv(rng, (3, 4)), Relu(), Flatten())
    names = [n.name for n in result.qgraph.nodes if isinstance(n.unit, Requantize)]
    assert [c.node for c in result.certificates] == names
    for certificate in result.certificates:
        node = next(n for n in result.qgraph.nodes if n.name == certificate.node)
        source = result.qgraph.tensor(node.sources[0])
        assert source.type.lo <= certificate.lo < certificate.hi <= source.type.hi
        assert certificate.channels == node.out.shape[2]


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("faint", [0.03, 0.003, 1e-4, 1e-9, 0.0])
def test_a_faint_channel_keeps_its_bias(faint: float, pooled: bool) -> None:
    """Folded BatchNorms leave such channels; their M of few bits must not scale their bias.

    With the float scale's bias the error was 187 steps; M = 1 still enlarges the faint weights.
    """
    rng = np.random.default_rng(0)
    layer = conv(rng, (2, 3))
    weights = layer.weights.data.copy()
    weights[1] *= faint
    bias = np.array([0.1, 0.75, -0.2], np.float32)
    layer = replace(layer, weights=Array(weights), bias=Array(bias))
    pool = (MaxPool2d(HALF),) if pooled else ()
    result = quantized(layer, *pool, Relu(), conv(rng, (3, 3), (2, 2)))
    x = frames(np.random.default_rng(1), SOURCE.shape, 32)
    node = result.qgraph.nodes[1 + pooled]
    step = float(node.out.scale.data)
    real = golden.trace(result.qgraph, x)[node.name][..., 1] * step
    expected = result.graph.run(x, trace=True)[result.graph.nodes[1 + pooled].name][..., 1]
    assert np.sqrt(np.square(real - expected).mean()) < 1.5 * step


def test_sums_state_the_scale_that_their_multipliers_give() -> None:
    """Every unit before a requantization says M/2^S times the activation's scale."""
    rng = np.random.default_rng(0)
    network = quantized(
        conv(rng, (2, 3)), MaxPool2d(HALF), Relu(), conv(rng, (3, 4), (2, 2)), Relu(), Flatten()
    ).qgraph
    requant = network.nodes[2]
    assert isinstance(requant.unit, Requantize)
    function = requant.unit.requantization
    expected = function.m.data / 2.0**function.shift * float(requant.out.scale.data)
    for node in network.nodes[:2]:
        assert np.allclose(node.out.scale.data, expected, rtol=1e-15)
    assert network.nodes[0].out.type == network.nodes[1].out.type


def test_average_joins_the_next_requantization_exactly() -> None:
    network = quantized(AvgPool2d(Window((3, 2), (3, 2)))).qgraph
    assert isinstance(network.nodes[0].unit, WindowReduce)
    assert float(network.nodes[0].out.scale.data) == pytest.approx(1 / 255 / 6)


def test_a_bias_beyond_every_accumulator_is_refused() -> None:
    layer = conv(np.random.default_rng(0), (2, 3))
    values = layer.bias.data.copy()
    values[1] = 1e30
    with pytest.raises(
        Exception,
        match=r"^conv2d0: channel 1: bias 1.0000000150474662e\+30 is .* steps of its weights; "
        rf"sums have at most {MAX_SUM_BITS} bits; check the model$",
    ):
        quantized(replace(layer, bias=Array(values)))


def test_a_network_of_zeros_is_refused() -> None:
    rng = np.random.default_rng(0)
    zero = replace(conv(rng, (2, 3)), weights=Array(np.zeros((3, 3, 3, 2), np.float32)))
    with refuses("net: all weights are 0; load a trained checkpoint"):
        quantized(zero, Relu(), replace(zero, weights=Array(np.zeros((3, 3, 3, 3), np.float32))))
    assert quantized(conv(rng, (2, 2), padding=(1, 1)), Relu(), zero).qgraph.nodes


@pytest.mark.filterwarnings("error")
def test_activations_beyond_float32_are_refused() -> None:
    layer = conv(np.random.default_rng(0), (2, 2), (1, 1))
    large = replace(layer, weights=Array(layer.weights.data * np.float32(1e17)))
    with refuses("relu3: activations are not finite; check the model and its input"):
        quantized(large, large, large, Relu(), layer)


def test_logits_beyond_their_width_are_refused() -> None:
    rng = np.random.default_rng(0)
    source = GraphInput((64, 64, 8), bits=16)
    layer = linear(rng, 64 * 64 * 8, 2)
    with pytest.raises(
        Exception, match=r"^linear1_requant: logits reach -\d+ to \d+, a span beyond int32; "
    ):
        quantized(Flatten(), layer, source=source)


def test_sums_beyond_the_widest_accumulator_are_refused() -> None:
    network = quantized(conv(np.random.default_rng(0), (2, 3))).qgraph
    node = network.nodes[0]
    wide = replace(node, out=replace(node.out, type=IntType(MAX_SUM_BITS + 1, True)))
    with refuses(
        f"conv2d0: needs sums of {MAX_SUM_BITS + 1} bits, the limit is {MAX_SUM_BITS}; "
        "use narrower activations or a smaller layer"
    ):
        check(replace(network, nodes=(wide, *network.nodes[1:])))


def test_a_broken_chain_is_refused() -> None:
    network = quantized(conv(np.random.default_rng(0), (2, 3))).qgraph
    with refuses("conv2d0_requant: reads 'conv2d0', which no earlier unit makes; order the nodes"):
        check(replace(network, nodes=network.nodes[1:]))


def test_a_layer_named_like_a_requantization_is_refused() -> None:
    rng = np.random.default_rng(0)
    graph = chain(conv(rng, (2, 3)), conv(rng, (3, 3)), source=SOURCE)
    second = replace(graph.nodes[1], name="conv2d0_requant")
    graph = replace(graph, nodes=(graph.nodes[0], second), outputs=(second.name,))
    with refuses("conv2d0_requant: two units have this name; rename the layer 'conv2d0_requant'"):
        quantize(graph, frames(rng, SOURCE.shape), Config())


def test_the_widest_sums_stay_exact_in_64_bits() -> None:
    assert 2 ** (MAX_SUM_BITS - 1) * (2**17 - 1) < 2**62


def test_overrides_reach_their_layer_only() -> None:
    rng = np.random.default_rng(0)
    config = Config(layers={"conv2d2": LayerConfig(activation_bits=4, m_bits=12, phi=1)})
    network = quantized(
        conv(rng, (2, 3)),
        Relu(),
        conv(rng, (3, 3)),
        Relu(),
        conv(rng, (3, 2), (2, 2)),
        config=config,
    ).qgraph
    requants = [n.unit.requantization for n in network.nodes if isinstance(n.unit, Requantize)]
    assert [(r.out.bits, r.m_bits) for r in requants[:2]] == [(8, 8), (4, 12)]
    macs = [n.unit for n in network.nodes if isinstance(n.unit, Mac)]
    assert [unit.codes.format.phi for unit in macs] == [4, 1, 4]


def test_an_override_of_no_layer_is_refused() -> None:
    config = Config(layers={"conv2d1": LayerConfig()})
    with refuses("layers.conv2d1: no such layer; did you mean 'conv2d0'? known: conv2d0, relu1"):
        quantized(conv(np.random.default_rng(0), (2, 3)), Relu(), config=config)


def test_traffic_counts_every_layer() -> None:
    rng = np.random.default_rng(0)
    network = quantized(conv(rng, (2, 3)), Relu(), Flatten(), linear(rng, 48, 4)).qgraph
    traffic = weight_traffic(network)
    assert traffic.float_bits == 32 * (54 + 192)
    assert traffic.quantized_bits == 3 * (54 + 192) + 32 * (3 + 4)


def test_the_same_input_gives_the_same_network() -> None:
    def build() -> Quantized:
        rng = np.random.default_rng(0)
        return quantized(conv(rng, (2, 3)), Relu(), Flatten(), linear(rng, 48, 4))

    assert build() == build()


def test_lanes_are_the_terms_of_a_product() -> None:
    network = quantized(conv(np.random.default_rng(0), (2, 3), (2, 3))).qgraph
    unit = network.nodes[0].unit
    assert isinstance(unit, Mac)
    assert unit.lanes == 12
