"""A mapped Xilinx netlist as arrays of net numbers, for a simulation of all cells at once.

Net 0 is the constant 0, net 1 the constant 1, and net 2 takes what outputs without a net give.
Every cell with one output is a look-up table of six inputs, the unused ones tied to 0; a shift
register SRL16E of fixed length is as many flip-flops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError

Nets = npt.NDArray[np.int64]
Bit = int | str | tuple[int, int]
"""A net of the JSON, a constant, or a place within a shift register."""
Cell = Mapping[str, Any]
FIXED = 3
"""Nets that are none of the module's."""
_NOWHERE = "nowhere"
_FIXED: dict[Bit, int] = {"0": 0, "x": 0, "1": 1, _NOWHERE: 2}
_MUX = 0b11001010
"""MUXF7, MUXF8: S ? I1 : I0, by the index S·4 + I1·2 + I0."""
_INVERTER = 0b01
_TABLES = (*(f"LUT{size}" for size in range(1, 7)), "INV", "MUXF7", "MUXF8")
_REGISTERS = ("FDRE", "FDSE")


@dataclass(frozen=True, slots=True, eq=False)
class Luts:
    """Look-up tables: inputs [6, cells], table [cells, 64], output [cells]."""

    inputs: Nets
    table: npt.NDArray[np.uint8]
    output: Nets


@dataclass(frozen=True, slots=True, eq=False)
class Carries:
    """CARRY4 cells: CI and CYINIT [2, cells], S and DI [4, cells], O0 … CO3 [8, cells]."""

    carry_in: Nets
    select: Nets
    data: Nets
    output: Nets


@dataclass(frozen=True, slots=True, eq=False)
class Registers:
    """Flip-flops: their pins, [cells] each, and what a reset gives."""

    d: Nets
    q: Nets
    enable: Nets
    reset: Nets
    reset_to: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Netlist:
    """A flat module with one clock, which `inputs` leaves out.

    `loads` counts the pins that each net drives: of cells, and of the module's outputs.
    """

    name: str
    nets: int
    inputs: dict[str, Nets]
    outputs: dict[str, Nets]
    luts: Luts
    carries: Carries
    registers: Registers
    loads: Nets


def read(name: str, module: Mapping[str, Any], clock: str = "clk") -> Netlist:
    """The arrays of a module in Yosys' JSON netlist; raises ShiftloomError for an unknown cell."""
    cells: list[Cell] = [cell for _, cell in sorted(module["cells"].items())]
    cells = [part for cell in cells for part in _parts(cell) if part["type"] != "$scopeinfo"]
    for cell in cells:
        if cell["type"] not in (*_TABLES, "CARRY4", *_REGISTERS):
            known = "LUTs, MUXF7, MUXF8, INV, CARRY4, FDRE, FDSE and SRL16E of fixed length"
            raise ShiftloomError(name, f"has a {cell['type']}", f"the simulation knows {known}")
    numbers = _numbered(cells, module["ports"])
    return Netlist(
        name,
        len(set(numbers.values())),
        _ports(module, "input", numbers, clock),
        _ports(module, "output", numbers, clock),
        _luts([cell for cell in cells if cell["type"] in _TABLES], numbers),
        _carries([cell for cell in cells if cell["type"] == "CARRY4"], numbers),
        _registers([cell for cell in cells if cell["type"] in _REGISTERS], numbers),
        _loads(cells, module, numbers),
    )


def _parts(cell: Cell) -> Iterator[Cell]:
    """The cell, or the flip-flops of a shift register whose length is a constant."""
    pins = cell["connections"]
    address = [pins[f"A{place}"][0] for place in range(4)] if cell["type"] == "SRL16E" else ["x"]
    if not set(address) <= {"0", "1"}:
        yield cell
        return
    last = sum(int(bit) << place for place, bit in enumerate(address))
    nets = [*pins["D"], *((*pins["Q"], place) for place in range(last)), *pins["Q"]]
    directions = {"D": "input", "CE": "input", "Q": "output"}
    for d, q in pairwise(nets):
        own = {"D": [d], "CE": pins["CE"], "Q": [q]}
        yield {"type": "FDRE", "connections": own, "port_directions": directions}


