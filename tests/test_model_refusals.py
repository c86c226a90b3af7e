"""Models that `shiftloom check` and `shiftloom build` refuse: one clear error, no file left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from shiftloom.codegen import cli

FLOAT = TensorProto.FLOAT


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of `shiftloom <arguments>`."""
    monkeypatch.setattr(sys, "argv", ["shiftloom", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def model(
    *nodes: onnx.NodeProto,
    constants: Sequence[onnx.TensorProto] = (),
    shape: Sequence[Any] = (1, 2, 6, 6),
    kind: int = FLOAT,
) -> onnx.ModelProto:
    """A model from `x` to `y`."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        list(constants),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tensor(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.full(shape, 0.25, np.float32), name)


def node(kind: str, sources: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, sources.split(), [output], output, **attributes)


def _recurrent() -> onnx.ModelProto:
    weights = tensor("w", 1, 12, 6), tensor("r", 1, 12, 3)
    return model(node("LSTM", "x w r", "y", hidden_size=3), constants=weights, shape=(2, 1, 6))


def _attention() -> onnx.ModelProto:
    return model(
        node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t", "y"), shape=(1, 4, 4)
    )


def _outside() -> onnx.ModelProto:
    weights = tensor("w", 2, 2, 1, 1)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../secret.bin")
    return model(node("Conv", "x w", "y"), constants=[weights])


def _cycle() -> onnx.ModelProto:
    return model(node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y"))


def _bomb() -> onnx.ModelProto:
    return model(node("Relu", "x", "y"), shape=(1, 1 << 20, 1 << 20, 1 << 20))


def _text() -> onnx.ModelProto:
    return model(node("Relu", "x", "y"), kind=TensorProto.STRING)


def _torn() -> bytes:
    return bytes(model(node("Relu", "x", "y")).SerializeToString()[:-9])


def _fractions() -> onnx.ModelProto:
    return model(node("Div", "c x", "y"), constants=[tensor("c", 1)])


Made = onnx.ModelProto | bytes
MODELS: dict[str, tuple[Callable[[], Made], str]] = {
    "recurrence": (_recurrent, "LSTM"),
    "attention": (_attention, "attention"),
    "data_outside": (_outside, "lies outside the model's folder"),
    "cycle": (_cycle, "cycle"),
    "shape_bomb": (_bomb, "elements"),
    "type": (_text, "string"),
    "torn": (_torn, "is no ONNX model"),
    "empty": (lambda: b"", "is no ONNX model with layers"),
    "operator": (_fractions, "Div"),
}
"""Models and a part of what is said of them."""


def written(made: Made, folder: Path) -> Path:
    path = folder / "bad.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return path


@pytest.mark.parametrize("name", MODELS)
def test_build_refuses_it_in_one_line_and_leaves_nothing(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, message = MODELS[name]
    path, empty = written(make(), tmp_path), tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    figures = empty / "figures.json"
    assert run(monkeypatch, "build", "--model", path, "-o", empty, "--json", figures) == 2
    error = capsys.readouterr().err
    assert message.lower() in error.lower()
    assert error.count("\n") == 1
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("name", MODELS)
def test_check_says_so_before_anything_is_built(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, message = MODELS[name]
    path, empty = written(make(), tmp_path), tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert run(monkeypatch, "check", path) == 2
    said = capsys.readouterr()
    assert message.split()[0].lower() in (said.out + said.err).lower()
    assert list(empty.iterdir()) == []


def test_a_refusal_leaves_an_earlier_build_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "bad"
    earlier.mkdir()
    (earlier / "kept").write_text("as it was")
    assert run(monkeypatch, "build", "--model", written(_cycle(), tmp_path), "-o", tmp_path) == 2
    assert [file.name for file in earlier.iterdir()] == ["kept"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad", "bad.onnx"]
