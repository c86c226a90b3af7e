"""Emission of a board's top: the accelerator with a shell around it, what joins it to the board."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen import axi, register_rtl
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.design import Design, Stream
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.render import ranges, render
from shiftloom.codegen.rtl_library import library
from shiftloom.codegen.serial_line import SerialLine, serial_line
from shiftloom.codegen.shell_registers import shell_registers

WORD_BYTES = 8
"""Of a word of memory and of the streams of 64 bits; every frame begins with one."""
_COMMON = ("sl_axil_split", "sl_frame_close", "sl_stall_counter", *register_rtl.LIBRARY_MODULES)
_WORDS = (*_COMMON, "sl_word_unpack", "sl_word_pack")


@dataclass(frozen=True, slots=True)
class _Shell:
    """The template, the library modules that it instantiates, AXI4 masters of its own."""

    template: str
    modules: tuple[str, ...]
    masters: int = 0
    has_line: bool = False


_SHELLS: dict[Shell, _Shell] = {
    "axis": _Shell("board_axis", (*_WORDS, "sl_batch_end")),
    "mm": _Shell(
        "board_mm", (*_WORDS, "sl_batch_queue", "sl_axi_read", "sl_axi_write", "sl_fifo"), masters=1
    ),
    "serial": _Shell("board_serial", (*_COMMON, "sl_serial_bridge"), has_line=True),
}


@dataclass(frozen=True, slots=True)
class _Board:
    """What the templates say.

    `masters` are the ports of the core's AXI4 masters, `ports` those of all masters, and `own` is
    the prefix of the shell's own one, `read_ports` and `write_ports` what comes behind that.
    `line` is the shell's serial line.
    """

    banner: str
    name: str
    in_width: int
    in_beats: int
    in_words: int
    in_bytes: int
    out_width: int
    out_beats: int
    out_words: int
    out_bytes: int
    in_range: str
    out_range: str
    blank: str
    sides: tuple[str, ...]
    masters: tuple[axi.Signal, ...]
    ports: tuple[axi.Signal, ...]
    own: str
    line: SerialLine | None
    in_width_bytes: int
    out_width_bytes: int
    read_ports: tuple[str, ...]
    write_ports: tuple[str, ...]


def emit(design: Design, shell: Shell, banner: str) -> dict[str, str]:
    """RTL files by name, for the design's `rtl/` folder: the top, its registers, its library."""
    found = _SHELLS[shell]
    top = board_module(design)
    described = shell_registers(shell)
    files = {
        f"{top}.sv": render(f"rtl/{found.template}.sv.j2", _board(design, found, banner)),
        f"{top}_registers.sv": register_rtl.render_rtl(top, design.digest, banner, described),
    }
    return files | library(set(found.modules))


def board_module(design: Design) -> str:
    """Name of the module for a board."""
    return check_identifier(f"{design.name}_board", design.name)


def pins_module(design: Design) -> str:
    """Name of the module around that one whose ports are pins."""
    return check_identifier(f"{design.name}_pins", design.name)


def board_masters(design: Design, shell: Shell) -> int:
    """AXI4 masters of the module for a board: those of the accelerator, then the shell's own."""
    return design.masters + _SHELLS[shell].masters


def frame_words(stream: Stream) -> int:
    """Words of a frame in memory: its bytes, filled up to whole words."""
    return -(-stream.beats * stream.width // (8 * WORD_BYTES))


def _board(design: Design, shell: _Shell, banner: str) -> _Board:
    source, sink = design.source, design.sink
    in_range, out_range, blank = ranges(source.width, sink.width)
    ports = axi.master_ports(design.masters + shell.masters)
    own = f"m{design.masters}_axi_"
    names = tuple(port.name.removeprefix(own) for port in ports if port.name.startswith(own))
    return _Board(
        banner=banner,
        name=design.name,
        in_width=source.width,
        in_beats=source.beats,
        in_words=frame_words(source),
        in_bytes=WORD_BYTES * frame_words(source),
        out_width=sink.width,
        out_beats=sink.beats,
        out_words=frame_words(sink),
        out_bytes=WORD_BYTES * frame_words(sink),
        in_range=in_range,
        out_range=out_range,
        blank=blank,
        sides=("core", "board"),
        masters=axi.master_ports(design.masters),
        ports=ports,
        own=own.removesuffix("_"),
        line=serial_line(design.name, design.clock_mhz) if shell.has_line else None,
        in_width_bytes=source.width // 8,
        out_width_bytes=sink.width // 8,
        read_ports=tuple(name for name in names if name.startswith(("ar", "r"))),
        write_ports=tuple(name for name in names if not name.startswith(("ar", "r"))),
    )
