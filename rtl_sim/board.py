"""A bitstream for the simulated board: the RTL of a build with its shell, compiled.

It has the form of a vendor's: a .bit file, whose data is a shared object here, and beside it a .hwh
file that lists the cores with their addresses. `shiftloom.host.simulated` runs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shiftloom.codegen import fileset
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.host import bitstream
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.compile import compile_model, own_text, render_own

TOOL = "shiftloom"
_PADDING = b"\xff" * 32
_PAGE = 1 << 12


@dataclass(frozen=True, slots=True)
class BoardTop:
    """The top of a board: its sources, part and shell, and how many AXI4 masters it has."""

    name: str
    sources: tuple[Path, ...]
    part: str
    shell: Shell
    masters: int

    @property
    def module(self) -> str:
        """The module with the shell around the design."""
        return f"{self.name}_board"


@dataclass(frozen=True, slots=True)
class _Core:
    """A core of the board and the page of its registers, as the .hwh file lists it."""

    name: str
    address: int

    @property
    def base(self) -> str:
        return f"{self.address:#010x}"

    @property
    def high(self) -> str:
        return f"{self.address + _PAGE - 1:#010x}"


def write_bitstream(top: BoardTop, folder: Path, cache: Cache) -> Path:
    """Write `<name>.hwh`, then `<name>.bit`, into `folder`; the path of the .bit file.

    Raises ShiftloomError for a shell that has no memory, and where a tool fails.
    """
    if top.shell == "serial":
        hint = "build for a board with memory ports"
        raise ShiftloomError(top.name, "no simulated board has the shell serial", hint)
    body = _PADDING + bitstream.IGNORED + compile_board(top, cache).read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{top.name}.bit"
    fileset.write_file(path.with_suffix(".hwh"), _handoff(top).encode())
    fileset.write_file(path, _header(top, len(body)) + body)
    return path


def compile_board(top: BoardTop, cache: Cache) -> Path:
    """The shared object, with the C interface of board.cpp.j2, from the cache or newly made."""
    harness = render_own(
        "board.cpp.j2",
        basics=own_text("basics.hpp"),
        memory_model=own_text("memory_model.hpp"),
        dma_model=own_text("dma_model.hpp"),
        is_axis=top.shell == "axis",
        masters=[f"m{index}_axi" for index in range(top.masters)],
    )
    return compile_model(top.module, top.sources, harness, cache)


def _handoff(top: BoardTop) -> str:
    is_axis = top.shell == "axis"
    names = ("accelerator", "interrupts", *(("dma",) if is_axis else ()))
    cores = [_Core(name, 0x4000_0000 + _PAGE * index) for index, name in enumerate(names)]
    return render_own("board.hwh.j2", module=top.module, is_axis=is_axis, cores=cores)


def _header(top: BoardTop, size: int) -> bytes:
    """The head of a .bit file: fields a to d are texts, e is the length of the data."""
    texts = (f"{top.module};{TOOL}", bitstream.device(top.part), "", "")
    fields = b"".join(map(_field, "abcd", texts))
    return bitstream.PREAMBLE + fields + b"e" + size.to_bytes(4, "big")


def _field(name: str, text: str) -> bytes:
    body = text.encode() + b"\0"
    return name.encode() + len(body).to_bytes(2, "big") + body
