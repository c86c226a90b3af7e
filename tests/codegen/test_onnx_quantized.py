"""Quantized ONNX models: Q/DQ, QLinear, integer layers and QONNX; exact integers and scales."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx_models import QONNX, assert_same_as_runtime, model, node, run
from refusals import refuses

from shiftloom.codegen.config import Config
from shiftloom.codegen.frontends.onnx import import_model
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.ops import Affine, Bipolar, Conv2d, Linear, Quantize
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import Array, IntType

RNG = np.random.default_rng(1)
SAFE = (-64, 65)
"""Signed weights whose pairs ONNX Runtime adds in 16 bits on processors without VNNI."""
SCALE = np.float32(0.0173)
U8, I8 = np.uint8(7), np.int8(-5)


def integers(low: int, high: int, *shape: int, kind: str = "int8") -> npt.NDArray[Any]:
    return RNG.integers(low, high, shape).astype(kind)


def scales(count: int) -> npt.NDArray[np.float32]:
    return (RNG.uniform(0.5, 2, count) / 128).astype(np.float32)


def quantized(name: str, source: str, suffix: str = "x") -> list[Any]:
    """QuantizeLinear and DequantizeLinear of `source`, giving `name`."""
    parameters = f"s{suffix} z{suffix}"
    return [
        node("QuantizeLinear", f"{source} {parameters}", f"{name}_q"),
        node("DequantizeLinear", f"{name}_q {parameters}", name),
    ]


def qdq_conv(zero: Any = U8) -> onnx.ModelProto:
    """A convolution as PyTorch and PPQ export it: weights per channel, an int32 bias."""
    nodes = [
        *quantized("a", "x"),
        node("DequantizeLinear", "w sw zw", "wf", axis=0),
        node("DequantizeLinear", "b sb", "bf", axis=0),
        node("Conv", "a wf bf", "c", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        *quantized("y", "r", "y"),
    ]
    sw = scales(3)
    constants = {
        "sx": SCALE,
        "zx": zero,
        "w": integers(-128, 128, 3, 2, 3, 3),
        "sw": sw,
        "zw": np.zeros(3, np.int8),
        "b": integers(-9000, 9000, 3, kind="int32"),
        "sb": sw * SCALE,
        "sy": np.float32(0.031),
        "zy": np.uint8(0),
    }
    return model(nodes, {"x": [1, 2, 5, 5]}, constants)


def node_of(graph: Graph, kind: type) -> Any:
    return next(n.op for n in graph.nodes if isinstance(n.op, kind))


def test_qdq_keeps_integers_and_scales_exactly() -> None:
    made = qdq_conv()
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in made.graph.initializer}
    imported = assert_same_as_runtime(made, tolerance=1e-6)
    (source,) = imported.graph.inputs
    assert source == GraphInput((5, 5, 2), 8, float(SCALE), 7)
    conv = node_of(imported.graph, Conv2d)
    assert conv.given.values == Array(constants["w"].transpose(0, 2, 3, 1).astype(np.int64))
    assert conv.given.scale == Array(constants["sw"].astype(np.float64))
    assert (conv.given.bits, conv.given.signed) == (8, True)
    bias = zip(conv.bias.data, constants["b"], constants["sb"], strict=True)
    assert all(Fraction(f) == int(b) * Fraction(float(s)) for f, b, s in bias)
    flat = zip(conv.weights.data[1].ravel(), conv.given.values.data[1].ravel(), strict=True)
    assert all(Fraction(w) == int(v) * Fraction(float(constants["sw"][1])) for w, v in flat)


@pytest.mark.parametrize(
    ("zero", "expected"),
    [
        (np.uint8(0), (8, 0, False)),
        (np.int8(3), (8, 3, True)),
        (np.int8(-128), (8, 0, False)),
        (np.uint16(9), (16, 9, False)),
        (np.int16(-32768), (16, 0, False)),
    ],
)
def test_the_inputs_quantizer_names_the_raw_integers(
    zero: Any, expected: tuple[int, int, bool]
) -> None:
    graph = import_model(replace_kind(qdq_conv(zero)), "net").graph
    source = graph.inputs[0]
    assert (source.bits, source.zero, source.signed) == expected
    assert not any(isinstance(n.op, Quantize) and n.sources == ("input",) for n in graph.nodes)


def replace_kind(made: onnx.ModelProto) -> onnx.ModelProto:
    made.opset_import[0].version = 21
    return made


def test_an_input_may_be_stated_instead() -> None:
    stated = GraphInput((5, 5, 2), 8, 1 / 255)
    graph = import_model(qdq_conv(), "net", {"x": stated}).graph
    assert graph.inputs == (replace(stated, name="input"),)
    assert isinstance(graph.nodes[0].op, Quantize)
    with refuses("input: shape (5, 2, 5); the model takes (5, 5, 2)"):
        import_model(qdq_conv(), "net", {"x": GraphInput((5, 2, 5))})
    with refuses("net: has no input 'z'; its inputs: x"):
        import_model(qdq_conv(), "net", {"z": stated})


def test_quantizers_round_half_to_even_and_saturate() -> None:
    nodes = [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "y")]
    made = model(nodes, {"x": [1, 8]}, {"s": np.float32(2), "z": np.int8(1)})
    x = np.array([[1, 3, 5, -1, -3, 1e9, -1e9, 0.5]], dtype=np.float32)
    found = run(import_model(made, "net"), {"x": x})["y"]
    assert found.tolist() == [[0, 4, 4, 0, -4, 252, -258, 0]]


def test_a_quantizer_of_a_constant_is_folded() -> None:
    nodes = [
        node("QuantizeLinear", "w s z", "q", axis=1),
        node("DequantizeLinear", "q s z", "d", axis=1),
        node("MatMul", "x d", "y"),
    ]
    w = RNG.normal(size=(6, 3)).astype(np.float32)
    constants = {"w": w, "s": scales(3) * 3, "z": np.zeros(3, np.int8)}
    imported = assert_same_as_runtime(model(nodes, {"x": [2, 6]}, constants))
    linear = node_of(imported.graph, Linear)
    expected = np.clip(np.rint(w / constants["s"]), -128, 127).astype(np.int64)
    assert linear.given.values == Array(expected.T)


@pytest.mark.parametrize(("kind", "limits"), [("INT4", (-8, 7)), ("UINT4", (0, 15))])
def test_quantizers_of_four_bits(kind: str, limits: tuple[int, int]) -> None:
    nodes = [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "y")]
    made = model(nodes, {"x": [1, 3]}, {"s": np.float32(1)}, opset=21)
    zero = onnx.helper.make_tensor("z", getattr(onnx.TensorProto, kind), [], [2])
    made.graph.initializer.append(zero)
    x = np.array([[-99, 1, 99]], dtype=np.float32)
    found = run(import_model(made, "net"), {"x": x})["y"]
    assert found.tolist() == [[limits[0] - 2, 1, limits[1] - 2]]


@pytest.mark.parametrize("kind", ["int8", "uint8", "int4", "uint4"])
def test_weights_of_any_integer_type_lose_their_zero_point(kind: str) -> None:
    limits = {"int8": (-128, 128), "uint8": (0, 256), "int4": (-8, 8), "uint4": (0, 16)}[kind]
    info = getattr(onnx.TensorProto, kind.upper())
    w = RNG.integers(*limits, (4, 3))
    nodes = [node("DequantizeLinear", "w s z", "d"), node("MatMul", "x d", "y")]
    made = model(nodes, {"x": [1, 4]}, {"s": SCALE}, opset=21)
    zero = limits[0] + 3
    for name, value in (("w", w), ("z", np.array(zero))):
        flat = value.ravel().tolist()
        made.graph.initializer.append(onnx.helper.make_tensor(name, info, value.shape, flat))
    linear = node_of(import_model(made, "net").graph, Linear)
    assert linear.given.values == Array((w - zero).T)
    low, high = limits[0] - zero, limits[1] - 1 - zero
    assert linear.given.bits == IntType.covering(low, high).bits
    assert linear.given.scale == Array(np.array([np.float64(SCALE)]))


INTEGER_CASES: dict[str, Any] = {
    "qlinear_conv": (
        [node("QLinearConv", "x sx zx w sw zw sy zy b", "y", pads=[1, 0, 1, 0])],
        {
            "sx": SCALE,
            "zx": U8,
            "w": integers(*SAFE, 3, 2, 3, 3),
            "sw": scales(3),
            "zw": np.zeros(3, np.int8),
            "sy": np.float32(0.05),
            "zy": np.uint8(120),
            "b": integers(-500, 500, 3, kind="int32"),
        },
    ),
    "qlinear_conv_unsigned_weights": (
        [node("QLinearConv", "x sx zx w sw zw sy zy", "y", group=2)],
        {
            "sx": SCALE,
            "zx": U8,
            "w": integers(0, 256, 4, 1, 3, 3, kind="uint8"),
            "sw": np.float32(0.01),
            "zw": np.uint8(128),
            "sy": np.float32(0.05),
            "zy": np.uint8(120),
        },
    ),
    "conv_integer": (
        [node("ConvInteger", "x w zx zw", "y", pads=[1, 1, 1, 1])],
        {"w": integers(0, 256, 3, 2, 3, 3, kind="uint8"), "zx": U8, "zw": np.uint8(9)},
    ),
    "conv_integer_scaled": (
        [
            node("ConvInteger", "x w zx", "i"),
            node("Cast", "i", "f", to=1),
            node("Mul", "f s", "y"),
        ],
        {
            "w": integers(0, 256, 3, 2, 3, 3, kind="uint8"),
            "zx": U8,
            "s": np.float32(1e-4),
        },
    ),
    "max_pool_of_integers": (
        [
            node("MaxPool", "x", "p", kernel_shape=[2, 2]),
            node("DequantizeLinear", "p sx zx", "y"),
        ],
        {"sx": SCALE, "zx": U8},
    ),
    "requantized": (
        [
            node("DequantizeLinear", "x sx zx", "d"),
            *quantized("y", "d", "y"),
        ],
        {"sx": SCALE, "zx": U8, "sy": np.float32(0.031), "zy": np.int8(11)},
    ),
}


@pytest.mark.parametrize("case", INTEGER_CASES.values(), ids=INTEGER_CASES)
def test_integer_nodes_equal_onnx_runtime(case: Any) -> None:
    nodes, constants = case
    made = model(nodes, {"x": [1, 2, 6, 6]}, constants, kind=onnx.TensorProto.UINT8)
    assert_same_as_runtime(made, tolerance=1e-3)


def test_the_zero_point_of_an_input_of_integers_is_its_first_readers() -> None:
    nodes, constants = INTEGER_CASES["qlinear_conv"]
    made = model(nodes, {"x": [1, 2, 6, 6]}, constants, kind=onnx.TensorProto.UINT8)
    assert import_model(made, "net").graph.inputs[0] == GraphInput((6, 6, 2), 8, float(SCALE), 7)


MATRIX_CASES: dict[str, Any] = {
    "qlinear_matmul": [node("QLinearMatMul", "x sx zx w sw zw sy zy", "y")],
    "matmul_integer": [node("MatMulInteger", "x w zx zw", "y")],
    "q_gemm": [
        node("QGemm", "x sx zx wt sw zw b sy zy", "y", "com.microsoft", transB=1),
    ],
}


@pytest.mark.parametrize("nodes", MATRIX_CASES.values(), ids=MATRIX_CASES)
def test_integer_matrices_equal_onnx_runtime(nodes: Any) -> None:
    w = integers(0, 256, 6, 3, kind="uint8")
    used = {name for n in nodes for name in n.input}
    constants = {
        "sx": SCALE,
        "zx": U8,
        "w": w,
        "wt": np.ascontiguousarray(w.T),
        "sw": np.float32(0.011),
        "zw": np.uint8(100),
        "b": integers(-500, 500, 3, kind="int32"),
        "sy": np.float32(0.02),
        "zy": np.uint8(128),
    }
    known = {name: value for name, value in constants.items() if name in used}
    made = model(nodes, {"x": [2, 6]}, known, kind=onnx.TensorProto.UINT8)
    assert_same_as_runtime(made, tolerance=1e-3)


MICROSOFT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "QLinearAdd": ("x sx zx x sx zx sy zy", "y", {}),
    "QLinearGlobalAveragePool": ("x sx zx sy zy", "y", {"channels_last": 0}),
    "QLinearAveragePool": ("x sx zx sy zy", "y", {"kernel_shape": [2, 3]}),
    "QLinearSigmoid": ("x sx zx sy zy", "y", {}),
    "QLinearLeakyRelu": ("x sx zx sy zy", "y", {"alpha": 0.1}),
    "QLinearConcat": ("sy zy x sx zx x sx zx", "y", {"axis": 1}),
}


@pytest.mark.parametrize("kind", MICROSOFT)
def test_quantized_functions_equal_onnx_runtime(kind: str) -> None:
    inputs, output, attributes = MICROSOFT[kind]
    constants = {"sx": SCALE, "zx": U8, "sy": np.float32(0.02), "zy": np.uint8(50)}
    nodes = [node(kind, inputs, output, "com.microsoft", **attributes)]
    made = model(nodes, {"x": [1, 3, 4, 6]}, constants, kind=onnx.TensorProto.UINT8)
    # ONNX Runtime sums in float32: a tie may fall to the other side
    assert_same_as_runtime(made, tolerance=1)


def quant_model(inputs: str, constants: dict[str, Any], **attributes: Any) -> onnx.ModelProto:
    quant = node("Quant", inputs, "q", QONNX, **attributes)
    made = model([quant, node("Relu", "q", "y")], {"x": [1, 9]}, constants)
    return made


@pytest.mark.parametrize(
    ("signed", "narrow", "bits", "limits"),
    [(1, 0, 3, (-4, 3)), (1, 1, 3, (-3, 3)), (0, 0, 2, (0, 3)), (0, 1, 2, (0, 2))],
)
def test_quant_of_qonnx(signed: int, narrow: int, bits: int, limits: tuple[int, int]) -> None:
    constants = {"s": [0.5], "z": [0.0], "b": [float(bits)]}
    made = quant_model("x s z b", constants, signed=signed, narrow=narrow)
    del made.graph.node[1]
    made.graph.output[0].name = "q"
    x = np.linspace(-3, 3, 9, dtype=np.float32)[None]
    found = run(import_model(made, "net"), {"x": x})["q"]
    assert np.array_equal(found, np.clip(np.rint(x / 0.5), *limits) * 0.5)


def test_quantized_weights_of_qonnx_pass_through_a_transpose() -> None:
    nodes = [
        node("Quant", "w s z b", "q", QONNX, signed=1, narrow=1),
        node("Transpose", "q", "t", perm=[1, 0]),
        node("MatMul", "x t", "y"),
    ]
    w = RNG.normal(size=(3, 6)).astype(np.float32)
    scale = np.abs(RNG.normal(size=(3, 1))).astype(np.float32) + np.float32(0.1)
    constants = {"w": w, "s": scale, "z": np.float32(0), "b": np.float32(4)}
    linear = node_of(import_model(model(nodes, {"x": [1, 6]}, constants), "net").graph, Linear)
    expected = np.clip(np.rint(w / scale), -7, 7).astype(np.int64)
    assert linear.given.values == Array(expected)
    assert linear.given.scale == Array(scale[:, 0].astype(np.float64))
    assert np.array_equal(linear.weights.data, expected * scale.astype(np.float64))


def test_bipolar_quantizers_give_the_sign() -> None:
    nodes = [
        node("BipolarQuant", "x s", "a", QONNX),
        node("BipolarQuant", "w s", "q", QONNX),
        node("MatMul", "a q", "y"),
    ]
    w = RNG.normal(size=(4, 3)).astype(np.float32)
    made = model(nodes, {"x": [1, 4]}, {"w": w, "s": np.float32(0.25)})
    imported = import_model(made, "net")
    assert isinstance(imported.graph.nodes[0].op, Bipolar)
    linear = node_of(imported.graph, Linear)
    assert linear.given.values == Array(np.where(w.T >= 0, 1, -1))
    assert linear.given.bits == 2
    x = np.array([[0.0, -0.0, -1, 2]], dtype=np.float32)
    signs = np.array([[0.25, 0.25, -0.25, 0.25]])
    assert np.array_equal(run(imported, {"x": x})["y"], signs @ (np.where(w >= 0, 0.25, -0.25)))


def test_a_signed_quantizer_of_one_bit_is_bipolar() -> None:
    constants = {"s": [0.5], "z": [0.0], "b": [1.0]}
    graph = import_model(quant_model("x s z b", constants, signed=1), "net").graph
    assert graph.nodes[0].op == Bipolar(0.5)


@pytest.mark.parametrize(
    ("inputs", "attributes", "factor"),
    [("x s z i o", {}, 1), ("x s z t o", {"signed": 1, "narrow": 0}, 8)],
)
def test_trunc_drops_the_low_bits(inputs: str, attributes: dict[str, int], factor: int) -> None:
    constants = {
        "s": np.float32(0.5),
        "z": np.float32(0),
        "i": np.float32(8),
        "o": np.float32(5),
        "t": np.float32(4),
    }
    known = {name: value for name, value in constants.items() if name in inputs.split()}
    trunc = node("Trunc", inputs, "y", QONNX, rounding_mode="FLOOR", **attributes)
    n = np.arange(-128, 128, dtype=np.float32)[None]
    found = run(import_model(model([trunc], {"x": [1, 256]}, known), "net"), {"x": n / 2})["y"]
    assert np.array_equal(found, np.floor(n / 8) * 0.5 * factor)


def test_a_network_that_leaves_nothing_to_compute_is_refused() -> None:
    nodes = [node("DequantizeLinear", "x s z", "y")]
    made = model(nodes, {"x": [1, 4]}, {"s": SCALE, "z": U8}, kind=onnx.TensorProto.UINT8)
    with refuses("net: its layers leave nothing to compute; give at least one with arithmetic"):
        quantize(import_model(made, "net").graph, None, Config())


def test_affines_behind_given_weights_stay() -> None:
    nodes = [
        node("DequantizeLinear", "w s z", "d"),
        node("MatMul", "x d", "m"),
        node("Mul", "m c", "y"),
    ]
    constants = {"w": integers(-8, 8, 4, 3), "s": SCALE, "z": np.int8(0), "c": scales(3)}
    graph = import_model(model(nodes, {"x": [1, 4]}, constants), "net").graph
    assert [type(n.op) for n in graph.nodes] == [Linear, Affine]
    assert fold_affines(graph) == graph
