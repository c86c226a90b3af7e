"""The control registers of units whose quality is chosen at run time, one a unit."""

from __future__ import annotations

from shiftloom.codegen.quality import QUALITY_BITS, Scalable
from shiftloom.codegen.registers import Field, Register

FIRST_OFFSET = 0x40
_OPERANDS = {"weight": "a weight", "alpha": "an α", "m": "a multiplier M"}


def quality_registers(units: tuple[Scalable, ...]) -> tuple[Register, ...]:
    """A register for each unit in their order; its reset value is the quality that is exact."""
    return tuple(_register(index, unit) for index, unit in enumerate(units))


def quality_offset(index: int) -> int:
    """Byte address of the register of unit `index`."""
    return FIRST_OFFSET + 4 * index


def port_name(index: int) -> str:
    """The field of unit `index`, which is also the signal and the argument of that name."""
    return f"quality{index}"


def _register(index: int, unit: Scalable) -> Register:
    owner = unit.layer if unit.layer == unit.node else f"{unit.layer} ({unit.node})"
    doc = f"Signed digits that {owner} keeps of {_OPERANDS[unit.operand]}; {unit.most} are exact"
    field = Field(port_name(index), 0, QUALITY_BITS, "1 or more; a frame takes it as it begins")
    return Register(port_name(index).upper(), quality_offset(index), "rw", doc, (field,), unit.most)
