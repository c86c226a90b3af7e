"""The MLPerf Tiny networks and a QONNX one of the data folder: import, accuracy, runtime."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from shiftloom.codegen.frontends.onnx import import_model, load, survey
from shiftloom.codegen.frontends.onnx.importer import Imported
from shiftloom.codegen.graph import GraphInput
from shiftloom.codegen.ops import Conv2d, Linear

Floats = npt.NDArray[np.float64]
NETWORKS = {
    "mlperf-tiny/resnet": GraphInput((32, 32, 3)),
    "mlperf-tiny/kws_ref_model": GraphInput((49, 10, 1), 8, 0.9765625, 3, signed=True),
    "mlperf-tiny/v07_alibaba_model_kws": GraphInput((49, 10, 1)),
    "mlperf-tiny/v07_alibaba_model_ic": GraphInput((32, 32, 3)),
    "qonnx/TFC_2W2A": GraphInput((28, 28, 1)),
}


def imported(data: Path, name: str) -> Imported:
    path = data / f"{name}.onnx"
    return import_model(load.load(path), path.stem)


def outputs(network: Imported, x: npt.NDArray[np.generic]) -> Floats:
    """The network's output for ONNX inputs, in float64."""
    port, result = network.inputs[0], network.outputs[0]
    blocks = (
        result.tensor(network.graph.evaluate({port.name: port.real(block)})[result.name])
        for block in np.array_split(x, max(len(x) // 50, 1))
    )
    return np.concatenate(list(blocks))


def runtime(data: Path, name: str, x: npt.NDArray[np.generic]) -> Floats:
    """ONNX Runtime's output, optimizations off, frame by frame."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(data / f"{name}.onnx"), options, ["CPUExecutionProvider"]
    )
    source = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {source: frame[None]})[0] for frame in x])


@pytest.mark.parametrize(("name", "source"), NETWORKS.items())
def test_networks_import_with_their_raw_integers(name: str, source: GraphInput, data: Path) -> None:
    assert imported(data, name).graph.inputs == (source,)
    assert survey(data / f"{name}.onnx") == []


@pytest.mark.parametrize("name", ["mlperf-tiny/resnet", "mlperf-tiny/kws_ref_model"])
def test_every_layer_of_a_quantized_network_has_its_integers(name: str, data: Path) -> None:
    layers = [n.op for n in imported(data, name).graph.nodes if isinstance(n.op, Conv2d | Linear)]
    assert layers
    assert all(op.given is not None and op.given.bits == 8 for op in layers)


def keywords(data: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Feature maps of the accuracy set as real numbers, and their classes."""
    archive = np.load(data / "mlperf-tiny" / "kws01_int8.npz")
    return (archive["x"].astype(np.float32) - 83) * np.float32(0.5847029), archive["y"]


def test_keyword_spotting_equals_onnx_runtime(data: Path) -> None:
    x, labels = keywords(data)
    name = "mlperf-tiny/kws_ref_model"
    flat = x.reshape(len(x), -1)
    found, expected = outputs(imported(data, name), flat), runtime(data, name, flat)
    assert (found.argmax(1) == labels).mean() == pytest.approx(0.902, abs=0.0015)
    # a tie of float32 rounding moves a logit by one step now and then
    assert (np.abs(found - expected).max(1) > 1e-4).mean() < 0.1
    assert (found.argmax(1) != expected.argmax(1)).sum() <= 2


def test_float_keyword_spotting_equals_onnx_runtime(data: Path) -> None:
    x, labels = keywords(data)
    name = "mlperf-tiny/v07_alibaba_model_kws"
    maps = x.reshape(-1, 49, 10, 1)
    found = outputs(imported(data, name), maps)
    assert (found.argmax(1) == labels).mean() == 0.908
    assert np.abs(found[:100] - runtime(data, name, maps[:100])).max() < 1e-4


@pytest.mark.parametrize("name", ["mlperf-tiny/resnet", "mlperf-tiny/v07_alibaba_model_ic"])
def test_image_classification_equals_onnx_runtime(name: str, data: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 32, 32, 3)).astype(np.float32)
    if name.endswith("ic"):
        x = x.transpose(0, 3, 1, 2) / 128 - 1
    found, expected = outputs(imported(data, name), x), runtime(data, name, x)
    assert (np.abs(found - expected).max(1) > 1e-4).mean() < 0.2
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.95


def test_the_qonnx_network_has_its_published_accuracy(data: Path) -> None:
    def read(kind: str, offset: int) -> npt.NDArray[np.uint8]:
        path = data / "mnist" / f"t10k-{kind}-ubyte.gz"
        return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=offset)

    x = read("images-idx3", 16).reshape(-1, 1, 28, 28) / 255
    found = outputs(imported(data, "qonnx/TFC_2W2A"), x)
    assert (found.argmax(1) == read("labels-idx1", 8)).mean() == 0.966
