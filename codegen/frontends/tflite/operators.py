"""What each TFLite operator is in ONNX, on the real numbers of its tensors, in NHWC."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.tflite.load import Operator, Tensor
from shiftloom.codegen.frontends.tflite.writer import Writer

_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """An operator of the file in its place: what it reads, and where its nodes go."""

    operator: Operator
    tensors: tuple[Tensor, ...]
    writer: Writer

    @property
    def name(self) -> str:
        """TFLite names tensors only: that of the result."""
        return self.tensors[self.operator.outputs[0]].name

    def has(self, index: int) -> bool:
        """The input is there."""
        inputs = self.operator.inputs
        return index < len(inputs) and inputs[index] >= 0

    def real(self, index: int = 0) -> str:
        """The ONNX name of an input; empty, as in ONNX, if it is left out."""
        return f"t{self.operator.inputs[index]}" if self.has(index) else ""

    def tensor(self, index: int = 0) -> Tensor:
        """An input."""
        if not self.has(index):
            raise self.refuse(f"input {index} is missing", "convert it again")
        return self.tensors[self.operator.inputs[index]]

    def whole(self, index: int) -> tuple[int, ...]:
        """The integers of a constant input."""
        value = self.tensor(index).value
        if value is None or value.dtype.kind != "i":
            raise self.refuse(f"input {index} is no constant list", "convert it again")
        return tuple(int(v) for v in value.ravel())

    def option(self, name: str) -> Any:
        """An option; 0, the default of most, where the operator came without."""
        return self.operator.options.get(name, 0)

    def sizes(self, index: int, rank: int) -> tuple[int, ...]:
        """Dimensions of an input, of which there must be `rank`."""
        dims = self.tensor(index).dims
        if len(dims) != rank or min(dims) < 1:
            raise self.refuse(f"input {index} of shape {list(dims)}", f"use {rank} dimensions")
        return dims

    def refuse(self, problem: str, hint: str) -> ShiftloomError:
        """The refusal of this node, to be raised."""
        return ShiftloomError(self.name[:64], f"{self.operator.kind}: {problem}", hint)

    def made(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append an ONNX node and return its value."""
        return self.writer.node(kind, inputs, self.name, **attributes)

    def moved(self, value: str, order: tuple[int, ...]) -> str:
        """The value with its dimensions in another order."""
        return self.writer.node("Transpose", [value], f"{self.name}_layout", perm=order)


Translation = Callable[[Node], str]
"""Appends a node's ONNX nodes and returns the name of its real result."""


def _activated(node: Node, value: str) -> str:
    """With the activation that TFLite fuses into many operators."""
    fused = node.option("FusedActivationFunction")
    kinds = tflite.ActivationFunctionType
    if fused == kinds.NONE:
        return value
    if fused == kinds.RELU:
        return node.made("Relu", value)
    if fused == kinds.TANH:
        return node.made("Tanh", value)
    limits = {kinds.RELU6: (0, 6), kinds.RELU_N1_TO_1: (-1, 1)}
    if fused not in limits:
        raise node.refuse(f"fused activation {fused}", "use ReLU, ReLU6 or tanh")
    return _clip(node, value, *limits[fused])


def _clip(node: Node, value: str, low: float, high: float) -> str:
    ends = (node.writer.constant(np.asarray(limit, np.float32)) for limit in (low, high))
    return node.made("Clip", value, *ends)


def _window(node: Node) -> dict[str, Any]:
    """Strides and padding as attributes."""
    same = node.option("Padding") == tflite.Padding.SAME
    return {
        "strides": [node.option("StrideH"), node.option("StrideW")],
        "auto_pad": "SAME_UPPER" if same else "VALID",
    }


def _dilations(node: Node) -> list[int]:
    return [node.option("DilationHFactor") or 1, node.option("DilationWFactor") or 1]


def _convolved(node: Node, order: tuple[int, ...], group: int) -> str:
    """A convolution whose weights become [C_out, C_in / groups, KH, KW] by `order`."""
    x, weights = node.moved(node.real(), _TO_NCHW), node.moved(node.real(1), order)
    made = node.made(
        "Conv",
        *(x, weights, *([node.real(2)] if node.has(2) else [])),
        group=group,
        dilations=_dilations(node),
        **_window(node),
    )
    return node.moved(_activated(node, made), _TO_NHWC)


