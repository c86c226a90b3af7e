"""Tops of boards: files, frames in words, masters, lines; which files of a build they need."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import memory_designs
import pytest
import reload_nets
from refusals import refuses

from shiftloom.codegen import boards, emit_board, emit_rtl, fileset
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.build import build
from shiftloom.codegen.design import Design, Stream
from shiftloom.codegen.emit_board import board_module, frame_words
from shiftloom.codegen.rtl_library import library
from shiftloom.opened import OpenedBuild, open_build

SHELLS: tuple[Shell, ...] = get_args(Shell)
DESIGN = memory_designs.design()
PLAIN = replace(DESIGN, memory=None, instances=(replace(DESIGN.instances[0], masters=0),))


def _top(design: Design, shell: Shell) -> str:
    """The text of the board's top."""
    return emit_board.emit(design, shell, "banner")[f"{board_module(design)}.sv"]


def _masters(text: str) -> set[str]:
    """The masters among the ports of a top."""
    found: list[str] = re.findall(r"^  output wire .* (m\d)_axi_arvalid,?$", text, re.MULTILINE)
    return set(found)


@pytest.mark.parametrize("shell", SHELLS)
def test_files_are_the_top_its_registers_and_their_library(shell: Shell) -> None:
    files = emit_board.emit(PLAIN, shell, "banner")
    own = {"copying_board.sv", "copying_board_registers.sv"}
    text = "".join(files[name] for name in sorted(own))
    named = set(re.findall(r"^  (sl_\w+) [#u]", text, re.MULTILINE))
    assert files.keys() == own | library(named).keys()
    assert all(files[name].startswith("// banner\n") for name in own)
    shared = files.keys() & emit_rtl.library({"sl_axis_framer", "sl_axil_slave"}).keys()
    assert shared == {"sl_axil_slave.sv"}


@pytest.mark.parametrize(
    ("beats", "bits", "words"),
    [(1, 8, 1), (8, 8, 1), (9, 8, 2), (5, 16, 2), (784, 8, 98), (1, 72, 2)],
)
def test_words_of_a_frame(beats: int, bits: int, words: int) -> None:
    assert frame_words(Stream("x", "", (1, beats, 1), 1, bits, False)) == words


@pytest.mark.parametrize(
    ("shell", "core", "board"),
    [
        ("mm", set(), {"m0"}),
        ("mm", {"m0", "m1"}, {"m0", "m1", "m2"}),
        ("axis", {"m0", "m1"}, {"m0", "m1"}),
        ("axis", set(), set()),
        ("serial", set(), set()),
    ],
)
def test_the_master_of_the_shell_comes_behind_those_of_the_core(
    shell: Shell, core: set[str], board: set[str]
) -> None:
    text = _top(DESIGN if core else PLAIN, shell)
    assert _masters(text) == board
    joined = set(re.findall(r"\.(m\d)_axi_arvalid\(\1_axi_arvalid\)", text))
    assert joined == core
    assert set(re.findall(r"\.m_axi_arvalid\((m\d)_axi_arvalid\)", text)) == board - core


def test_batches_are_as_long_as_their_frames() -> None:
    text = _top(PLAIN, "mm")
    for side, words in (("IN", 40), ("OUT", 40)):
        assert re.search(rf"\.{side}_BYTES *\({8 * words}\)", text)
    assert text.count(".cmd_beats(32'd40)") == 2


def test_a_line_has_the_rate_of_the_clock() -> None:
    text = _top(replace(PLAIN, clock_mhz=50.0), "serial")
    assert "parameter int CLOCKS = 50," in text
    assert "parameter int GAP = 1000000 " in text
    problem = "a clock of 0.3 MHz makes no rate of a serial line within 1 %"
    with refuses(f"copying: {problem}; use another, or one far above 0.46 MHz"):
        _top(replace(PLAIN, clock_mhz=0.3), "serial")


def test_a_name_too_long_for_its_modules_is_refused() -> None:
    name = "a" * 115
    hint = "use lower-case letters, digits and _, starting with a letter, at most 120"
    with refuses(f"{name}: the name {'a' * 64!r} cannot be used in HDL; {hint}"):
        board_module(replace(PLAIN, name=name))


@pytest.fixture(scope="module", params=SHELLS)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OpenedBuild:
    """A build for each shell, read back."""
    config, folder = reload_nets.settings(), tmp_path_factory.mktemp(request.param) / "tiny"
    quantized = reload_nets.build().quantized
    board = boards.get(config.target.board).with_shell(request.param)
    fileset.write(build(quantized, config, board).files, folder)
    return open_build(folder)


def _names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def test_the_accelerator_needs_nothing_of_its_board(opened: OpenedBuild) -> None:
    assert _names(opened.sources()) == sorted(emit_rtl.emit(opened.design, ""))


def test_a_board_needs_every_file(opened: OpenedBuild) -> None:
    rtl = sorted(path.name for path in (opened.folder / "rtl").iterdir())
    assert _names(opened.board_sources()) == rtl
    assert {"tiny_board.sv", "tiny_board_registers.sv"} <= set(rtl) - set(_names(opened.sources()))