def _numbered(cells: Iterable[Cell], ports: Mapping[str, Any]) -> dict[Bit, int]:
    """The number of each net."""
    numbers = dict(_FIXED)
    everything = [port["bits"] for port in ports.values()]
    everything += [bits for cell in cells for bits in cell["connections"].values()]
    for bit in (bit for bits in everything for bit in bits if bit not in numbers):
        numbers.setdefault(bit, len(numbers) - 1)  # 0 and x share a number
    return numbers


def _ports(
    module: Mapping[str, Any], direction: str, numbers: Mapping[Bit, int], clock: str
) -> dict[str, Nets]:
    return {
        name: np.array([numbers[bit] for bit in port["bits"]])
        for name, port in module["ports"].items()
        if port["direction"] == direction and name != clock
    }


def _pins(cells: Sequence[Cell], numbers: Mapping[Bit, int], *pins: str, absent: Bit = "0") -> Nets:
    """The nets at bit 0 of each of `pins`, or at the bit behind a dot; [pins, cells]."""
    found = np.zeros((len(pins), len(cells)), np.int64)
    for row, pin in enumerate(pins):
        name, _, place = pin.partition(".")
        for column, cell in enumerate(cells):
            bits = cell["connections"].get(name, ())
            at = int(place or 0)
            found[row, column] = numbers[bits[at] if at < len(bits) else absent]
    return found


def _luts(cells: Sequence[Cell], numbers: Mapping[Bit, int]) -> Luts:
    muxes = ("MUXF7", "MUXF8")
    table = np.zeros((len(cells), 64), np.uint8)
    for row, cell in zip(table, cells, strict=True):
        kind = cell["type"]
        init = _MUX if kind in muxes else _INVERTER
        if kind.startswith("LUT"):
            init = int(cell["parameters"]["INIT"], 2)
        row[:] = [init >> index & 1 for index in range(64)]
    plain = _pins(cells, numbers, *(f"I{place}" for place in range(6)))
    only, select = _pins(cells, numbers, "I", "S")
    for column, cell in enumerate(cells):
        if cell["type"] == "INV":
            plain[0, column] = only[column]
        if cell["type"] in muxes:
            plain[2, column] = select[column]
    return Luts(plain, table, _pins(cells, numbers, "O")[0])


def _carries(cells: Sequence[Cell], numbers: Mapping[Bit, int]) -> Carries:
    sides = [f"{pin}.{place}" for pin in ("O", "CO") for place in range(4)]
    return Carries(
        _pins(cells, numbers, "CI", "CYINIT"),
        _pins(cells, numbers, *(f"S.{place}" for place in range(4))),
        _pins(cells, numbers, *(f"DI.{place}" for place in range(4))),
        _pins(cells, numbers, *sides, absent=_NOWHERE),
    )


def _registers(cells: Sequence[Cell], numbers: Mapping[Bit, int]) -> Registers:
    reset = _pins(cells, numbers, "R") | _pins(cells, numbers, "S")  # one of them is there
    d, q = _pins(cells, numbers, "D", "Q")
    enable = _pins(cells, numbers, "CE", absent="1")
    reset_to = np.array([cell["type"] == "FDSE" for cell in cells], np.uint8)
    return Registers(d, q, enable[0], reset[0], reset_to)


def _loads(cells: Iterable[Cell], module: Mapping[str, Any], numbers: Mapping[Bit, int]) -> Nets:
    """How many pins each net drives, those of the module's outputs included."""
    driven = [
        numbers[bit]
        for cell in cells
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "input"
        for bit in bits
    ]
    outputs = (p["bits"] for p in module["ports"].values() if p["direction"] == "output")
    driven += [numbers[bit] for bits in outputs for bit in bits]
    return np.bincount(driven, minlength=len(set(numbers.values())))
