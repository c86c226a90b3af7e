"""The control registers that designs with external memory have besides those of all designs."""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.registers import Field, Register, core_registers

ALIGNMENT = 4096
"""The memory begins at a multiple of so many bytes."""
_ERRORS = (
    Field("bus_error", 3, 1, "a memory access was answered by SLVERR or DECERR; set until reset"),
    Field("misaligned", 4, 1, "a frame began with a MEMORY_BASE of no use; it was dropped"),
)
_BASE = Register(
    *("MEMORY_BASE", 0x28, "rw", "Byte address of the external memory, a multiple of 4096 above 0"),
    (Field("memory_base", 0, 32, "to be written while STATUS.busy is 0"),),
)


def memory_registers() -> tuple[Register, ...]:
    """What is added: ERRORS with its further bits alone, and a register of its own."""
    errors = next(register for register in core_registers() if register.name == "ERRORS")
    return replace(errors, fields=_ERRORS), _BASE


def register_offset(name: str) -> int:
    """Byte address of one of `memory_registers()`."""
    return next(register.offset for register in memory_registers() if register.name == name)