def _conv(node: Node) -> str:
    channels, inputs = node.sizes(0, 4)[3], node.sizes(1, 4)[3]
    if channels % inputs:
        raise node.refuse(f"{inputs} of {channels} channels", "convert it again")
    return _convolved(node, (0, 3, 1, 2), channels // inputs)


def _depthwise(node: Node) -> str:
    node.sizes(1, 4)
    return _convolved(node, (3, 0, 1, 2), node.sizes(0, 4)[3])


def _fully_connected(node: Node) -> str:
    if node.option("WeightsFormat") != 0:
        raise node.refuse("shuffled weights", "convert it for the default kernels")
    inputs, dims = node.sizes(1, 2)[1], node.tensor().dims
    x = node.real()
    if len(dims) != 2:
        rows = math.prod(dims) // inputs
        x = node.made("Reshape", x, node.writer.whole(rows, inputs))
    bias = [node.real(2)] if node.has(2) else []
    return _activated(node, node.made("Gemm", x, node.real(1), *bias, transB=1))


def _pool(kind: str) -> Translation:
    def translate(node: Node) -> str:
        node.sizes(0, 4)
        size = [node.option("FilterHeight"), node.option("FilterWidth")]
        made = node.made(
            kind, node.moved(node.real(), _TO_NCHW), kernel_shape=size, **_window(node)
        )
        return node.moved(_activated(node, made), _TO_NHWC)

    return translate


def _binary(kind: str) -> Translation:
    return lambda node: _activated(node, node.made(kind, node.real(0), node.real(1)))


def _unary(kind: str) -> Translation:
    return lambda node: node.made(kind, node.real())


def _reshape(node: Node) -> str:
    """To the shape of the result, which covers RESHAPE, SQUEEZE and EXPAND_DIMS."""
    dims = node.tensors[node.operator.outputs[0]].dims
    return node.made("Reshape", node.real(), node.writer.whole(*dims))


def _transpose(node: Node) -> str:
    return node.made("Transpose", node.real(), perm=node.whole(1))


def _concat(node: Node) -> str:
    values = [node.real(i) for i in range(len(node.operator.inputs))]
    return _activated(node, node.made("Concat", *values, axis=node.option("Axis")))


def _pad(node: Node) -> str:
    """The border is the real number 0, whatever the zero point."""
    pairs = node.whole(1)
    return node.made("Pad", node.real(), node.writer.whole(*pairs[0::2], *pairs[1::2]))


def _mean(node: Node) -> str:
    axes = node.writer.whole(*node.whole(1))
    return node.made("ReduceMean", node.real(), axes, keepdims=int(node.option("KeepDims")))


def _resize(node: Node) -> str:
    if node.option("AlignCorners") or node.option("HalfPixelCenters"):
        raise node.refuse("aligned corners or half-pixel centers", "use neither")
    dims = node.sizes(0, 4)
    size = node.writer.whole(dims[0], *node.whole(1), dims[3])
    return node.made(
        "Resize",
        *(node.real(), "", "", size),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _leaky_relu(node: Node) -> str:
    return node.made("LeakyRelu", node.real(), alpha=float(node.option("Alpha")))


def _softmax(node: Node) -> str:
    return node.made("Softmax", node.real(), axis=-1)


def _same(node: Node) -> str:
    """QUANTIZE and DEQUANTIZE: the quantizers of their tensors say all."""
    return node.real()


TRANSLATIONS: dict[str, Translation] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool("AveragePool"),
    "MAX_POOL_2D": _pool("MaxPool"),
    "MEAN": _mean,
    "ADD": _binary("Add"),
    "SUB": _binary("Sub"),
    "MUL": _binary("Mul"),
    "CONCATENATION": _concat,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": _transpose,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "RELU": _unary("Relu"),
    "RELU6": lambda node: _clip(node, node.real(), 0, 6),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _unary("Sigmoid"),
    "TANH": _unary("Tanh"),
    "HARD_SWISH": _unary("HardSwish"),
    "SOFTMAX": _softmax,
    "QUANTIZE": _same,
    "DEQUANTIZE": _same,
}
"""By operator. Those that are not here keep their names, for the importer to refuse them by."""

MOVES = frozenset(
    {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "MAX_POOL_2D", "RESIZE_NEAREST_NEIGHBOR"}
)
"""Operators whose result has integers of their input, and so needs no quantizer of its own."""

_NAMES = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
    "BIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "RNN",
    "BIDIRECTIONAL_SEQUENCE_RNN": "RNN",
    "DEPTH_TO_SPACE": "DepthToSpace",
    "SPACE_TO_DEPTH": "SpaceToDepth",
    "GELU": "Gelu",
    "ELU": "Elu",
    "LOCAL_RESPONSE_NORMALIZATION": "LRN",
    "LOG_SOFTMAX": "LogSoftmax",
    "WHILE": "Loop",
    "IF": "If",
}
"""Names in ONNX of what neither front end builds, so that the reason is the same."""


def untranslated(node: Node) -> str:
    """The operator by its name, for the importer to refuse."""
    kind = _NAMES.get(node.operator.kind, node.operator.kind)
    inputs = [node.real(i) for i in range(len(node.operator.inputs))]
    return node.made(kind, *inputs)
