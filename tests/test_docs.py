"""The documentation is true: quotes, examples, tables, links and figures follow the code."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import typer
import yaml
from docs_pages import DOCS, README, ROOT, blocks, first_cells, page, rows, script_of

from shiftloom.codegen import boards, cli, config
from shiftloom.codegen.cli import steps
from shiftloom.comparing import layers, run
from shiftloom.energy.blocks import PLAIN
from shiftloom.energy.constants import TOGGLES_OF_PRODUCT
from shiftloom.simulation import Simulation

PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NOT_HERE = (
    "codegen/boards/cora-z7-07s.toml",
    "codegen/formats/apot.py",
    "codegen/ops/global_pool.py",
    "host/accelerator.json",
)
"""Files that the examples would add, or that a build has."""
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


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


RTL_ONLY = ("`AWAIT`", "`AHEAD`")
"""Parameters about clocks, which HLS C++ has none of."""


def test_hls_twins_have_the_parameters_of_their_modules() -> None:
    for module, parameters in library().items():
        header = ROOT / f"templates/hls/lib/{module}.hpp"
        if not header.exists() or module.startswith("sl_axis"):
            continue
        names = [name.strip("`") for name in parameters.split() if name not in RTL_ONLY]
        function = rf"template\s*<([^>]*)>\s*void {module.removeprefix('sl_')}\("
        match = re.search(function, header.read_text("utf-8"))
        assert match is not None, module
        assert re.findall(r"int (\w+)", match[1])[: len(names)] == names, module


def test_register_page_is_current() -> None:
    script = script_of("update_registers")
    assert page("registers.md") == script.page()


SECTIONS = {
    "target": config.TargetConfig,
    "calibration": config.CalibrationConfig,
    "defaults": config.LayerConfig,
    "pruning": config.PruningConfig,
    "repair": config.RepairConfig,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_configuration_page_has_every_key_with_its_default(section: str) -> None:
    kind = SECTIONS[section]
    listed = {row[0].strip("`"): yaml.safe_load(row[1].strip("`")) for row in keys_of(section)}
    del listed["key"]
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    assert listed == {n: list(d) if isinstance(d, tuple) else d for n, d in defaults.items()}


def keys_of(section: str) -> list[list[str]]:
    """The rows of a section's table."""
    part = page("configuration.md").split(f"\n## `{section}`")[1].split("\n## ")[0]
    return list(rows(part))


@pytest.mark.parametrize("section", SECTIONS)
def test_configuration_page_has_every_word_of_a_choice(section: str) -> None:
    listed = {row[0].strip("`"): row[2] for row in keys_of(section)}
    for field, annotation in get_type_hints(SECTIONS[section]).items():
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
    assert exit_code(monkeypatch, lambda: steps.fail_on_mismatch([wrong])) == 1
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


def test_readme_figures_are_those_of_mlperf_tiny() -> None:
    script = script_of("update_readme")
    found = json.loads((DOCS / "mlperf_tiny.json").read_text("utf-8"))
    assert script.replaced(README, "mlperf", script.mlperf(found)) == README
    assert all(row["simulated"]["mismatches"] == 0 for row in found)


def test_readme_figures_are_those_of_external_memory() -> None:
    script = script_of("update_readme")
    found = json.loads((DOCS / "external_memory.json").read_text("utf-8"))
    assert script.replaced(README, "external", script.external(found)) == README
    assert all(run["mismatches"] == 0 for run in found["runs"])


def test_paper_page_is_that_of_its_figures() -> None:
    pytest.importorskip("altair")
    found = json.loads((DOCS / "paper.json").read_text("utf-8"))
    assert page("paper.md") == script_of("update_paper").page(found)
    exact = [row for row in found["experiments"]["savings"]["rows"]["savings"] if row["place"]]
    assert [row["verdict"] for row in exact if row["network"] == "convnet"] == ["equal"] * 2
    assert all(not each["absent"] for each in found["experiments"].values())


