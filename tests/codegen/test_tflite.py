"""TFLite files: every operator against LiteRT's interpreter, real networks, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refuses
from tflite_models import AnyArray, Op, T, litert, made

from shiftloom.codegen import golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.files import from_file, survey_file
from shiftloom.codegen.frontends.onnx import Finding, import_model
from shiftloom.codegen.frontends.tflite import from_tflite, load, translate
from shiftloom.codegen.frontends.tflite.operators import TRANSLATIONS
from shiftloom.codegen.quantize import quantize
from shiftloom.flow import evaluation_set

RNG = np.random.default_rng(7)
RELU6 = {"FusedActivationFunction": 3}
X = T((1, 6, 8, 4))


def weights(*shape: int) -> T:
    return T(value=RNG.normal(size=shape).astype(np.float32))


def whole(values: Any) -> T:
    return T(value=np.asarray(values, np.int32))


def one(kind: str, dims: tuple[int, ...], options: Any = ("", {}), **constants: T) -> bytes:
    """A file of one operator on `x`, with `constants` as its other inputs."""
    tensors = {"x": X, **constants, "y": T(dims)}
    return made(tensors, [Op(kind, " ".join(["x", *constants]), "y", options)])


def moved(kind: str, dims: tuple[int, ...], options: Any = ("", {}), **constants: T) -> bytes:
    """The same, and a ReLU behind it: a network of layout alone has no layers."""
    tensors = {"x": X, **constants, "m": T(dims), "y": T(dims)}
    inputs = " ".join(["x", *constants])
    return made(tensors, [Op(kind, inputs, "m", options), Op("RELU", "m", "y")])


STRIDED = {"Padding": 0, "StrideH": 2, "StrideW": 1, **RELU6}
DILATED = {"Padding": 1, "StrideH": 1, "StrideW": 1, "DilationHFactor": 2, "DilationWFactor": 3}
POOL = {"Padding": 1, "StrideH": 2, "StrideW": 2, "FilterHeight": 3, "FilterWidth": 2}
CASES: dict[str, bytes] = {
    "conv": one(
        *("CONV_2D", (1, 3, 8, 5), ("Conv2DOptions", STRIDED)), w=weights(5, 3, 2, 4), b=weights(5)
    ),
    "conv of groups, dilated": one(
        *("CONV_2D", (1, 2, 2, 6), ("Conv2DOptions", DILATED)), w=weights(6, 3, 3, 2), b=weights(6)
    ),
    "depthwise": one(
        *("DEPTHWISE_CONV_2D", (1, 3, 8, 8), ("DepthwiseConv2DOptions", STRIDED)),
        w=weights(1, 3, 3, 8),
        b=weights(8),
    ),
    "fully connected": one(
        "FULLY_CONNECTED", (1, 3), ("FullyConnectedOptions", {}), w=weights(3, 192), b=weights(3)
    ),
    "average pool": one("AVERAGE_POOL_2D", (1, 2, 4, 4), ("Pool2DOptions", POOL)),
    "max pool": one("MAX_POOL_2D", (1, 3, 4, 4), ("Pool2DOptions", POOL | {"Padding": 0})),
    "mean": one("MEAN", (1, 4), ("ReducerOptions", {"KeepDims": 0}), axes=whole([1, 2])),
    "add": one("ADD", X.dims, ("AddOptions", RELU6), b=weights(4)),
    "sub": one("SUB", X.dims, ("SubOptions", {}), b=weights(4)),
    "mul": one("MUL", X.dims, ("MulOptions", {"FusedActivationFunction": 1}), b=weights(4)),
    "reshape": moved("RESHAPE", (1, 192), ("ReshapeOptions", {}), shape=whole([1, 192])),
    "squeeze": made(
        {
            "x": T((1, 6, 1, 4)),
            "m": T((1, 6, 4)),
            "r": T((1, 24)),
            "s": whole([1, 24]),
            "y": T((1, 24)),
        },
        [Op("SQUEEZE", "x", "m"), Op("RESHAPE", "m s", "r"), Op("RELU", "r", "y")],
    ),
    "expand dims": moved("EXPAND_DIMS", (1, 1, 6, 8, 4), axis=whole(1)),
    "transpose": moved("TRANSPOSE", (1, 4, 6, 8), perm=whole([0, 3, 1, 2])),
    "pad": one("PAD", (1, 9, 9, 4), ("PadOptions", {}), p=whole([[0, 0], [1, 2], [0, 1], [0, 0]])),
    "resize": one(
        *("RESIZE_NEAREST_NEIGHBOR", (1, 12, 24, 4), ("ResizeNearestNeighborOptions", {})),
        size=whole([12, 24]),
    ),
    "relu": one("RELU", X.dims),
    "relu6": one("RELU6", X.dims),
    "leaky relu": one("LEAKY_RELU", X.dims, ("LeakyReluOptions", {"Alpha": 0.1})),
    "sigmoid": one("LOGISTIC", X.dims),
    "tanh": one("TANH", X.dims),
    "hard swish": one("HARD_SWISH", X.dims),
    "concat": made(
        {"x": X, "r": T(X.dims), "y": T((1, 6, 8, 8))},
        [
            Op("RELU", "x", "r"),
            Op("CONCATENATION", "x r", "y", ("ConcatenationOptions", {"Axis": 3})),
        ],
    ),
    "softmax": made(
        {"x": T((1, 5)), "y": T((1, 5))}, [Op("SOFTMAX", "x", "y", ("SoftmaxOptions", {"Beta": 1}))]
    ),
}


def real(data: bytes, x: AnyArray, folder: Path) -> AnyArray:
    """The imported network's output for the tensors `x`, in float64."""
    network = import_model(translate(load(saved(data, folder))), "net")
    source, result = network.inputs[0], network.outputs[0]
    return result.tensor(network.graph.evaluate({source.name: source.real(x)})[result.name])


