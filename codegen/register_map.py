"""All control registers of a design: those of every one, and those that come with its parts."""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.design import Design
from shiftloom.codegen.load_registers import LOAD_REGISTERS
from shiftloom.codegen.loading import loadable
from shiftloom.codegen.memory_registers import memory_registers
from shiftloom.codegen.quality_registers import quality_registers
from shiftloom.codegen.registers import Register, core_registers


def registers_of(design: Design) -> tuple[Register, ...]:
    """All registers of a design."""
    registers = core_registers()
    if design.memory is not None:
        registers = _with(registers, memory_registers())
    if loadable(design):
        registers = _with(registers, LOAD_REGISTERS)
    return _with(registers, quality_registers(design.quality))


def _with(registers: tuple[Register, ...], more: tuple[Register, ...]) -> tuple[Register, ...]:
    """The registers with further fields, and with further registers behind them."""
    added = {register.name: register for register in more}
    merged = tuple(
        replace(r, fields=r.fields + added.pop(r.name).fields) if r.name in added else r
        for r in registers
    )
    return (*merged, *added.values())