def test_comparison_page_is_that_of_its_figures() -> None:
    found = json.loads((DOCS / "dataflows.json").read_text("utf-8"))
    text = page("comparing-dataflows.md")
    script = script_of("update_dataflows")
    assert text == script.page(text, found)
    assert (DOCS / "utilization.svg").read_text("utf-8") == script.plot(found)
    assert f"in {run.FRAMES} frames" in text
    assert {row["network"] for row in found["rows"]} == {kind.name for kind in layers.KINDS}
    assert all(row["found"] or row["refusal"] for row in found["rows"])
    assert [row for row in found["rows"] if row["found"] and row["found"]["mismatches"]] == []


def test_comparison_page_without_its_markers_is_refused() -> None:
    with pytest.raises(SystemExit, match="a page needs the markers <!-- layers:begin -->"):
        script_of("update_dataflows").page("no marker", {"multipliers": 1, "rows": []})


def test_energy_page_is_that_of_its_figures() -> None:
    pytest.importorskip("altair")
    names = ("energy", "quality", "quality_levels")
    read = (json.loads((DOCS / f"{name}.json").read_text("utf-8")) for name in names)
    found, swept, levels = read
    script, text = script_of("update_energy"), page("energy.md")
    assert text == script.page(text, found, swept, levels)
    assert (DOCS / "quality.svg").read_text("utf-8") == script.plot(swept)
    rows = [row for row in found["multipliers"]["rows"] if row["layer"] == "random"]
    (plain,) = (row for row in rows if row["block"] == PLAIN.name)
    assert round(plain["toggles"]) == TOGGLES_OF_PRODUCT
    ran = [point["hardware"] for point in swept]
    assert all(each["hls_mismatches"] == each["rtl_mismatches"] == 0 for each in ran)
    assert [point["label"] for point in levels] == ["φ = 4", "φ = 2", "φ = 1"]
    assert all(point["hardware"]["rtl_mismatches"] == 0 for point in levels)
    with pytest.raises(SystemExit, match="a page needs the markers <!-- designs:begin -->"):
        script.page("no marker", found, swept, levels)


def test_energy_page_has_every_design() -> None:
    """Those of signed digits at every K, with what their gates say of the loaded registers."""
    text = page("energy.md")
    shown = text.split("<!-- designs:begin -->")[1].split("<!-- designs:end -->")[0]
    names = [row[0] for row in rows(shown)][1:]
    assert names == ["shift", "dsp", *(f"csd, K = {k}" for k in (4, 3, 2, 1))]
    found = json.loads((DOCS / "energy.json").read_text("utf-8"))["multipliers"]
    products = found["products"]
    digit, product = (
        sum(
            products[row["layer"]] * row["enabled"] * row["ff"]
            for row in found["rows"]
            if row["layer"] in products
            and (row["block"], row["quality"]) == (f"CSD, gate {grain}", 4)
        )
        / sum(products.values())
        for grain in ("digit", "product")
    )
    assert f"{digit:.0f} a clock against {product:.0f} of one gate" in text


def test_mlperf_tiny_figures_without_a_simulation_are_refused() -> None:
    found = [{"case": "ds_cnn-int8", "simulated": None}]
    with pytest.raises(SystemExit, match="ds_cnn-int8 was not simulated; use --simulate 10"):
        script_of("update_readme").mlperf(found)


def test_accuracy_table_is_that_of_the_benchmark() -> None:
    script = script_of("update_readme")
    found = json.loads((DOCS / "accuracy.json").read_text("utf-8"))
    text = (ROOT / "models/README.md").read_text("utf-8")
    assert script.replaced(text, "accuracy", script.accuracy(found)) == text
    shipped = {path.stem for path in (ROOT / "models/checkpoints").iterdir()}
    assert {row["network"] for row in found} == shipped


def test_figures_without_their_markers_are_refused() -> None:
    with pytest.raises(SystemExit, match="a page needs the markers <!-- demo:begin -->"):
        script_of("update_readme").replaced("no marker", "demo", "")
