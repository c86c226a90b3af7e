"""A build's bitstream for the simulated board."""

from __future__ import annotations

from pathlib import Path

from shiftloom.codegen.emit_board import board_masters
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.board import BoardTop, write_bitstream
from shiftloom.rtl_sim.cache import Cache


def simulated_bitstream(opened: OpenedBuild, cache: Cache) -> Path:
    """Compile the RTL with its shell; the .bit file in the results folder, its .hwh beside it.

    Raises ShiftloomError for a build with the shell `serial`.
    """
    return write_bitstream(board_top(opened), opened.results / "simulated", cache)


def board_top(opened: OpenedBuild) -> BoardTop:
    """The build's top for its board."""
    design, board = opened.design, opened.plan.board
    masters = board_masters(design, board.shell)
    return BoardTop(design.name, opened.board_sources(), board.part, board.shell, masters)
