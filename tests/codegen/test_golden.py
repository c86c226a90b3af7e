"""The golden model against loops in Python integers and against torch's fake quantization."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import chain, conv, frames, linear, on_grid
from refusals import refuses
from torch.nn import functional
from unit_graphs import naive_mac, single

from shiftloom.codegen import golden
from shiftloom.codegen.config import CalibrationConfig, Config, LayerConfig
from shiftloom.codegen.graph import GraphInput
from shiftloom.codegen.ops import AvgPool2d, Flatten, MaxPool2d, Relu
from shiftloom.codegen.qgraph import Mac, QGraph, QTensor, Requantize, WindowReduce
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.codegen.windows import Pair, Window

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    zero=st.integers(0, 255),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    stride=pairs,
    seed=st.integers(0, 99),
)
def test_a_zero_point_is_folded_exactly(zero: int, padding: Pair, stride: Pair, seed: int) -> None:
    """The sums are Σ β·(q − zero) + bias, where a padded tap is a real 0."""
    rng = np.random.default_rng(seed)
    source = GraphInput((5, 6, 2), scale=0.5, zero=zero)
    graph = chain(conv(rng, (2, 3), (3, 3), stride, padding), source=source)
    x = frames(rng, source.shape)
    network = quantize(graph, x, Config()).qgraph
    plain = chain(graph.nodes[0].op, source=replace(source, zero=0))
    reference = quantize(plain, x, Config()).qgraph.nodes[0].unit
    assert isinstance(reference, Mac)
    assert reference.pad_value == 0
    expected = naive_mac(x - zero, reference, network.nodes[0].out.shape)
    assert np.array_equal(golden.trace(network, x)["conv2d0"], expected)


def test_a_zero_point_passes_a_maximum() -> None:
    rng = np.random.default_rng(0)
    source = GraphInput((5, 6, 2), scale=0.5, zero=77)
    pool = MaxPool2d(Window((2, 2), (2, 2), (1, 1)))
    layer = conv(rng, (2, 3), padding=(1, 1))
    x = frames(rng, source.shape)
    config = Config(defaults=LayerConfig(m_bits=16))
    network = quantize(chain(pool, layer, source=source), x, config).qgraph
    unit = network.nodes[1].unit
    assert isinstance(unit, Mac)
    assert unit.pad_value == 77
    got = golden.run(network, x) * output_tensor(network).scale.data
    exact = chain(pool, layer, source=source).run(x)["conv2d1"].reshape(got.shape)
    assert np.abs(got - exact).max() < 0.1


def test_one_layer_is_exact_but_for_its_bias() -> None:
    """Weights on the grid and one α: logits differ from the real value by the bias' rounding."""
    rng = np.random.default_rng(0)
    source = GraphInput((1, 1, 20), scale=1 / 16)
    layer = linear(rng, 20, 6)
    layer = replace(
        layer, weights=Array(layer.weights.data / np.abs(layer.weights.data).max(1, keepdims=True))
    )
    x = frames(rng, source.shape)
    network = quantize(chain(layer, source=source), x, Config()).qgraph
    step = float(output_tensor(network).scale.data)
    error = golden.run(network, x) * step - layer.run((x / 16).astype(np.float32))[:, 0, 0]
    assert np.abs(error).max() <= step * 0.5001


@pytest.mark.parametrize("seed", range(6))
def test_golden_stays_within_quantization_error_of_float(seed: int) -> None:
    """Hidden values are off by half a step and their bias' rounding, outputs by Σ|w| times as much.

    Weights lie on the grid, M has 17 bits and ranges are maxima, so nothing else adds an error
    beyond the margin of 1 %.
    """
    rng = np.random.default_rng(seed)
    source = GraphInput((6, 6, 2), scale=1 / 255)
    graph = chain(
        conv(rng, (2, 4), padding=(1, 1)),
        Relu(),
        MaxPool2d(Window((2, 2), (2, 2))),
        Flatten(),
        linear(rng, 36, 5),
        source=source,
    )
    x = frames(rng, source.shape, 32)
    config = Config(
        calibration=CalibrationConfig("max"), defaults=LayerConfig(m_bits=17, activation_bits=8)
    )
    network = quantize(graph, x, config).qgraph
    hidden = next(n for n in network.nodes if isinstance(n.unit, Requantize))
    first = float(network.nodes[0].out.scale.data.max())
    error = 0.5 * float(hidden.out.scale.data) + 0.5 * first
    output = graph.run(x)["linear4"].reshape(len(x), -1)
    weights = np.abs(graph.nodes[-1].op.weights.data).sum(axis=1)  # type: ignore[attr-defined]
    steps = float(output_tensor(network).scale.data)
    bound = 1.01 * (weights * error) + 0.01 * np.abs(output).max() + steps
    assert (np.abs(golden.run(network, x) * steps - output) <= bound).all()


def output_tensor(network: QGraph) -> QTensor:
    return network.tensor(network.outputs[0])


