"""The ONNX front end, node by node, against ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import assert_same_as_runtime, model, node

from shiftloom.codegen.errors import ShiftloomError

RNG = np.random.default_rng(0)
MAP = {"x": ["batch", 4, 7, 6]}
ROW = {"x": ["batch", 4, 12]}


def weights(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


CASES: dict[str, Any] = {
    "conv": ([node("Conv", "x w b", "y")], MAP, {"w": weights(5, 4, 3, 2), "b": weights(5)}),
    "conv_strided": (
        [node("Conv", "x w", "y", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2])],
        MAP,
        {"w": weights(5, 4, 3, 2)},
    ),
    "conv_grouped": ([node("Conv", "x w", "y", group=2)], MAP, {"w": weights(6, 2, 3, 3)}),
    "conv_depthwise": ([node("Conv", "x w", "y", group=4)], MAP, {"w": weights(8, 1, 3, 3)}),
    "conv_same_upper": (
        [node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
        MAP,
        {"w": weights(3, 4, 4, 3)},
    ),
    "conv_same_lower": (
        [node("Conv", "x w", "y", auto_pad="SAME_LOWER", strides=[2, 3])],
        MAP,
        {"w": weights(3, 4, 4, 3)},
    ),
    "conv_valid": ([node("Conv", "x w", "y", auto_pad="VALID")], MAP, {"w": weights(3, 4, 4, 3)}),
    "conv_row": (
        [node("Conv", "x w b", "y", strides=[2], pads=[2, 1], dilations=[2])],
        ROW,
        {"w": weights(3, 4, 3), "b": weights(3)},
    ),
    "conv_transpose": (
        [node("ConvTranspose", "x w b", "y", strides=[2, 3], pads=[1, 0, 1, 1])],
        MAP,
        {"w": weights(4, 3, 3, 3), "b": weights(3)},
    ),
    "conv_transpose_grouped": (
        [node("ConvTranspose", "x w", "y", strides=[2, 1], group=2, output_padding=[1, 0])],
        MAP,
        {"w": weights(4, 3, 3, 2)},
    ),
    "conv_transpose_row": (
        [node("ConvTranspose", "x w", "y", strides=[2])],
        ROW,
        {"w": weights(4, 2, 3)},
    ),
    "max_pool": ([node("MaxPool", "x", "y", kernel_shape=[3, 2], strides=[2, 2])], MAP),
    "max_pool_padded": (
        [node("MaxPool", "x", "y", kernel_shape=[3, 3], pads=[1, 0, 1, 2], dilations=[1, 2])],
        MAP,
    ),
    "max_pool_ceil": (
        [node("MaxPool", "x", "y", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1)],
        MAP,
    ),
    "max_pool_row": ([node("MaxPool", "x", "y", kernel_shape=[3], strides=[2])], ROW),
    "average_pool": ([node("AveragePool", "x", "y", kernel_shape=[2, 3])], MAP),
    "average_pool_counted": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)],
        MAP,
    ),
    "average_pool_not_counted": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 0, 2, 1], strides=[2, 1])],
        MAP,
    ),
    "global_average": ([node("GlobalAveragePool", "x", "y")], MAP),
    "global_max": ([node("GlobalMaxPool", "x", "y")], MAP),
    "reduce_mean": ([node("ReduceMean", "x", "y", axes=[2, 3])], MAP),
    "reduce_mean_vector": ([node("ReduceMean", "x", "y", axes=[-1, -2], keepdims=0)], MAP),
    "reduce_max_row": ([node("ReduceMax", "x", "y", axes=[2], keepdims=0)], ROW),
    "relu": ([node("Relu", "x", "y")], MAP),
    "leaky": ([node("LeakyRelu", "x", "y", alpha=0.2)], MAP),
    "prelu": ([node("PRelu", "x s", "y")], MAP, {"s": weights(4, 1, 1)}),
    "prelu_one": ([node("PRelu", "x s", "y")], MAP, {"s": weights(1)}),
    "hard_sigmoid": ([node("HardSigmoid", "x", "y", alpha=0.3)], MAP),
    "hard_swish": ([node("HardSwish", "x", "y")], MAP, {}, 14),
    "hard_swish_of_parts": (
        [node("HardSigmoid", "x", "g", alpha=1 / 6), node("Mul", "g x", "y")],
        MAP,
    ),
    "hard_swish_of_a_clip": (
        [
            node("Add", "x three", "a"),
            node("Clip", "a zero six", "b"),
            node("Mul", "x b", "c"),
            node("Div", "c six", "y"),
        ],
        MAP,
        {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)},
    ),
    "silu": ([node("Sigmoid", "x", "g"), node("Mul", "x g", "y")], MAP),
    "square": ([node("Relu", "x", "r"), node("Mul", "r r", "y")], MAP),
    "sigmoid": ([node("Sigmoid", "x", "y")], MAP),
    "tanh": ([node("Tanh", "x", "y")], MAP),
    "clip": ([node("Clip", "x lo hi", "y")], MAP, {"lo": np.float32(-0.5), "hi": np.float32(1)}),
    "clip_upper": ([node("Clip", "x - hi", "y")], MAP, {"hi": np.float32(0.5)}),
    "clip_old": ([node("Clip", "x", "y", min=0.0, max=6.0)], MAP, {}, 9),
    "max_constant": ([node("Max", "x c", "y")], MAP, {"c": np.float32(0.25)}),
    "min_constant": ([node("Min", "c x", "y")], MAP, {"c": np.float32(0.25)}),
    "softmax": ([node("Softmax", "x", "y", axis=1)], MAP),
    "softmax_old": ([node("Softmax", "x", "y")], {"x": [3, 10]}, {}, 9),
    "identity": ([node("Identity", "x", "i"), node("Relu", "i", "y")], MAP),
    "dropout": ([node("Dropout", "x", "d"), node("Relu", "d", "y")], MAP),
    "neg": ([node("Neg", "x", "y")], MAP),
    "add": ([node("Relu", "x", "a"), node("Add", "a x", "y")], MAP),
    "add_itself": ([node("Add", "x x", "y")], MAP),
    "sub": ([node("Relu", "x", "a"), node("Sub", "x a", "y")], MAP),
    "sum": ([node("Relu", "x", "a"), node("Sum", "a x a", "y")], MAP),
    "add_channels": ([node("Add", "x c", "y")], MAP, {"c": weights(1, 4, 1, 1)}),
    "sub_from": ([node("Sub", "c x", "y")], MAP, {"c": weights(4, 1, 1)}),
    "mul_channels": ([node("Mul", "c x", "y")], MAP, {"c": weights(4, 1, 1)}),
    "div": ([node("Div", "x c", "y")], MAP, {"c": weights(1)}),
    "batch_norm": (
        [node("BatchNormalization", "x g b m v", "y")],
        MAP,
        {"g": weights(4), "b": weights(4), "m": weights(4), "v": np.abs(weights(4)) + 0.1},
    ),
    "batch_norm_row": (
        [node("BatchNormalization", "x g b m v", "y", epsilon=0.1)],
        ROW,
        {"g": weights(4), "b": weights(4), "m": weights(4), "v": np.abs(weights(4)) + 0.1},
    ),
    "matmul": ([node("MatMul", "x w", "y")], {"x": [5, 12]}, {"w": weights(12, 3)}),
    "matmul_pixels": (
        [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("MatMul", "t w", "y")],
        MAP,
        {"w": weights(4, 3)},
    ),
    "matmul_rows": ([node("MatMul", "x w", "y")], {"x": [1, 7, 4]}, {"w": weights(4, 3)}),
    "gemm": (
        [node("Gemm", "x w b", "y", transB=1, alpha=0.5, beta=2.0)],
        {"x": [5, 12]},
        {"w": weights(3, 12), "b": weights(3)},
    ),
    "gemm_flattened": (
        [node("Flatten", "x", "f"), node("Gemm", "f w", "y", transB=1)],
        MAP,
        {"w": weights(3, 168)},
    ),
    "concat": ([node("Relu", "x", "a"), node("Concat", "a x a", "y", axis=1)], MAP),
    "concat_last": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("Relu", "t", "a"),
            node("Neg", "t", "b"),
            node("Concat", "a b", "y", axis=-1),
        ],
        MAP,
    ),
    "pad": (
        [node("Pad", "x p v", "y")],
        MAP,
        {"p": ints(0, 0, 1, 2, 0, 0, 3, 0), "v": np.float32(0.5)},
    ),
    "pad_and_crop": ([node("Pad", "x p", "y")], MAP, {"p": ints(0, 0, -1, 2, 0, 0, 1, -2)}),
    "pad_old": ([node("Pad", "x", "y", pads=[0, 0, 1, 1, 0, 0, 0, 1], value=1.5)], MAP, {}, 9),
    "resize": ([node("Resize", "x - s", "y")], MAP, {"s": [1, 1, 2, 3]}),
    "resize_floor": (
        [
            node(
                *("Resize", "x - s", "y"),
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ],
        MAP,
        {"s": [1, 1, 3, 2]},
    ),
    "resize_sizes": ([node("Resize", "x - - s", "y")], MAP, {"s": ints(1, 4, 14, 6)}),
    "upsample": ([node("Upsample", "x s", "y")], MAP, {"s": [1, 1, 2, 2]}, 9),
    "split": (
        [node("Split", "x s", "a b", axis=1), node("Relu", "b", "y")],
        MAP,
        {"s": ints(1, 3)},
    ),
    "slice_channels": (
        [node("Slice", "x s e a t", "c"), node("Relu", "c", "y")],
        MAP,
        {"s": ints(3), "e": ints(-(1 << 40)), "a": ints(1), "t": ints(-2)},
    ),
    "slice_pixels": (
        [node("Slice", "x s e a", "c"), node("Relu", "c", "y")],
        MAP,
        {"s": ints(1, -4), "e": ints(6, 100), "a": ints(2, 3)},
    ),
    "slice_steps": (
        [node("Slice", "x s e a t", "c"), node("Conv", "c w", "y")],
        MAP,
        {"s": ints(1), "e": ints(7), "a": ints(2), "t": ints(2), "w": weights(2, 4, 2, 2)},
    ),
    "gather": (
        [node("Gather", "x i", "g", axis=1), node("Conv", "g w", "y")],
        MAP,
        {"i": ints(2, 0, -1), "w": weights(2, 3, 1, 1)},
    ),
    "shuffle": (
        [
            node("Reshape", "x s", "a"),
            node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
            node("Reshape", "b t", "c"),
            node("Conv", "c w", "y", group=2),
        ],
        MAP,
        {"s": ints(0, 2, 2, 7, 6), "t": ints(0, -1, 7, 6), "w": weights(4, 2, 1, 1)},
    ),
    "arg_max": (
        [node("Relu", "x", "a"), node("ArgMax", "a", "y", axis=1, keepdims=0)],
        MAP,
    ),
    "squeezed": (
        [
            node("GlobalAveragePool", "x", "p"),
            node("Squeeze", "p a", "s"),
            node("Unsqueeze", "s a", "u"),
            node("Squeeze", "u a", "v"),
            node("MatMul", "v w", "y"),
        ],
        MAP,
        {"a": ints(2, 3), "w": weights(4, 3)},
    ),
    "cast_reals": ([node("Cast", "x", "c", to=1), node("Relu", "c", "y")], MAP),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nodes_equal_onnx_runtime(case: Any) -> None:
    nodes, inputs, constants, opset = (*case, *({}, 13)[len(case) - 2 :])
    assert_same_as_runtime(model(nodes, inputs, constants, opset=opset))


@contextmanager
def only_windows_refused() -> Iterator[None]:
    """A window that does not fit may be refused, and nothing else."""
    try:
        yield
    except ShiftloomError as error:
        if not re.search("padding|kernel", error.problem):
            raise


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    size=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    groups=st.integers(1, 3),
    kernel=pairs,
    strides=pairs,
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
def test_convolutions_equal_onnx_runtime(
    size: tuple[int, int],
    groups: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    pads: list[int],
) -> None:
    shape = (2 * groups, 2, *kernel)
    conv = node(
        *("Conv", "x w", "y"), group=groups, strides=strides, dilations=dilations, pads=pads
    )
    made = model([conv], {"x": [1, 2 * groups, *size]}, {"w": weights(*shape)})
    with only_windows_refused():
        assert_same_as_runtime(made)


@given(
    size=st.integers(3, 9),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    pads=st.lists(st.integers(0, 1), min_size=2, max_size=2),
    ceil=st.booleans(),
    kind=st.sampled_from(["MaxPool", "AveragePool"]),
)
def test_pools_equal_onnx_runtime(
    size: int, kernel: int, stride: int, pads: list[int], ceil: bool, kind: str
) -> None:
    attributes = {"kernel_shape": [kernel], "strides": [stride], "ceil_mode": int(ceil)}
    pool = node(kind, "x", "y", pads=pads, **attributes)
    with only_windows_refused():
        assert_same_as_runtime(model([pool], {"x": [1, 2, size]}, opset=19))
