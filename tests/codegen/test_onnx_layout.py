"""The ONNX front end: layouts, the network's inputs and outputs, and nodes that vanish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx_models import assert_same_as_runtime, model, node, run
from refusals import refuses

from shiftloom.codegen.frontends.onnx import from_onnx, import_model
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.values import Shape

RNG = np.random.default_rng(0)
CHANNELS_LAST = [0, 2, 3, 1]
CHANNELS_FIRST = [0, 3, 1, 2]


def weights(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def kinds(graph: Graph) -> list[str]:
    return [type(n.op).__name__ for n in graph.nodes]


INPUTS: dict[str, tuple[list[Any], list[int], Shape, list[str]]] = {
    "nchw": ([node("Conv", "x w", "y")], [1, 3, 6, 5], (6, 5, 3), ["Conv2d"]),
    "nhwc": (
        [node("Transpose", "x", "t", perm=CHANNELS_FIRST), node("Conv", "t w", "y")],
        [1, 6, 5, 3],
        (6, 5, 3),
        ["Conv2d"],
    ),
    "flat": (
        [node("Reshape", "x s", "t"), node("Conv", "t w", "y")],
        [1, 90],
        (6, 5, 3),
        ["Conv2d"],
    ),
    "scaled first": (
        [
            node("Mul", "x c", "m"),
            node("Transpose", "m", "t", perm=CHANNELS_FIRST),
            node("Conv", "t w", "y"),
        ],
        [1, 6, 5, 3],
        (6, 5, 3),
        ["Affine", "Conv2d"],
    ),
    "channels scaled first": (
        [
            node("Mul", "x k", "m"),
            node("Transpose", "m", "t", perm=CHANNELS_FIRST),
            node("Conv", "t w", "y"),
        ],
        [1, 6, 5, 3],
        (6, 5, 3),
        ["Affine", "Conv2d"],
    ),
    "image to vector": (
        [node("Flatten", "x", "f"), node("MatMul", "f v", "y")],
        [1, 1, 9, 10],
        (9, 10, 1),
        ["Flatten", "Linear"],
    ),
    "vector": ([node("MatMul", "x v", "y")], [1, 90], (1, 1, 90), ["Linear"]),
}


@pytest.mark.parametrize(("nodes", "dims", "shape", "ops"), INPUTS.values(), ids=INPUTS)
def test_the_input_is_arranged_as_its_first_layer_asks(
    nodes: list[Any], dims: list[int], shape: Shape, ops: list[str]
) -> None:
    constants = {
        "w": weights(4, 3, 3, 3),
        "s": ints(1, 3, 6, 5),
        "c": np.float32(0.5),
        "k": weights(3),
        "v": weights(90, 4),
    }
    used = {name for n in nodes for name in n.input}
    known = {name: value for name, value in constants.items() if name in used}
    graph = assert_same_as_runtime(model(nodes, {"x": dims}, known)).graph
    assert graph.inputs[0].shape == shape
    assert kinds(graph) == ops


def test_transposes_around_layers_vanish() -> None:
    nodes = [
        node("Transpose", "x", "a", perm=CHANNELS_FIRST),
        node("Conv", "a w", "b"),
        node("Transpose", "b", "c", perm=CHANNELS_LAST),
        node("Relu", "c", "d"),
        node("Add", "d k", "e"),
        node("Transpose", "e", "f", perm=CHANNELS_FIRST),
        node("MaxPool", "f", "g", kernel_shape=[2, 2]),
        node("Transpose", "g", "y", perm=CHANNELS_LAST),
    ]
    made = model(nodes, {"x": [1, 6, 5, 3]}, {"w": weights(4, 3, 3, 3), "k": weights(4)})
    graph = assert_same_as_runtime(made).graph
    assert kinds(graph) == ["Conv2d", "Relu", "Affine", "MaxPool2d"]


@pytest.mark.parametrize("order", [CHANNELS_LAST, CHANNELS_FIRST, [0, 1, 2, 3]])
def test_fully_connected_weights_take_the_order_of_the_map(order: list[int]) -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("Transpose", "a", "b", perm=order),
        node("Flatten", "b", "c"),
        node("Relu", "c", "d"),
        node("Gemm", "d v", "y"),
    ]
    made = model(nodes, {"x": [1, 3, 6, 5]}, {"w": weights(4, 3, 3, 3), "v": weights(48, 5)})
    graph = assert_same_as_runtime(made).graph
    assert kinds(graph) == ["Conv2d", "Relu", "Flatten", "Linear"]


def test_shape_arithmetic_is_folded() -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("Shape", "a", "s"),
        node("Gather", "s i", "n", axis=0),
        node("Unsqueeze", "n u", "m"),
        node("Concat", "m r", "t", axis=0),
        node("Reshape", "a t", "b"),
        node("Gemm", "b v", "y"),
    ]
    constants = {
        "w": weights(4, 3, 3, 3),
        "i": np.array(0),
        "u": ints(0),
        "r": ints(-1),
        "v": weights(48, 5),
    }
    for batch in (1, "batch"):
        graph = assert_same_as_runtime(model(nodes, {"x": [batch, 3, 6, 5]}, constants)).graph
        assert kinds(graph) == ["Conv2d", "Flatten", "Linear"]


def test_a_fixed_batch_is_each_frame_on_its_own() -> None:
    nodes = [node("Conv", "x w", "a"), node("Flatten", "a", "b"), node("Gemm", "b v", "y")]
    made = model(nodes, {"x": [3, 3, 6, 5]}, {"w": weights(4, 3, 3, 3), "v": weights(48, 5)})
    assert_same_as_runtime(made)


def test_swapped_halves_are_one_permutation() -> None:
    nodes = [
        node("Split", "x", "a b", axis=1),
        node("Concat", "b a", "c", axis=1),
        node("Relu", "c", "y"),
    ]
    graph = assert_same_as_runtime(model(nodes, {"x": [1, 4, 3, 3]})).graph
    assert set(kinds(graph)) <= {"Relu", "Permute"}


def test_initializers_listed_as_inputs_are_constants(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"x": [1, 3, 6, 5]}, {"w": weights(4, 3, 3, 3)})
    made.graph.input.append(onnx.helper.make_tensor_value_info("w", 1, [4, 3, 3, 3]))
    path = tmp_path / "old net.onnx"
    path.write_bytes(made.SerializeToString())
    graph = from_onnx(path)
    assert (graph.name, [source.name for source in graph.inputs]) == ("old_net", ["input"])
    assert from_onnx(path, "named").name == "named"


def test_several_inputs_and_outputs() -> None:
    nodes = [
        node("Conv", "left w", "a"),
        node("Conv", "right w", "b"),
        node("Sub", "a b", "y"),
        node("Relu", "b", "z"),
    ]
    sizes = {"left": [1, 3, 6, 5], "right": [1, 3, 6, 5]}
    made = model(nodes, sizes, {"w": weights(4, 3, 3, 3)}, outputs="y z")
    imported = assert_same_as_runtime(made)
    assert [source.name for source in imported.graph.inputs] == ["left", "right"]
    assert imported.graph.outputs == ("y", "z")


def test_what_no_output_needs_is_dropped() -> None:
    nodes = [node("Relu", "x", "y"), node("Tanh", "x", "z"), node("Relu", "other", "u")]
    made = model(nodes, {"x": [1, 3, 4, 4], "other": [1, 3, 4, 4]})
    graph = import_model(made, "net").graph
    assert (kinds(graph), [source.name for source in graph.inputs]) == (["Relu"], ["x"])


def test_layout_work_for_several_readers_is_done_once() -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("Slice", "a s e t", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 2]),
        node("AveragePool", "b", "d", kernel_shape=[2, 2]),
        node("Add", "c d", "y"),
    ]
    constants = {"w": weights(4, 3, 3, 3), "s": ints(1), "e": ints(4), "t": ints(2)}
    graph = assert_same_as_runtime(model(nodes, {"x": [1, 3, 6, 5]}, constants)).graph
    assert kinds(graph).count("Crop") == 1


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [node("Conv", "x w", "a"), node("Reshape", "a s", "t"), node("Conv", "t w", "y")],
            "y: rearranges a map (4, 3, 4) to (6, 2, 4) across rows, columns and channels; "
            "keep pixels and channels apart, or flatten it for a fully connected layer",
        ),
        (
            [
                node("Conv", "x w", "a"),
                node("Gather", "a i", "g", axis=2),
                node("Conv", "g w", "y"),
            ],
            "y: picks rows or columns [2, 0, 1]; use ascending ones, equal steps",
        ),
        (
            [
                node("Conv", "x w", "a"),
                node("Unsqueeze", "a u", "b"),
                node("MaxPool", "b", "y", kernel_shape=[2, 2]),
            ],
            "y: MaxPool: a kernel of 2 dimensions on an input of 5; "
            "use 1-D or 2-D kernels, inputs (N, C, W) or (N, C, H, W)",
        ),
        (
            [node("Unsqueeze", "x u", "b"), node("Softmax", "b", "y", axis=1)],
            "y: reads 5 dimensions; use 4 at most, batch included",
        ),
    ],
)
def test_rearrangements_that_no_unit_does(nodes: list[Any], message: str) -> None:
    constants = {"w": weights(4, 4, 1, 1), "s": ints(1, 4, 6, 2), "i": ints(2, 0, 1), "u": ints(2)}
    made = model(nodes, {"x": [1, 4, 4, 3]}, constants)
    with refuses(message):
        import_model(made, "net")


def test_a_network_of_layout_only_has_no_layers() -> None:
    made = model([node("Transpose", "x", "y", perm=CHANNELS_LAST)], {"x": [1, 4, 4, 3]})
    with refuses("net: the network has no layers; give at least one layer"):
        import_model(made, "net")


def test_integers_of_an_output_come_back_as_integers() -> None:
    made = model(
        [node("QuantizeLinear", "x s z", "y")],
        {"x": [1, 4]},
        {"s": np.float32(0.5), "z": np.int8(-3)},
    )
    x = np.array([[0.25, 0.75, -100, 100]], dtype=np.float32)
    assert run(import_model(made, "net"), {"x": x})["y"].tolist() == [[-3, -1, -128, 127]]
