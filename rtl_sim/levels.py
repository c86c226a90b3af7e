"""The longest combinational path in a mapped Xilinx netlist, counted in cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from shiftloom.codegen.errors import ShiftloomError

Bit = int | str
_READ_ADDRESS = {
    **{f"RAM32M.DO{port}": f"ADDR{port}" for port in "ABCD"},
    **{f"RAM64M.DO{port}": f"ADDR{port}" for port in "ABCD"},
    **{f"RAM{size}X1D.DPO": "DPRA" for size in (32, 64, 128)},
    **{f"RAM{size}X1D.SPO": "A" for size in (32, 64, 128)},
    **{f"RAM{size}X1S.O": "A" for size in (32, 64, 128, 256)},
}


def longest_path(top: str, cells: Mapping[str, Any]) -> int:
    """Cells in a row between registers or ports, in `cells` of a module in Yosys' JSON netlist.

    Each LUT, CARRY4, MUXF7, MUXF8 and read of a LUT memory counts one. Flip-flops, block RAMs,
    DSPs, shift registers and the write side of memories end a path, an inverter costs nothing.
    Raises ShiftloomError on a combinational loop.
    """
    inputs: dict[Bit, tuple[Bit, ...]] = {}
    cost: dict[Bit, int] = {}
    for cell in cells.values():
        for output, sources in _arcs(cell["type"], cell["connections"]):
            inputs[output] = sources
            cost[output] = 0 if cell["type"] == "INV" else 1
    try:
        order = tuple(TopologicalSorter(inputs).static_order())
    except CycleError as error:
        bits = len(error.args[1]) - 1
        raise ShiftloomError(top, f"a combinational loop through {bits} nets") from None
    level: dict[Bit, int] = {}
    for bit in order:
        below = max((level[source] for source in inputs.get(bit, ())), default=0)
        level[bit] = below + cost.get(bit, 0)
    return max(level.values(), default=0)


def _arcs(kind: str, pins: Mapping[str, list[Bit]]) -> Iterator[tuple[Bit, tuple[Bit, ...]]]:
    """The combinational outputs of a cell, each with the bits it depends on."""
    if kind.startswith("LUT") or kind in ("INV", "MUXF7", "MUXF8"):
        sources = [bit for pin, bits in pins.items() if pin != "O" for bit in bits]
        yield pins["O"][0], _nets(sources)
    elif kind == "CARRY4":
        carry_in = [*pins.get("CI", ()), *pins.get("CYINIT", ())]
        for pin in ("O", "CO"):
            for index, output in enumerate(pins.get(pin, ())):
                upto = slice(index + 1)
                yield output, _nets([*carry_in, *pins["S"][upto], *pins["DI"][upto]])
    else:
        for pin, bits in pins.items():
            address = _READ_ADDRESS.get(f"{kind}.{pin}")
            if address is None:
                continue
            sources = [
                bit for name, found in pins.items() if _is_pin(name, address) for bit in found
            ]
            for output in bits:
                yield output, _nets(sources)


def _is_pin(name: str, base: str) -> bool:
    """Whether a pin is the bus `base` or one of its bits: A, A0, A1 ..., DPRA3."""
    return name.startswith(base) and (name == base or name[len(base) :].isdigit())


def _nets(bits: list[Bit]) -> tuple[Bit, ...]:
    """Leave out constants, which Yosys writes as text."""
    return tuple(bit for bit in bits if isinstance(bit, int))
