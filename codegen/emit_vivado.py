"""Emission of the Vivado project of a board: a script, and what it reads besides the RTL.

Boards with a processing system get an IP core in a block design. Those with a serial line and pins
get plain synthesis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shiftloom.codegen import axi, boards, mmcm, registers
from shiftloom.codegen.block_design import BlockDesign, block_design, master_names
from shiftloom.codegen.boards import Board, Pins
from shiftloom.codegen.design import Design
from shiftloom.codegen.emit_board import board_masters, board_module, pins_module
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.render import ranges, render

_STREAM_BITS = 64


@dataclass(frozen=True, slots=True)
class _Core:
    """What `vivado/ip.v.j2` says: the module `top` around `<name>_board`, and its buses."""

    banner: str
    name: str
    top: str
    buses: str
    blank: str
    addr_range: str
    word_range: str
    strobe_range: str
    resp_range: str
    stream_range: str
    has_streams: bool
    masters: tuple[axi.Signal, ...]


@dataclass(frozen=True, slots=True)
class _Project:
    """What `vivado/block.tcl.j2` says; `sources` are files of `rtl/`."""

    banner: str
    name: str
    top: str
    title: str
    part: str
    period: str
    sources: tuple[str, ...]
    buses: tuple[str, ...]
    masters: tuple[str, ...]
    window: int
    has_dma: bool
    block: BlockDesign


@dataclass(frozen=True, slots=True)
class _Plain:
    """What `plain.tcl.j2`, `pins.sv.j2` and `pins.xdc.j2` say: the top around `<name>_board`."""

    banner: str
    name: str
    top: str
    board: str
    title: str
    part: str
    sources: tuple[str, ...]
    pins: Pins
    volts: str
    period: str
    oscillator: str
    multiply: str
    divide: str
    mhz: str


def emit(design: Design, board: Board, sources: Iterable[str], banner: str) -> dict[str, str]:
    """Files of the build's `vivado/` by name; none for a board without a Vivado project.

    `sources` are the files of the build's `rtl/`, all of which the script reads.
    """
    files = tuple(sorted(sources))
    if board.shell != "serial":
        return _around_processor(design, board, files, banner)
    pins = boards.pins(board.name) if board.family == "xc7" else None
    return {} if pins is None else _plain(design, board, pins, files, banner)


def _around_processor(
    design: Design, board: Board, files: tuple[str, ...], banner: str
) -> dict[str, str]:
    """The IP core and its block design, where the board has a processing system."""
    if board.processor is None:
        return {}
    masters = board_masters(design, board.shell)
    has_dma = board.shell == "axis"
    streams = ("s_axis", "m_axis") if has_dma else ()
    project = _Project(
        banner=f"# {banner}",
        name=check_identifier(design.name, design.name),
        top=check_identifier(f"{design.name}_ip", design.name),
        title=board.title,
        part=board.part,
        period=_period(design.clock_mhz),
        sources=files,
        buses=("s_axi", *streams, *master_names(masters)),
        masters=master_names(masters),
        window=1 << registers.ADDRESS_BITS,
        has_dma=has_dma,
        block=block_design(board.processor, board, design.clock_mhz, masters),
    )
    return {
        "build.tcl": render("vivado/block.tcl.j2", project),
        f"{project.top}.v": render("vivado/ip.v.j2", _core(project, f"// {banner}")),
    }


def _core(project: _Project, banner: str) -> _Core:
    addr, word, strobe, resp, stream, blank = ranges(*registers.AXIL_BITS, _STREAM_BITS)
    return _Core(
        banner=banner,
        name=project.name,
        top=project.top,
        buses=":".join(project.buses),
        blank=blank,
        addr_range=addr,
        word_range=word,
        strobe_range=strobe,
        resp_range=resp,
        stream_range=stream,
        has_streams=project.has_dma,
        masters=axi.master_ports(len(project.masters)),
    )


def _plain(
    design: Design, board: Board, pins: Pins, files: tuple[str, ...], banner: str
) -> dict[str, str]:
    """A top that has pins alone, and makes the clock of the plan from the oscillator."""
    name, top = check_identifier(design.name, design.name), pins_module(design)
    clock = mmcm.synthesize(design.name, pins.oscillator_mhz, design.clock_mhz)
    context = _Plain(
        banner=banner,
        name=name,
        top=top,
        board=board_module(design),
        title=board.title,
        part=board.part,
        sources=files,
        pins=pins,
        volts=f"{int(pins.io[-2:]) / 10:g}",
        period=_period(pins.oscillator_mhz),
        oscillator=f"{pins.oscillator_mhz:g}",
        multiply=f"{clock.multiply:.3f}",
        divide=f"{clock.divide:.3f}",
        mhz=f"{clock.mhz:.6g}",
    )
    return {
        "build.tcl": render("vivado/plain.tcl.j2", context),
        f"{top}.sv": render("vivado/pins.sv.j2", context),
        f"{top}.xdc": render("vivado/pins.xdc.j2", context),
    }


def _period(mhz: float) -> str:
    """The period in ns."""
    return f"{1000 / mhz:.3f}"