def saved(data: bytes, folder: Path) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
def test_an_operator_computes_what_litert_does(data: bytes, tmp_path: Path) -> None:
    dims = load(saved(data, tmp_path)).tensors[0].dims
    x = (3 * RNG.normal(size=(3, *dims[1:]))).astype(np.float32)
    expected = litert(data, x)
    found = real(data, x, tmp_path)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * max(1, np.abs(expected).max())


def test_every_translation_is_tried() -> None:
    kinds = {"QUANTIZE", "DEQUANTIZE"}  # in the files of integers below
    for data in CASES.values():
        kinds |= {name for name in TRANSLATIONS if _holds(data, name)}
    assert kinds == set(TRANSLATIONS)


def _holds(data: bytes, kind: str) -> bool:
    import tflite

    model = tflite.Model.GetRootAs(data, 0)
    codes = (model.OperatorCodes(i).BuiltinCode() for i in range(model.OperatorCodesLength()))
    return getattr(tflite.BuiltinOperator, kind) in codes


def integers(kind: str = "int8") -> bytes:
    """A convolution of int8, with scales an output channel, between a quantizer and its inverse."""
    scale = [0.01, 0.02, 0.03]
    tensors = {
        "x": X,
        "q": T(X.dims, None, "int8", [0.05], [3]),
        "w": T((), RNG.integers(-127, 128, (3, 3, 3, 4)).astype(kind), "", scale, [0] * 3, 0),
        "b": T((), np.array([100, -200, 300], np.int32), "", [s * 0.05 for s in scale], [0] * 3),
        "r": T((1, 4, 6, 3), None, "int8", [0.1], [-10]),
        "p": T((1, 2, 3, 3), None, "int8", [0.1], [-10]),
        "y": T((1, 2, 3, 3)),
    }
    strides = {"Padding": 1, "StrideH": 1, "StrideW": 1}
    return made(
        tensors,
        [
            Op("QUANTIZE", "x", "q"),
            Op("CONV_2D", "q w b", "r", ("Conv2DOptions", strides | RELU6)),
            Op(
                *("MAX_POOL_2D", "r", "p"),
                ("Pool2DOptions", {"Padding": 1, "StrideH": 2, "StrideW": 2} | SQUARE),
            ),
            Op("DEQUANTIZE", "p", "y"),
        ],
    )


SQUARE = {"FilterHeight": 2, "FilterWidth": 2}


def test_integers_are_those_of_litert_but_for_ties(tmp_path: Path) -> None:
    x = (2 * RNG.normal(size=(50, 6, 8, 4))).astype(np.float32)
    data = integers()
    steps = (real(data, x, tmp_path) - litert(data, x)) / np.float64(np.float32(0.1))
    assert np.abs(steps).max() < 1.01
    assert (np.abs(steps) > 0.01).mean() < 0.005


def test_int8_networks_have_their_accuracy(data: Path) -> None:
    for file, network, right in (
        ("kws_ref_model", "mlperf_ds_cnn", 902),
        (
            "pretrainedResnet_quant",
            "mlperf_resnet8",
            877,
        ),  # 878 by the kernels, which round otherwise
    ):
        path = data / "mlperf-tiny" / f"{file}.tflite"
        assert survey_file(path) == []
        graph = from_file(path, "net")
        frames, labels = evaluation_set(network, data)
        quantized = quantize(graph, frames[:0], Config())
        classes = golden.run(quantized.qgraph, frames).argmax(axis=1)
        assert (classes == labels).sum() == right


