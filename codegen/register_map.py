"""All control registers of a design: those of every one, and those that come with its parts."""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.design import Design
from shiftloom.codegen.memory_registers import memory_registers
from shiftloom.codegen.quality_registers import quality_registers
from shiftloom.codegen.registers import Register, core_registers


def registers_of(design: Design) -> tuple[Register, ...]:
    """All registers of a design."""
    added = {} if design.memory is None else {each.name: each for each in memory_registers()}
    merged = tuple(
        replace(each, fields=each.fields + added.pop(each.name).fields)
        if each.name in added
        else each
        for each in core_registers()
    )
    return (*merged, *added.values(), *quality_registers(design.quality))
