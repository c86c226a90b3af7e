"""`shiftloom check`: all that keeps a model from being built, in one go."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx_models import model, node

from shiftloom.codegen.checking import findings_table
from shiftloom.codegen.frontends.onnx import Finding, survey

W = {"w": np.zeros((2, 2, 3, 3), np.float32)}


def saved(made: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def findings(folder: Path, nodes: list[Any], outputs: str = "y") -> list[Finding]:
    made = model(nodes, {"x": ["batch", 2, 8, 8]}, W, outputs, opset=23)
    return survey(saved(made, folder))


GOOD = [node("Conv", "x w", "c"), node("Relu", "c", "y")]
BAD = [
    node("Conv", "x w", "a"),
    node("LSTM", "a w w", "h"),
    node("Gelu", "a", "b"),
    node("Conv", "b w", "c", auto_pad="FOO"),
    node("MatMul", "c c", "d"),
    node("Relu", "h", "e"),
    node("Attention", "e e e", "f"),
    node("Add", "f d", "y"),
]


def test_a_good_model_has_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD) == []


def test_every_unsupported_node_is_listed_with_its_rewrite(tmp_path: Path) -> None:
    assert findings(tmp_path, BAD) == [
        Finding("h", "LSTM: recurrence is not supported", "use convolutions over time"),
        Finding(
            *("b", "Gelu: there is no unit for it"),
            "use ReLU, LeakyRelu, HardSwish, Sigmoid or Tanh",
        ),
        Finding(
            *("c", "Conv: unsupported auto_pad=FOO"),
            "use auto_pad=NOTSET or auto_pad=VALID or auto_pad=SAME_UPPER or auto_pad=SAME_LOWER",
        ),
        Finding(*("d", "MatMul: a product of two computed values"), "attention is not supported"),
        Finding(
            *("f", "Attention: attention is not supported"),
            "use convolutions or fully connected layers",
        ),
    ]


def test_what_only_the_whole_graph_shows_is_listed(tmp_path: Path) -> None:
    softmax = [node("Conv", "x w", "c"), node("Softmax", "c", "s", axis=1), node("Relu", "s", "y")]
    assert findings(tmp_path, softmax) == [
        Finding("s", "a Softmax that 'y' reads", "only the last layer may be one")
    ]
    pool = [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])]
    assert findings(tmp_path, pool) == [
        Finding(
            *("y", "averages padded windows without counting the padding"),
            "use count_include_pad=True, or no padding",
        )
    ]


def test_hostile_text_stays_text() -> None:
    table = findings_table(Path("net.onnx"), [Finding("n", "[bold]x[/bold]", "[red]y")])
    assert not isinstance(table, str)
    assert [str(cell) for column in table.columns for cell in column.cells] == [
        *("n", "[bold]x[/bold]", "[red]y")
    ]


def check(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from shiftloom.codegen.cli import main; sys.argv = sys.argv[1:]; main()"
    command = [sys.executable, "-c", code, "shiftloom", "check", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_exits_with_2_if_anything_is_unsupported(tmp_path: Path) -> None:
    good = check(saved(model(GOOD, {"x": [1, 2, 8, 8]}, W), tmp_path))
    assert (good.returncode, good.stdout) == (0, "net.onnx: every node is supported\n")
    made = saved(model(BAD, {"x": [1, 2, 8, 8]}, W, opset=23), tmp_path)
    bad = check(made, "--json", str(tmp_path / "out.json"))
    assert bad.returncode == 2
    assert "5 problems" in bad.stdout
    listed = json.loads((tmp_path / "out.json").read_text())
    assert [row["node"] for row in listed] == ["h", "b", "c", "d", "f"]
    missing = tmp_path / "none.onnx"
    none = check(missing)
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr == (
        f"shiftloom: {missing}: cannot be read (No such file or directory); check the path\n"
    )


def test_checking_needs_no_torch(tmp_path: Path) -> None:
    path = saved(model(GOOD, {"x": [1, 2, 8, 8]}, W), tmp_path)
    code = (
        "import sys; sys.modules['torch'] = None; from pathlib import Path; "
        "from shiftloom.codegen.frontends.onnx import from_onnx, survey; "
        f"assert survey(Path({str(path)!r})) == []; from_onnx(Path({str(path)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
