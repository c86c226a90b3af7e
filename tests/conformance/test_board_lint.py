"""Tops of boards are clean under Verilator's lint and readable by Yosys, whatever the core has."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conformance_nets import Net, named_net
from conformance_run import Built
from rtl_library import planted
from test_generated_lint import COLUMNS, verilator_lint, yosys_check

from shiftloom.codegen import loading
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.emit_board import board_module
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.opened import OpenedBuild

Builder = Callable[[Net], Built]


Settings = dict[str, dict[str, Any]]
CORES: dict[str, Settings] = {
    "plain": {},
    "memory": {"target": {"array": [8, 8]}, "layers": {"board": {"dataflow": "systolic"}}},
    "loaded": {"defaults": {"weights": "ram"}},
    "digits": {"defaults": {"format": "int", "pe": "csd"}},
}


@dataclass(frozen=True)
class Case:
    """A shell, what the core has besides streams and registers, and how many masters that is."""

    shell: Shell
    core: str
    masters: int = 0

    @property
    def name(self) -> str:
        """Names the network and the test."""
        return f"{self.shell}_{self.core}"

    def net(self) -> Net:
        """The network with its settings."""
        settings = CORES[self.core]
        target = {**settings.get("target", {}), "shell": self.shell}
        return named_net(self.name, **{**settings, "target": target})


CASES = (
    Case("mm", "plain", 1),
    Case("mm", "memory", 4),
    Case("axis", "memory", 3),
    Case("axis", "loaded"),
    Case("mm", "digits", 1),
    Case("serial", "loaded"),
    Case("serial", "digits"),
)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Each of the cases."""
    found: Case = request.param
    return found


def _opened(case: Case, built: Builder) -> OpenedBuild:
    return built(case.net()).opened


def test_verilator_finds_nothing_in_a_board(case: Case, built: Builder) -> None:
    opened = _opened(case, built)
    assert verilator_lint(board_module(opened.design), opened.board_sources()) == ""


def test_yosys_reads_a_board(case: Case, built: Builder, tmp_path: Path) -> None:
    opened = _opened(case, built)
    yosys_check(board_module(opened.design), opened.board_sources(), tmp_path / "run")


def test_a_board_has_what_its_case_says(case: Case, built: Builder) -> None:
    opened = _opened(case, built)
    design = opened.design
    top = (opened.folder / "rtl" / f"{board_module(design)}.sv").read_text("ascii")
    masters = set(re.findall(r"^  output wire .* m(\d)_axi_arvalid,?$", top, re.MULTILINE))
    assert masters == set(map(str, range(case.masters)))
    found = {
        **{"plain": True, "memory": design.memory is not None},
        **{"loaded": bool(loading.loadable(design)), "digits": bool(design.quality)},
    }
    assert {core for core in CORES if found[core]} == {"plain", case.core}


def test_lines_of_a_board_are_short(case: Case, built: Builder) -> None:
    opened = _opened(case, built)
    for path in set(opened.board_sources()) - set(opened.sources()):
        for line in path.read_text("ascii").splitlines():
            assert len(line) <= COLUMNS, f"{path.name}: {line}"


def _broken(case: Case, built: Builder, folder: Path, old: str, new: str) -> list[Path]:
    """The sources of a board with one edit in its top."""
    opened = _opened(case, built)
    folder.mkdir()
    return planted(folder, opened.board_sources(), board_module(opened.design), old, new)


def test_verilator_finds_a_master_that_is_cut(built: Builder, tmp_path: Path) -> None:
    case, old = Case("axis", "memory"), ".m1_axi_araddr(m1_axi_araddr)"
    sources = _broken(case, built, tmp_path / "rtl", old, ".m1_axi_araddr(m1_axi_araddr[30:0])")
    assert "WIDTH" in verilator_lint(f"{case.name}_board", sources)


def test_yosys_finds_a_line_without_driver(built: Builder, tmp_path: Path) -> None:
    case, old = Case("serial", "loaded"), ".m_axis_tvalid(out_tvalid)"
    sources = _broken(case, built, tmp_path / "rtl", old, ".m_axis_tvalid()")
    with pytest.raises(ShiftloomError, match="Found 1 problems"):
        yosys_check(f"{case.name}_board", sources, tmp_path / "run")
