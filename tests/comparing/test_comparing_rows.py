"""A tiny layer through every dataflow that is there, and the tables, plots and data of rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from typer.testing import CliRunner

from shiftloom.codegen import cli
from shiftloom.codegen.cli import comparing as command
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows import registry
from shiftloom.codegen.dataflows.registry import Dataflow
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.comparing import run, table
from shiftloom.comparing.layers import Kind
from shiftloom.comparing.run import Measured, Options, Row
from shiftloom.comparing.traffic import Traffic
from shiftloom.rtl_sim.cache import Cache

TINY = Kind("conv3x3", 4, 4, 4, 3)
FOUND = Measured(
    products=600,
    multipliers=10,
    planned_interval=100,
    planned_latency=120,
    interval=80.0,
    latency=121,
    mismatches=0,
    dram_bytes=64.0,
    traffic=Traffic(1000, 200, 30),
    toggles={"u_a": 5.5, "top": 2.0},
    resources=Resources(11, 22, 1, 0.5),
)
ROWS = (
    Row("conv", "one", FOUND),
    Row("conv", "two", None, "layer: has no such unit; use another"),
)


def test_utilization_is_the_share_of_multipliers_at_work() -> None:
    assert FOUND.utilization == 600 / 800
    assert FOUND.all_toggles == 7.5
    assert replace(FOUND, toggles={}).all_toggles is None
    assert replace(FOUND, multipliers=0).utilization is None


@pytest.mark.parametrize("name", [each.name for each in registry.DATAFLOWS])
def test_a_tiny_layer_through_each_dataflow(name: str, cache: Cache) -> None:
    said: list[str] = []
    (row,) = run.compare_layer(TINY, (name,), Options(16, False), cache, said.append)
    assert said == [f"conv3x3: {name}"]
    assert row.found is not None, row.refusal
    found = row.found
    assert found.mismatches == 0, found.first
    assert found.products == 16 * 4 * 36
    assert found.multipliers > 0
    assert found.interval >= found.products / found.multipliers * 0.95
    assert abs(found.interval / found.planned_interval - 1) < 0.1
    assert found.traffic.weights > 0
    assert found.traffic.activations > 0
    assert found.all_toggles is not None
    assert found.all_toggles > found.products
    assert found.resources is None


def test_refusals_are_rows(monkeypatch: pytest.MonkeyPatch, cache: Cache) -> None:
    def refuse(*_: object) -> None:
        raise ShiftloomError("layer", "is too odd", "use another dataflow")

    given = (Dataflow("odd", refuse, refuse),)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "DATAFLOWS", given)
    (row,) = run.compare_layer(TINY, ("odd",), Options(16, False), cache, print)
    assert row == Row("conv3x3", "odd", None, "layer: is too odd; use another dataflow")


def test_unknown_dataflows_are_refused(cache: Cache) -> None:
    with pytest.raises(ShiftloomError, match=r"^--dataflow 'streamin': is not known; did you mean"):
        run.compare_layer(TINY, ("streamin",), Options(), cache, print)


# ---------------------------------------------------------------- tables and files


def test_tables() -> None:
    clocks, cells = table.grids(ROWS)
    assert [column.title for column in clocks.columns][2:5] == [
        "Multipliers",
        "Interval",
        "planned",
    ]
    assert clocks.rows == (
        ("conv", "one", "10", "80", "100", "121", "120", "0", "75.0 %", ""),
        ("conv", "two", *["–"] * 7, "layer: has no such unit; use another"),
    )
    assert cells.rows == (("conv", "one", "11", "22", "1", "0.5", "64", "1,000", "200", "30", "8"),)
    (_, bare) = table.grids((Row("conv", "one", replace(FOUND, resources=None)),))
    assert bare.rows[0][2:6] == ("–",) * 4


def test_data_is_read_back() -> None:
    plain = json.loads(json.dumps(table.data(ROWS)))
    assert plain[0]["found"]["utilization"] == 0.75
    assert table.rows_of(plain) == ROWS


def test_files_have_a_plot_of_each_measure() -> None:
    pytest.importorskip("altair")
    names = {f"plots/{measure.name}.svg" for measure in table.MEASURES}
    files = table.files(ROWS)
    assert set(files) == {"dataflows.json", "manifest.json", *names}
    assert b"clocks between frames" in files["plots/interval.svg"]
    bare = (Row("conv", "two", None, "no"),)
    assert set(table.files(bare)) == {"dataflows.json", "manifest.json"}


# ---------------------------------------------------------------- the command


def compare(*arguments: str) -> str:
    """Run the command; what it refuses is raised, else what it prints."""
    done = CliRunner().invoke(cli.app, ["compare", *arguments])
    if isinstance(done.exception, ShiftloomError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_on_a_layer(tmp_path: Path, cache: Cache) -> None:
    pytest.importorskip("altair")
    out, figures = tmp_path / "found", tmp_path / "figures.json"
    sizes = ("--size", "4", "--inputs", "4", "--outputs", "4", "--multipliers", "16")
    said = compare(
        *("--layer", "conv3x3", *sizes, "--no-synthesize", "--dataflow", "streaming"),
        *("-o", str(out), "--json", str(figures), "--cache", str(cache.root)),
    )
    assert "Utilization" in said
    (row,) = table.rows_of(json.loads(figures.read_text()))
    assert row.found is not None
    assert row.found.interval == row.found.planned_interval == 144
    assert json.loads((out / "dataflows.json").read_text()) == json.loads(figures.read_text())
    assert (out / "plots" / "toggles.svg").is_file()


def test_the_command_on_a_network(tmp_path: Path, cache: Cache) -> None:
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(np.float32(rng.normal(size=(4, 2, 3, 3))), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], "conv")
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 2, 5, 5]), ("y", [1, 4, 3, 3]))
    ]
    graph = helper.make_graph([node], "net", ports[:1], ports[1:], [weights])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "net.onnx"
    )
    np.save(tmp_path / "x.npy", rng.integers(0, 256, (16, 5, 5, 2), dtype=np.uint8))
    files = ("--model", "net.onnx", "--calibration", "x.npy", "--frames", "x.npy")
    given = [str(tmp_path / name) if name[0] != "-" else name for name in files]
    figures = tmp_path / "figures.json"
    compare(
        *(*given, "--no-synthesize", "--dataflow", "streaming", "--multipliers", "6"),
        *("--json", str(figures), "--cache", str(cache.root)),
    )
    (row,) = table.rows_of(json.loads(figures.read_text()))
    assert row.found is not None
    assert (row.network, row.found.products, row.found.mismatches) == ("net", 9 * 4 * 18, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--layer", "conv3x3", "lenet5"),
            "--layer conv3x3: is a network of its own; leave out all other networks, and --config",
        ),
        (
            ("lenet5", "--size", "3"),
            "--size, --inputs, --outputs: are of a layer; name one in --layer",
        ),
        (("--layer", "all", "--size", "3"), "--layer all: takes no sizes; name one layer for them"),
    ],
)
def test_contradictions_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ShiftloomError) as refused:
        compare(*arguments)
    assert str(refused.value) == message


def test_wrong_outputs_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = replace(FOUND, mismatches=3, first="image 0, layer")
    rows = (Row("conv3x3", "one", wrong),)
    monkeypatch.setattr(command.run, "compare_layer", lambda *_: rows)
    done = CliRunner().invoke(cli.app, ["compare", "--layer", "conv3x3"])
    assert done.exit_code == 1
    assert "conv3x3, one: 3 wrong outputs. image 0, layer" in done.output
