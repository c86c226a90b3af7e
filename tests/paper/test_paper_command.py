"""`shiftloom paper`: what it writes, and what it refuses before it starts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shiftloom.codegen import cli, fileset


def said(*arguments: object) -> str:
    """What the command prints, or its refusal."""
    run = CliRunner().invoke(cli.app, ["paper", *map(str, arguments)])
    return str(run.exception) if run.exception else run.output


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without data beside it, with a file of weights."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    np.savez(folder / "w.npz", w=np.random.default_rng(1).normal(size=(5, 7)))
    return folder


def test_results_are_written_as_a_whole(here: Path) -> None:
    shown = said(
        "digits", "savings", "vectors", "--weights", "w.npz", "--images", 40, "--json", "j"
    )
    assert "Not measured: ConvNet: cifar10/cifar10_batch_0.png: is needed" in shown
    assert "Written: out/paper/paper.html" in shown
    folder = here / "out/paper"
    fileset.verify(folder)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    plots = {f"plots/fig{n}_{net}.svg" for n in (8, 9, 10) for net in ("lenet5", "convnet")}
    plots -= {"plots/fig8_convnet.svg", "plots/fig10_convnet.svg"}
    plots |= {"plots/savings.svg", "plots/fig11_16bit.svg", "plots/fig11_8bit.svg"}
    tables = {f"{name}.csv" for name in ("savings", "zeros", "digits", "vectors")}
    assert names == {"manifest.json", "paper.html", "paper.json", *tables, *plots}
    found = json.loads((folder / "paper.json").read_text("utf-8"))
    assert json.loads((here / "j").read_text("utf-8")) == found
    assert list(found["experiments"]) == ["digits", "savings", "vectors"]
    for experiment in found["experiments"].values():
        for name, rows in experiment["rows"].items():
            with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                lines = list(csv.DictReader(file))
            assert lines == [
                {key: "" if value is None else str(value) for key, value in row.items()}
                for row in rows
            ]


def test_the_page_stands_alone(here: Path) -> None:
    said("savings", "digits", "--weights", "w.npz")
    text = (here / "out/paper/paper.html").read_text("utf-8")
    for tag in ("<script", "<link", "<img", " src=", 'href="http'):
        assert tag not in text
    assert text.count("<svg") == 3
    for cell in ("88.82 %", "91.95 %", "82.4919 %", "miss by +6.8658 points", "does not hold"):
        assert (cell in text) == (cell != "does not hold")
    assert "var(" not in (here / "out/paper/plots/savings.svg").read_text("utf-8")


def test_a_second_run_replaces_the_first(here: Path) -> None:
    said("savings", "digits", "--weights", "w.npz")
    said("savings")
    assert not (here / "out/paper/digits.csv").exists()
    assert (here / "out/paper/savings.csv").is_file()


def test_refusals_come_before_any_work(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.paper.run.run", lambda *_: pytest.fail("it started"))
    assert said("tables") == (
        "experiment 'tables': is not known; did you mean 'table3'? known: savings, digits, table3, "
        "levels, vectors"
    )
    assert said("savings", "--weights", "w.npz") == (
        "--weights w.npz: is read by the experiment digits; add it"
    )
    assert said("savings", "-o", ".") == (
        ".: holds files that are not a build; give another output folder"
    )
    assert not (here / "out").exists()


def test_a_bad_file_of_weights_leaves_nothing(here: Path) -> None:
    (here / "bad.onnx").write_bytes(b"nothing")
    assert said("savings", "digits", "--weights", "bad.onnx") == (
        "bad.onnx: is no ONNX model; give a complete .onnx file"
    )
    assert not (here / "out").exists()
