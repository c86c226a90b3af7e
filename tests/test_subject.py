"""A user's ONNX file, calibration frames and test frames, through the commands."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from shiftloom import flow
from shiftloom.codegen import cli
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, Node
from shiftloom.codegen.ops import ArgMax
from shiftloom.codegen.quantize import quantize
from shiftloom.subject import Subject


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of `shiftloom <arguments>`."""
    monkeypatch.setattr(sys, "argv", ["shiftloom", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small float network, its frames and their labels."""
    folder, random = tmp_path_factory.mktemp("user"), np.random.default_rng(0)
    arrays = {
        "w": random.normal(0, 0.3, (4, 1, 3, 3)),
        "v": random.normal(0, 0.2, (64, 3)),
        "b": random.normal(0, 0.1, 3),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("Gemm", ["f", "v", "b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]),
        folder / "my-net.onnx",
    )
    frames = random.integers(0, 256, (40, 64), dtype=np.uint8)
    np.save(folder / "calibration.npy", frames[:32])
    np.savez(folder / "test.npz", x=frames[32:], y=np.arange(8) % 3)
    return folder


@pytest.mark.parametrize("options", [("--calibration", "calibration.npy"), ("--prune", "0.5")])
def test_a_users_model_is_compressed(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str]
) -> None:
    monkeypatch.chdir(files)
    target = ("-o", tmp_path / "n.slw", "--json", tmp_path / "n.json")
    given = ("pack", "--model", "my-net.onnx", *options, *target)
    for frames, images in ((), None), (("--frames", "test.npz"), 8):
        assert run(monkeypatch, *given, *frames) == 0
        accuracy = json.loads((tmp_path / "n.json").read_text())["accuracy"]
        assert (accuracy and accuracy["images"]) == images


def test_a_users_model_is_built_and_simulated(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, calibration = files / "my-net.onnx", files / "calibration.npy"
    found = tmp_path / "found.json"
    assert (
        run(monkeypatch, "build", "--model", model, "--calibration", calibration, "-o", tmp_path)
        == 0
    )
    assert (tmp_path / "my_net" / "rtl" / "my_net.sv").is_file()
    frames = ("--frames", files / "test.npz", "--backend", "hls", "--json", found)
    assert run(monkeypatch, "simulate", tmp_path / "my_net", *frames) == 0
    hls = json.loads(found.read_text())["hls"]
    assert (hls["images"], hls["mismatches"]) == (8, 0)
    assert 0 <= hls["accuracy"] <= 1


def test_a_users_model_is_quantized_with_and_without_labels(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, calibration = files / "my-net.onnx", files / "calibration.npy"
    found = tmp_path / "found.json"
    options = ("--model", model, "--calibration", calibration, "--json", found)
    assert run(monkeypatch, "quantize", *options, "--frames", files / "test.npz") == 0
    assert json.loads(found.read_text())["accuracy"]["float"] >= 0
    assert run(monkeypatch, "quantize", *options, "--frames", calibration) == 0
    assert json.loads(found.read_text())["accuracy"] is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -1, 1, 1, 1, 1, 1, 1], "label -1 of frame 1; the network tells apart 0 to 2"),
        ([0, 1, 99, 3, 0, 0, 0, 0], "label 99 of frame 2; the network tells apart 0 to 2"),
        ([0, 1], "labels of shape (2,); give one for each of 8"),
        ([0.5] * 8, "holds labels of float64; give class numbers"),
    ],
)
@pytest.mark.parametrize("command", ["quantize", "prune", "pack", "search", "simulate"])
def test_labels_that_are_no_classes_are_refused(
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    labels: list[float],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    frames = tmp_path / "f.npz"
    np.savez(frames, x=np.zeros((8, 64), np.uint8), y=np.array(labels))
    given: tuple[object, ...]
    given = ("--model", files / "my-net.onnx", "--calibration", files / "calibration.npy")
    if command == "simulate":
        assert run(monkeypatch, "build", *given, "-o", tmp_path) == 0
        given = (tmp_path / "my_net", "--backend", "hls")
    if command == "search":
        given = (*given[:3], frames, "--by", "loss", "--front", "2")
    if command == "prune":
        (tmp_path / "c.yaml").write_text("pruning: {method: magnitude}")
        given = (*given, "--config", tmp_path / "c.yaml")
    capsys.readouterr()
    assert run(monkeypatch, command, *given, "--frames", frames) == 2
    assert capsys.readouterr().err == f"shiftloom: {frames}: {message}\n"


def test_classes_of_an_index_are_those_it_is_taken_of(files: Path) -> None:
    graph = flow.from_file(files / "my-net.onnx", "net")
    assert flow.classes(graph) == 3
    index = replace(graph, nodes=(*graph.nodes, Node("top", ArgMax(), (graph.outputs[0],))))
    index = replace(index, outputs=("top",))
    assert flow.classes(index) == 3
    frames = np.load(files / "calibration.npy").reshape(-1, 8, 8, 1)
    assert flow.classes(quantize(index, frames, Config()).qgraph) == 3


def test_a_float_model_needs_calibration_frames(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "build", "--model", files / "my-net.onnx", "-o", tmp_path) == 2
    assert "has no quantizer and no range; give calibration frames" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (Subject(), "NETWORK: is missing; give a network's name or --model FILE"),
        (
            Subject("lenet5", Path("a.onnx")),
            "NETWORK: and --model a.onnx were given; give a network's name or --model FILE",
        ),
        (
            Subject(model=Path("a.onnx"), checkpoint=Path("b.pt")),
            "--checkpoint: has no use with --model; leave it out",
        ),
    ],
)
def test_exactly_one_network_is_named(subject: Subject, message: str) -> None:
    with pytest.raises(ShiftloomError) as caught:
        subject.graph()
    assert str(caught.value) == message


def test_a_users_model_has_no_test_set_of_its_own() -> None:
    with pytest.raises(
        ShiftloomError, match=r"^--frames: is missing; give the test frames as \.npz or \.npy$"
    ):
        Subject(model=Path("a.onnx")).test(Graph("a", (), (), ()), None)


def test_an_onnx_network_takes_no_checkpoint(data: Path) -> None:
    with pytest.raises(
        ShiftloomError,
        match=r"^b\.pt: mlperf_resnet8 is an ONNX file; use --model for another one$",
    ):
        Subject("mlperf_resnet8", checkpoint=Path("b.pt"), data=data).graph()