def fake_quantized(network: QGraph, x: IntArray) -> IntArray:
    """The same network in torch, NCHW and float64, with fake quantization between its layers."""
    value = torch.from_numpy(x).permute(0, 3, 1, 2).double()
    for node in network.nodes:
        unit = node.unit
        if isinstance(unit, Mac):
            value = torch_mac(unit, value)
        elif isinstance(unit, WindowReduce):
            window = (unit.window.kernel, unit.window.stride)
            taps = unit.window.kernel[0] * unit.window.kernel[1]
            value = (
                functional.max_pool2d(value, *window, unit.window.padding)
                if unit.kind == "max"
                else functional.avg_pool2d(value, *window, unit.window.padding) * taps
            )
        else:
            assert isinstance(unit, Requantize)
            function = unit.requantization
            m = torch.tensor(function.m.data).double().reshape(1, -1, 1, 1)
            value = torch.round(value * m / 2.0**function.shift) + function.zero
            value = value.clamp(function.lo, function.hi)
    return value.permute(0, 2, 3, 1).reshape(len(x), -1).round().long().numpy()


def torch_mac(unit: Mac, value: torch.Tensor) -> torch.Tensor:
    """A convolution on padded input; a flattened map's weights are put back in NCHW order."""
    weights, bias = torch.tensor(unit.weights.data).double(), torch.tensor(unit.bias.data)
    if unit.window.kernel == (1, 1) and weights.shape[3] != value.shape[1]:
        _, channels, height, width = value.shape
        weights = weights.reshape(-1, height, width, channels)
    (ph, pw) = unit.window.padding
    padded = functional.pad(value, (pw, pw, ph, ph), value=unit.pad_value)
    return functional.conv2d(
        padded, weights.permute(0, 3, 1, 2), bias.double(), stride=unit.window.stride
    )


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    zero=st.sampled_from([0, 128]),
    bits=st.sampled_from([2, 4, 8]),
    average=st.booleans(),
    rectified=st.booleans(),
)
def test_golden_equals_fake_quantization_in_torch(
    seed: int, zero: int, bits: int, average: bool, rectified: bool
) -> None:
    rng = np.random.default_rng(seed)
    source = GraphInput((9, 8, 2), scale=1 / 64, zero=zero)
    window = Window((2, 2), (2, 2))
    graph = chain(
        conv(rng, (2, 4), (3, 3), (1, 1), (1, 1)),
        *((Relu(),) if rectified else ()),
        AvgPool2d(window) if average else MaxPool2d(window),
        conv(rng, (4, 3), (2, 2), (2, 1)),
        Relu(),
        Flatten(),
        linear(rng, 2 * 3 * 3, 7),
        Relu(),
        linear(rng, 7, 4),
        source=source,
    )
    x = frames(rng, source.shape)
    network = quantize(graph, x, Config(defaults=LayerConfig(activation_bits=bits))).qgraph
    assert np.array_equal(golden.run(network, x), fake_quantized(network, x))


def small() -> QGraph:
    rng = np.random.default_rng(0)
    source = GraphInput((4, 4, 1), bits=4)
    graph = chain(conv(rng, (1, 2)), Relu(), Flatten(), linear(rng, 8, 3), source=source)
    return quantize(graph, frames(rng, source.shape, bits=4), Config()).qgraph


def test_blocks_report_progress_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = small(), frames(np.random.default_rng(1), (4, 4, 1), 10, bits=4)
    whole = golden.run(network, x)
    monkeypatch.setattr(golden, "BLOCK", 4)
    sizes: list[int] = []
    assert np.array_equal(golden.run(network, x, sizes.append), whole)
    assert sizes == [4, 4, 2]
    assert golden.run(network, x[:0]).size == 0


def test_trace_holds_every_node() -> None:
    network = small()
    x = frames(np.random.default_rng(1), (4, 4, 1), 3, bits=4)
    values = golden.trace(network, x)
    assert list(values) == ["input", *(node.name for node in network.nodes)]
    assert np.array_equal(values["input"], x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 4, 1), dtype=int), "array of shape (4, 4, 1); give [N, (4, 4, 1)] integers"),
        (
            np.zeros((2, 1, 4, 4), dtype=int),
            "array of shape (2, 1, 4, 4); give [N, (4, 4, 1)] integers",
        ),
        (np.zeros((1, 4, 4, 1)), "array of float64; give the sensor's integers"),
        (np.full((1, 4, 4, 1), 16), "values 16 to 16; uint4 holds 0 to 15"),
        (np.full((1, 4, 4, 1), -1), "values -1 to -1; uint4 holds 0 to 15"),
    ],
)
def test_inputs_that_the_sensor_cannot_give_are_refused(x: IntArray, message: str) -> None:
    with refuses(f"input: {message}"):
        golden.run(small(), x)
    with refuses(f"input: {message}"):
        golden.trace(small(), x)


def test_requantize_is_the_function_of_the_hardware() -> None:
    function = Requantization(Array([3, 5]), 2, 8, IntType(8, True), -10, 10)
    graph = single(Requantize(function), (1, 1, 2), IntType(8, True), (1, 1, 2))
    assert golden.run(graph, np.array([[[[2, -3]]]])).tolist() == [[2, -4]]


def test_weights_on_the_grid_are_quantized_without_error() -> None:
    weights = on_grid(np.random.default_rng(0), (5, 2, 2, 3))
    assert (np.abs(weights).max(axis=(1, 2, 3)) >= 0.25).all()