def test_unsupported_operators_are_all_listed(tmp_path: Path) -> None:
    tensors = {"x": X, "a": T(X.dims), "b": T(X.dims), "y": T(X.dims)}
    nodes = [
        Op("GELU", "x", "a"),
        Op("UNIDIRECTIONAL_SEQUENCE_LSTM", "a", "b"),
        Op("FLOOR_MOD", "b x", "y"),
    ]
    assert survey_file(saved(made(tensors, nodes), tmp_path)) == [
        Finding(
            *("a", "Gelu: there is no unit for it"),
            "use ReLU, LeakyRelu, HardSwish, Sigmoid or Tanh",
        ),
        Finding("b", "LSTM: recurrence is not supported", "use convolutions over time"),
        Finding(
            *("y", "FLOOR_MOD: there is no unit for it"),
            "see docs/operators.md, or leave it to the host",
        ),
    ]


REFUSED: dict[str, tuple[bytes, str]] = {
    "text": (b"hello world", "net.tflite: is no TFLite model; give a complete .tflite file"),
    "no operators": (
        made({"x": X}, [], "x", "x"),
        "net.tflite: is damaged; give a complete .tflite file",
    ),
    "type": (
        made({"x": X, "y": T((1, 6), None, "bool")}, [Op("RELU", "x", "y")]),
        "'y': has the type bool; use float32 or integers",
    ),
    "shape bomb": (
        made({"x": T((1, 1 << 20, 1 << 20)), "y": X}, [Op("RELU", "x", "y")]),
        "'x': dimensions [1, 1048576, 1048576]; use at most 134217728 elements",
    ),
    "value too short": (
        made({"x": X, "w": whole([1, 2]), "y": X}, [Op("ADD", "x w", "y")]).replace(
            np.array([8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0], np.uint8).tobytes(),
            np.array([5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0], np.uint8).tobytes(),
        ),
        "net.tflite: is damaged; give a complete .tflite file",
    ),
    "input": (
        made({"x": X, "y": X}, [Op("TRANSPOSE", "x", "y")]),
        "y: TRANSPOSE: input 1 is missing; convert it again",
    ),
    "list": (
        made({"x": X, "r": T((4,)), "y": X}, [Op("TRANSPOSE", "x r", "y")]),
        "y: TRANSPOSE: input 1 is no constant list; convert it again",
    ),
    "rank": (
        one("CONV_2D", (1, 2), w=weights(3, 4)),
        "y: CONV_2D: input 1 of shape [3, 4]; use 4 dimensions",
    ),
    "groups": (
        one("CONV_2D", (1, 2), w=weights(3, 1, 1, 3)),
        "y: CONV_2D: 3 of 4 channels; convert it again",
    ),
    "shuffled": (
        one(
            *("FULLY_CONNECTED", (1, 3), ("FullyConnectedOptions", {"WeightsFormat": 1})),
            w=weights(3, 192),
        ),
        "y: FULLY_CONNECTED: shuffled weights; convert it for the default kernels",
    ),
    "corners": (
        one(
            "RESIZE_NEAREST_NEIGHBOR",
            (1, 12, 24, 4),
            ("ResizeNearestNeighborOptions", {"AlignCorners": 1}),
            size=whole([12, 24]),
        ),
        "y: RESIZE_NEAREST_NEIGHBOR: aligned corners or half-pixel centers; use neither",
    ),
    "activation": (
        one("ADD", X.dims, ("AddOptions", {"FusedActivationFunction": 5}), b=weights(4)),
        "y: ADD: fused activation 5; use ReLU, ReLU6 or tanh",
    ),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(data: bytes, message: str, tmp_path: Path) -> None:
    with refuses(message):
        from_tflite(saved(data, tmp_path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with refuses(
        f"{tmp_path}/net.tflite: cannot be read (No such file or directory); check the path"
    ):
        from_tflite(tmp_path / "net.tflite")


def test_damage_anywhere_is_refused_or_harmless(tmp_path: Path) -> None:
    """Bytes changed and ends cut off: a ShiftloomError or a graph, never another error."""
    rng, whole_file = np.random.default_rng(3), integers()
    refused = 0
    for _ in range(400):
        data = bytearray(whole_file)
        for place in rng.integers(8, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        cut = len(data) if rng.random() < 0.7 else int(rng.integers(8, len(data)))
        try:
            from_tflite(saved(bytes(data[:cut]), tmp_path))
        except ShiftloomError:
            refused += 1
    assert 100 < refused < 400
