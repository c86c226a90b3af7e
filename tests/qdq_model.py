"""A small quantized ONNX model that meets what int8 exporters write, with random weights.

Zero points of every kind, scales per channel, a residual sum, a concatenation, a depthwise
convolution, a mean and a fully connected layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

SHAPE = (10, 9, 3)
"""(H, W, C) of the input; its integers are uint8."""


class _Model:
    """Nodes and constants that grow layer by layer; methods return the name of what they made."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.steps: dict[str, float] = {}

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(self, kind: str, name: str, *sources: str, **attributes: Any) -> str:
        """A node named after its output."""
        self.nodes.append(helper.make_node(kind, sources, [name], name, **attributes))
        return name

    def quantize(self, name: str, x: str, step: float, zero: int, kind: Any = np.int8) -> str:
        """QuantizeLinear and DequantizeLinear by one step."""
        ends = (
            self.constant(f"{name}_scale", np.float32(step)),
            self.constant(f"{name}_zero", kind(zero)),
        )
        self.steps[name] = float(np.float32(step))
        return self.op(
            "DequantizeLinear", name, self.op("QuantizeLinear", f"{name}_q", x, *ends), *ends
        )

    def layer(
        self, name: str, x: str, shape: tuple[int, ...], **attributes: Any
    ) -> tuple[str, float]:
        """A Conv of weights with a scale for every channel, and how far its sums spread."""
        kind = "Conv" if len(shape) == 4 else "Gemm"
        weights = self.rng.integers(-127, 128, shape).astype(np.int8)
        scales = (self.rng.uniform(0.5, 2, shape[0]) / 128).astype(np.float32)
        bias = self.rng.integers(-2000, 2000, shape[0]).astype(np.int32)
        ends = (
            self.constant(f"{name}_ws", scales),
            self.constant(f"{name}_wz", np.zeros(shape[0], np.int8)),
        )
        w = self.op(
            "DequantizeLinear", f"{name}_w", self.constant(f"{name}_wq", weights), *ends, axis=0
        )
        steps = self.constant(f"{name}_bs", scales * np.float32(self.steps[x]))
        b = self.op(
            "DequantizeLinear", f"{name}_b", self.constant(f"{name}_bq", bias), steps, axis=0
        )
        spread = 73 * 74 / 128 * self.steps[x] * float(np.sqrt(np.prod(shape[1:])))
        return self.op(kind, f"{name}_sums", x, w, b, **attributes), spread

    def proto(self, output: str, count: int) -> onnx.ModelProto:
        height, width, channels = SHAPE
        kind = onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "quantized",
            [helper.make_tensor_value_info("image", kind, [1, height, width, channels])],
            [helper.make_tensor_value_info(output, kind, [1, count])],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def quantized_model(seed: int = 0) -> onnx.ModelProto:
    """The model."""
    m = _Model(seed)
    maps = m.op("Transpose", "maps", "image", perm=[0, 3, 1, 2])
    x = m.quantize("x", maps, 0.0173, 119, np.uint8)
    sums, spread = m.layer("a", x, (6, 3, 3, 3), pads=[1, 1, 1, 1])
    a = m.quantize("a", m.op("Relu", "a_relu", sums), spread / 60, -128)
    sums, spread = m.layer("b", a, (6, 1, 3, 3), pads=[1, 1, 1, 1], group=6)
    b = m.quantize("b", sums, spread / 40, 11)
    sums, spread = m.layer("c", b, (6, 6, 1, 1))
    c = m.quantize("c", sums, spread / 40, -20)
    total = m.op("Relu", "d_relu", m.op("Add", "d_sum", a, c))
    d = m.quantize("d", total, m.steps["c"] * 0.7, 37, np.uint8)
    sums, spread = m.layer("e", d, (4, 6, 2, 3), strides=[2, 1], pads=[0, 1, 1, 0])
    e = m.quantize("e", sums, spread / 40, 5)
    strided = m.op("MaxPool", "d_max", d, kernel_shape=[2, 2], strides=[2, 1], pads=[0, 0, 0, 0])
    f = m.quantize("f", m.op("Concat", "f_joined", strided, e, axis=1), m.steps["e"] * 1.1, -3)
    mean = m.op("AveragePool", "g_mean", f, kernel_shape=[2, 2], strides=[2, 2])
    g = m.quantize("g", mean, m.steps["f"] / 2, 9)
    flat = m.op("Flatten", "g_flat", g)
    m.steps[flat] = m.steps[g]
    sums, spread = m.layer("h", flat, (5, 10 * 2 * 4), transB=1)
    return m.proto(m.quantize("h", sums, spread / 40, -7), 5)


def frames(count: int, seed: int = 1) -> npt.NDArray[np.uint8]:
    """Random input integers, the first frame all 0, the second all 255."""
    x = np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    x[0], x[1] = 0, 255
    return x
