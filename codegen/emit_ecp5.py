"""Emission for a bare ECP5 board: the top at its pins, and the constraints of the pins."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen import boards
from shiftloom.codegen.boards import Board, Pins
from shiftloom.codegen.design import Design
from shiftloom.codegen.ecp5_pll import Pll, synthesize
from shiftloom.codegen.emit_board import board_module, pins_module
from shiftloom.codegen.render import render


@dataclass(frozen=True, slots=True)
class _Top:
    banner: str
    module: str
    board: str
    title: str
    pins: Pins
    pll: Pll
    mhz: str
    oscillator: str


def emit(design: Design, board: Board, banner: str) -> dict[str, str]:
    """Files by name, of a board with pins and the shell `serial`; none of another."""
    pins = boards.pins(board.name) if board.family == "ecp5" else None
    if board.shell != "serial" or pins is None:
        return {}
    pll = synthesize(design.name, pins.oscillator_mhz, design.clock_mhz)
    module = pins_module(design)
    top = _Top(
        banner,
        module,
        board_module(design),
        board.title,
        pins,
        pll,
        f"{pll.mhz:.6g}",
        f"{pins.oscillator_mhz:.6g}",
    )
    return {
        f"{module}.sv": render("ecp5/pins.sv.j2", top),
        f"{module}.lpf": render("ecp5/pins.lpf.j2", top),
    }
