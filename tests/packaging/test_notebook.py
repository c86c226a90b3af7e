"""The notebook of a package is valid, the same each time, and its cells run."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from shiftloom.packaging import notebook
from shiftloom.packaging.samples import Samples

nbformat = pytest.importorskip("nbformat")


class Accelerator:
    """A driver whose outputs are its inputs, less the digits that are kept of four."""

    clock_mhz = 100.0
    power: Mapping[str, float] | None = None

    def __init__(self, folder: str) -> None:
        assert folder == "."
        self.digits, self.loaded, self.closed = 4, "", False
        self.throughput = SimpleNamespace(fps=1234.5, core_fps=5678.9)
        self.counters = "16 frames"

    def predict(self, x: Any) -> Any:
        if isinstance(x, dict):
            return {f"{name} out": self.predict(part) for name, part in x.items()}
        return x.astype(np.int64) - (4 - self.digits)

    @property
    def quality(self) -> dict[str, int]:
        return {"conv": self.digits, "fc": 2}

    @quality.setter
    def quality(self, digits: int) -> None:
        self.digits = digits

    def load_weights(self, path: str) -> None:
        self.loaded = path

    def close(self) -> None:
        self.closed = True


def case(names: tuple[str, ...], elements: int, labels: bool, quality: bool) -> Any:
    """What a design is about, and its samples: every output is its input."""
    described: dict[str, Any] = {"name": "net", "board": "pynq-z2", "digest": "ab" * 32}
    tensors = [{"name": name, "shape": [1, 1, elements], "bits": 8} for name in names]
    described |= {"inputs": tensors, "clock_mhz": 125.0}
    described["outputs"] = [{**tensor, "name": f"{tensor['name']} out"} for tensor in tensors]
    if quality:
        described["quality"] = []
    frames = np.arange(3 * elements, dtype=np.uint8).reshape(3, 1, 1, elements)
    inputs = {name: frames + index for index, name in enumerate(names)}
    outputs = {f"{name} out": part.astype(np.int64) for name, part in inputs.items()}
    wanted = np.arange(3, dtype=np.uint8) if elements == 1 else np.full(3, elements - 1, np.uint8)
    return described, Samples(inputs, outputs, wanted if labels else None, "a test")


CASES: dict[str, tuple[Any, list[str]]] = {
    "one": (case(("x",), 4, False, False), ["3 frames, 0 wrong integers"]),
    "labels": (
        case(("x",), 4, True, True),
        ["3 frames, 0 wrong integers", "100.00% of 3 frames are right", "1 digits: 100.00% right"],
    ),
    "index": (
        case(("x",), 1, True, True),
        ["100.00% of 3 frames are right", "4 digits: 100.00% right", "3 digits: 0.00% right"],
    ),
    "quality": (
        case(("x",), 4, False, True),
        ["4 digits: 0 integers are others", "3 digits: 12 integers are others"],
    ),
    "several": (
        case(("x", "it's \\"), 4, False, True),
        ["x out: 3 frames, 0 wrong integers", "3 digits: 24 integers are others"],
    ),
    "several, labels": (case(("x", "y"), 4, True, True), ["100.00% of 3 frames are right"]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("loads", [False, True])
def test_cells_run(
    name: str,
    loads: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (described, samples), lines = CASES[name]
    made = notebook.notebook(described, samples, loads)
    assert made == notebook.notebook(described, samples, loads)
    for path, content in samples.files().items():
        target = tmp_path / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    (tmp_path / "host").mkdir()
    (tmp_path / "host/accelerator.json").write_text(json.dumps(described))
    module = ModuleType("shiftloom.host.accelerator")
    module.__dict__["Accelerator"] = Accelerator
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(Accelerator, "power", {"12V": 1.5} if loads else None)
    monkeypatch.chdir(tmp_path)
    names = _run(made)
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line not in shown] == []
    assert "clock: 100 MHz, planned 125 MHz" in shown
    assert "1,234 frames/s with all that Python does" in shown
    assert ("12V: 1.50 W" in shown) == loads
    accelerator = names["accelerator"]
    assert accelerator.loaded == ("weights/net.slw" if loads else "")
    assert accelerator.closed
    assert accelerator.digits == 4


def _run(data: bytes) -> dict[str, Any]:
    """Run the cells of code of a valid notebook."""
    found = nbformat.reads(data.decode(), 4)
    nbformat.validate(found)
    assert len({cell.id for cell in found.cells}) == len(found.cells)
    names: dict[str, Any] = {}
    for cell in found.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec"), names)
    return names


def test_cells_are_those_of_the_script() -> None:
    script = "# %% [markdown]\n# # Title\n#\n# text\n# %%\n\nx = 1\n\n\ny = 2\n\n"
    assert notebook.cells(script) == [("markdown", "# Title\n\ntext"), ("code", "x = 1\n\n\ny = 2")]
