"""Operators on their own: shapes, float functions, refusals, and the passes before quantization."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docs_pages import page, rows
from refusals import refuses

from shiftloom.codegen.frontends.onnx.handlers import HANDLERS
from shiftloom.codegen.graph import Graph, GraphInput, Node, Op, check
from shiftloom.codegen.lowering import IntegerBuilder
from shiftloom.codegen.ops import (
    OPS,
    Add,
    Affine,
    ArgMax,
    AvgPool2d,
    Bipolar,
    Clip,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Crop,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Linear,
    MaxPool2d,
    Pad,
    Permute,
    PRelu,
    Product,
    Quantize,
    Relu,
    Shift,
    Sigmoid,
    Softmax,
    Tanh,
    Upsample,
)
from shiftloom.codegen.ops.fold import drop_softmax, find_shifts, fold_affines
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Window

RNG = np.random.default_rng(0)
MAP: Shape = (5, 4, 3)


def ones(*shape: int) -> Array:
    return Array(np.ones(shape, np.float32))


SAME: tuple[tuple[Op, Shape], ...] = (
    (Conv2d(ones(6, 2, 2, 1), ones(6), Window((2, 2)), 3), (4, 3, 6)),
    (ConvTranspose2d(ones(2, 3, 2, 3), ones(2), Window((3, 2), (2, 1), (1, 0))), (9, 5, 2)),
    (MaxPool2d(Window((2, 2), (2, 2), (1, 0))), (3, 2, 3)),
    (AvgPool2d(Window((5, 4))), (1, 1, 3)),
    (Relu(), MAP),
    (Clip(-1, 1), MAP),
    (LeakyRelu(), MAP),
    (PRelu(ones(3)), MAP),
    (HardSwish(), MAP),
    (HardSigmoid(), MAP),
    (Sigmoid(), MAP),
    (Tanh(), MAP),
    (Affine(ones(3), ones(1)), MAP),
    (Product((), (Affine(ones(3), ones(3)), Sigmoid())), MAP),
    (Quantize(0.5, 1, 4, signed=True), MAP),
    (Bipolar(0.5), MAP),
    (Softmax(), MAP),
    (ArgMax(), (5, 4, 1)),
    (Permute((2, 0)), (5, 4, 2)),
    (Crop(1, 0, 3, 2), (3, 2, 3)),
    (Pad((1, 0, 2, 3), 0.5), (8, 7, 3)),
    (Upsample((2, 3)), (10, 12, 3)),
    (Shift(((0, 1), (-1, 0), (0, 0))), MAP),
)


@pytest.mark.parametrize(("op", "shape"), SAME, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_results_have_the_shape_and_the_precision_said(op: Op, shape: Shape, kind: Any) -> None:
    x = RNG.normal(size=(2, *MAP)).astype(kind)
    assert op.shape("n", MAP) == shape
    assert op.run(x).shape == (2, *shape)
    assert op.run(x).dtype == kind


def test_every_operator_is_documented() -> None:
    listed = {row[0].strip("`") for row in rows(page("operators.md")) if row[0].startswith("`")}
    assert listed == {op.__name__ for op in OPS}


def test_every_onnx_operator_is_documented() -> None:
    text = page("operators.md")
    known = {kind for handlers in HANDLERS.values() for kind in handlers}
    assert [kind for kind in sorted(known) if f"`{kind}`" not in text] == []


def test_every_operator_is_a_file_of_its_own() -> None:
    names = {op.__module__.rpartition(".")[2] for op in OPS}
    folder = Path(__file__).parents[2] / "codegen" / "ops"
    assert {file.stem for file in folder.glob("*.py")} == names | {"__init__", "fold"}


def test_shift_moves_each_channel_by_its_own_offset() -> None:
    x = RNG.normal(size=(1, 4, 5, 2))
    got = Shift(((1, 0), (0, -2))).run(x)
    assert np.array_equal(got[0, :3, :, 0], x[0, 1:, :, 0])
    assert not got[0, 3, :, 0].any()
    assert np.array_equal(got[0, :, 2:, 1], x[0, :, :3, 1])
    assert not got[0, :, :2, 1].any()


def test_products_are_of_functions_of_one_value() -> None:
    x = RNG.normal(size=(1, *MAP))
    assert np.array_equal(Product((Relu(), Tanh()), ()).run(x), np.tanh(np.maximum(x, 0)) * x)
    with refuses("p: 2 slopes, the input has 3 channels; give one a channel"):
        Product((), (PRelu(ones(2)),)).shape("p", MAP)


def test_bipolar_takes_zero_for_positive() -> None:
    assert Bipolar(2.0).run(np.array([-1, -0.0, 0, 3])).tolist() == [-2, 2, 2, 2]


@pytest.mark.parametrize(
    ("op", "limits"),
    [
        (Quantize(1.0, 0, 3, signed=True), (-4, 3)),
        (Quantize(1.0, 0, 3, signed=True, narrow=True), (-3, 3)),
        (Quantize(1.0, 0, 3), (0, 7)),
        (Quantize(1.0, 0, 3, narrow=True), (0, 6)),
        (Quantize(1.0, 2, 3), (-2, 5)),
    ],
)
def test_quantizers_saturate_at_their_limits(op: Quantize, limits: tuple[int, int]) -> None:
    got = op.run(np.array([-1e9, 1e9]))
    assert tuple(got) == limits


REFUSED: tuple[tuple[Op, tuple[Shape, ...], str], ...] = (
    (Add(), (MAP,), "adds (5, 4, 3); give two feature maps of the same shape"),
    (
        Add(),
        (MAP, (5, 4, 2)),
        "adds (5, 4, 3) and (5, 4, 2); give two feature maps of the same shape",
    ),
    (Concat(), (MAP,), "joins (5, 4, 3); give two or more maps of the same height and width"),
    (
        Concat(),
        (MAP, (5, 3, 3)),
        "joins (5, 4, 3), (5, 3, 3); give two or more maps of the same height and width",
    ),
    (Permute((0, 3)), (MAP,), "picks channels (0, 3) of 3; use channels 0 to 2"),
    (Permute(()), (MAP,), "picks channels () of 3; use channels 0 to 2"),
    (
        Crop(3, 0, 3, 4),
        (MAP,),
        "crops rows 3 to 5, columns 0 to 3; the input has 5 rows and 4 columns",
    ),
    (
        Crop(0, 0, 0, 4),
        (MAP,),
        "crops rows 0 to -1, columns 0 to 3; the input has 5 rows and 4 columns",
    ),
    (Pad((0, -1, 0, 0)), (MAP,), "padding (0, -1, 0, 0); use at least 0; crop with a slice"),
    (Upsample((0, 1)), (MAP,), "factors (0, 1); use integers of at least 1"),
    (Clip(2, 1), (MAP,), "clips to 2 to 1; use lo at most hi"),
    (Clip(float("nan"), 1), (MAP,), "clips to nan to 1; use lo at most hi"),
    (PRelu(ones(2)), (MAP,), "2 slopes, the input has 3 channels; give one a channel"),
    (
        Affine(ones(2), ones(3)),
        (MAP,),
        "normalizes 2 channels, the input has 3; check the model",
    ),
    (Quantize(0.0), (MAP,), "scale 0.0; use a positive number"),
    (Quantize(float("inf")), (MAP,), "scale inf; use a positive number"),
    (Bipolar(-1.0), (MAP,), "scale -1.0; use a positive number"),
    (Quantize(1.0, 16, 4), (MAP,), "zero point 16; uint4 holds 0 to 15"),
    (Shift(((0, 0),)), (MAP,), "1 offsets for 3 channels; give one a channel"),
    (
        Conv2d(ones(4, 1, 1, 1), ones(4), Window((1, 1)), 3),
        (MAP,),
        "3 groups do not divide 4 output channels; check the model",
    ),
    (
        Conv2d(ones(4, 1, 1, 3), ones(3), Window((1, 1))),
        (MAP,),
        "bias of shape (3,) for 4 channels; check the model",
    ),
    (
        Linear(ones(4, 3), ones(3)),
        ((1, 1, 3),),
        "bias of shape (3,) for 4 outputs; check the model",
    ),
    (
        ConvTranspose2d(ones(4, 1, 1, 3), ones(4), Window((1, 1), (0, 1))),
        (MAP,),
        "kernel (1, 1), stride (0, 1); kernel, stride and dilation must be at least 1",
    ),
)


@pytest.mark.parametrize(("op", "sources", "message"), REFUSED)
def test_shapes_that_are_refused(op: Op, sources: tuple[Shape, ...], message: str) -> None:
    with refuses(f"node: {message}"):
        op.shape("node", *sources)


def test_what_has_no_unit_is_refused_at_lowering() -> None:
    builder: Any = IntegerBuilder.__new__(IntegerBuilder)
    pool = AvgPool2d(Window((3, 3), padding=(1, 1)), count_include_pad=False)
    with refuses(
        "pool: averages padded windows without counting the padding; "
        "use count_include_pad=True, or no padding"
    ):
        pool.lower(builder, "pool", None)
    with refuses("s: a Softmax inside the network; only the last layer may be one"):
        Softmax().lower(builder, "s", None)


def chain(*ops: Op) -> Graph:
    names = [f"n{i}" for i in range(len(ops))]
    sources = ["input", *names]
    nodes = tuple(Node(n, op, (s,)) for n, op, s in zip(names, ops, sources, strict=False))
    return check(Graph("net", (GraphInput(MAP),), nodes, (names[-1],)))


NORM = Affine(Array(np.array([2.0, -1.0])), Array(np.array([0.5, 3.0])))


@pytest.mark.parametrize(
    "layer",
    [
        Conv2d(Array(RNG.normal(size=(2, 2, 1, 3))), ones(2), Window((2, 1))),
        ConvTranspose2d(Array(RNG.normal(size=(2, 2, 1, 3))), ones(2), Window((2, 1), (2, 2))),
    ],
)
def test_affines_fold_into_the_layer_before(layer: Op) -> None:
    graph = chain(layer, NORM, Relu())
    folded = fold_affines(graph)
    assert [node.name for node in folded.nodes] == ["n0", "n2"]
    x = {"input": RNG.normal(size=(2, *MAP))}
    assert np.allclose(folded.evaluate(x)["n2"], graph.evaluate(x)["n2"])


def test_an_affine_at_the_end_folds_and_renames_the_output() -> None:
    graph = fold_affines(chain(Conv2d(ones(2, 1, 1, 3), ones(2), Window((1, 1))), NORM))
    assert graph.outputs == ("n0",)


def test_an_affine_of_an_output_stays() -> None:
    graph = chain(Conv2d(ones(2, 1, 1, 3), ones(2), Window((1, 1))), NORM)
    graph = replace(graph, outputs=("n1", "n0"))
    assert fold_affines(graph) == graph


def test_a_last_softmax_is_dropped() -> None:
    graph = drop_softmax(chain(Relu(), Softmax()))
    assert [node.name for node in graph.nodes] == ["n0"]
    assert graph.outputs == ("n0",)


def test_a_softmax_inside_is_refused_by_name() -> None:
    with refuses("n0: a Softmax that 'n1' reads; only the last layer may be one"):
        drop_softmax(chain(Softmax(), Relu()))


def shift_kernels(channels: int, side: int) -> Array:
    kernels = np.zeros((channels, side * side), np.float32)
    kernels[np.arange(channels), (3 * np.arange(channels)) % (side * side)] = 1
    return Array(kernels.reshape(channels, side, side, 1))


def test_a_depthwise_convolution_of_single_ones_is_a_shift() -> None:
    window = Window((3, 3), padding=(1, 1))
    conv = Conv2d(shift_kernels(3, 3), Array(np.zeros(3, np.float32)), window, 3)
    graph = chain(conv)
    found = find_shifts(graph)
    assert found.nodes[0].op == Shift(((-1, -1), (0, -1), (1, -1)))
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
    assert np.array_equal(found.nodes[0].op.run(x), conv.run(x))


@pytest.mark.parametrize(
    "change",
    [
        {"window": Window((3, 3))},
        {"window": Window((3, 3), (2, 2), (1, 1))},
        {"bias": Array(np.ones(3, np.float32))},
        {"weights": Array(2 * shift_kernels(3, 3).data)},
        {"weights": Array(np.ones((3, 3, 3, 1), np.float32))},
    ],
)
def test_other_depthwise_convolutions_are_none(change: dict[str, Any]) -> None:
    window = Window((3, 3), padding=(1, 1))
    conv = Conv2d(shift_kernels(3, 3), Array(np.zeros(3, np.float32)), window, 3)
    graph = chain(replace(conv, **change))
    assert find_shifts(graph) == graph
