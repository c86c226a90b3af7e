"""Boards, one TOML file each: the part, its resources and the clock we assume."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal

from pydantic import TypeAdapter

from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.values import nearest

Family = Literal["xc7", "xcup", "ecp5"]
"""7 series, UltraScale+ or ECP5."""
Shell = Literal["axis", "mm", "serial"]
"""What joins an accelerator to its board: streams for a DMA core, its own DMA, or a serial line."""
Processor = Literal["zynq7", "zynqmp"]
"""The processing system of a Zynq-7000 or a Zynq UltraScale+."""


@dataclass(frozen=True, slots=True)
class Board:
    """An FPGA board; resources are those of the programmable logic.

    `memory_ports` counts the 64-bit AXI4 ports to external memory; `shell` needs one of them unless
    it is `serial`. They reach `memory_mib` of it from address 0 on. A Vivado project needs a
    `processor`, or `pins` with a serial line.
    """

    name: str
    title: str
    part: str
    family: Family
    clock_mhz: float
    lut: int
    ff: int
    dsp: int
    bram36: int
    shell: Shell
    memory_ports: int = 0
    memory_mib: int = 0
    processor: Processor | None = None

    def with_shell(self, shell: Shell | None) -> Board:
        """The board with another shell than its own; raises ShiftloomError where it has no ports.

        None leaves the board's own.
        """
        board = self if shell is None else replace(self, shell=shell)
        if board.shell != "serial" and not board.memory_ports:
            hint = "leave target.shell out, or use serial"
            raise ShiftloomError(
                f"board {self.name}", f"no memory ports for the shell {board.shell}", hint
            )
        return board


@dataclass(frozen=True, slots=True)
class Pins:
    """What a bitstream needs to know of a bare board: its package, its oscillator, its line.

    `clock`, `rx` and `tx` are sites of the package: the oscillator, the line into the FPGA and the
    line out of it. `io` is their electrical standard.
    """

    package: str
    oscillator_mhz: float
    io: str
    clock: str
    rx: str
    tx: str


_ADAPTER = TypeAdapter(Board)
_PINS = TypeAdapter(Pins)


def known() -> tuple[str, ...]:
    """Names of all boards, sorted."""
    folder = resources.files(__name__)
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


def get(name: str) -> Board:
    """The board `name`; raises ShiftloomError with the nearest known names."""
    described = _described(name)
    described.pop("pins", None)
    return _ADAPTER.validate_python({"name": name, **described})


def pins(name: str) -> Pins | None:
    """The pins of the board `name`, None where its file has none; raises as `get` does."""
    described = _described(name)
    return _PINS.validate_python(described["pins"]) if "pins" in described else None


def _described(name: str) -> dict[str, Any]:
    names = known()
    if name not in names:
        raise ShiftloomError(f"board {shown(name)}", "unknown", nearest(name, names))
    return tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text("utf-8"))
