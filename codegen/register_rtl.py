"""The register file of a description as SystemVerilog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.registers import (
    ADDRESS_BITS,
    Field,
    Register,
    check,
    constants,
    core_registers,
)
from shiftloom.codegen.render import render

LIBRARY_MODULES = ("sl_axil_slave",)
"""Library modules that the generated register file instantiates."""
_PORT_KINDS = {
    "ro": "input  wire ",
    "rw": "output logic",
    "w1c": "input  wire ",
    "wo": "output logic",
}
_PORT_RANGE = len("[ADDR_BITS-1:0] ")
_AXI_SIGNALS = tuple(
    f"{channel}{signal}"
    for channel, signals in {
        "aw": ("addr", "valid", "ready"),
        "w": ("data", "strb", "valid", "ready"),
        "b": ("resp", "valid", "ready"),
        "ar": ("addr", "valid", "ready"),
        "r": ("data", "resp", "valid", "ready"),
    }.items()
    for signal in signals
)


@dataclass(frozen=True, slots=True)
class _Signal:
    declaration: str
    doc: str


@dataclass(frozen=True, slots=True)
class _Bits:
    name: str
    state: str
    range: str
    slice: str
    reset: str


@dataclass(frozen=True, slots=True)
class _Word:
    name: str
    address: str
    select: str
    clear: str
    cleared_by: str
    strobe: str
    level: str
    any_bit: str
    is_pulse: bool
    is_sticky: bool
    read: str
    fields: tuple[_Bits, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    banner: str
    module: str
    address_bits: int
    axi_signals: tuple[str, ...]
    ports: tuple[_Signal, ...]
    commands: tuple[_Signal, ...]
    registers: tuple[_Word, ...]
    writable: tuple[_Word, ...]


def render_rtl(
    name: str, digest: str, banner: str, registers: tuple[Register, ...] = core_registers()
) -> str:
    """The SystemVerilog of module `<name>_registers`; raises ShiftloomError as `check` does."""
    check(registers)
    values = constants(digest)
    words = {register: _word(register, values) for register in registers}
    fields = [(register, field) for register in registers for field in register.fields]
    inner = {register.cleared_by for register in registers}
    context = _Context(
        banner=banner,
        module=check_identifier(f"{name}_registers", name),
        address_bits=ADDRESS_BITS,
        axi_signals=_AXI_SIGNALS,
        ports=(
            *(
                _signal(r, f, _PORT_KINDS[r.access], _PORT_RANGE)
                for r, f in fields
                if f.name not in inner
            ),
            *(_further(r, r.strobe, "was written") for r in registers if r.strobe),
            *(_further(r, r.level, "has a bit that is set") for r in registers if r.level),
        ),
        commands=tuple(_signal(r, f, "logic") for r, f in fields if f.name in inner),
        registers=tuple(words.values()),
        writable=tuple(word for register, word in words.items() if register.access != "ro"),
    )
    return render("rtl/registers.sv.j2", context)


def _signal(register: Register, field: Field, kind: str, column: int = 0) -> _Signal:
    """The declaration of a field, named as the field; its range takes `column` characters."""
    declaration = f"{kind} {_range(field.width):{column}}{field.name}"
    return _Signal(declaration, f"{register.name}: {field.doc}")


def _further(register: Register, name: str, doc: str) -> _Signal:
    """The declaration of a port of the whole register."""
    return _Signal(f"output logic {'':{_PORT_RANGE}}{name}", f"{register.name} {doc}")


def _range(width: int) -> str:
    return f"[{width - 1}:0] " if width > 1 else ""


def _word(register: Register, values: Mapping[str, int]) -> _Word:
    """The Verilog of one register: its word address, what it reads as, and its bits."""
    name = register.name.lower()
    constant = f"32'h{values.get(register.name, register.reset):08x}"
    reads = register.fields and register.access != "wo"
    return _Word(
        name=register.name,
        address=f"{ADDRESS_BITS - 2}'h{register.offset // 4:03x}",
        select=f"{name}_select",
        clear=f"{name}_clear",
        cleared_by=register.cleared_by or "1'b0",
        strobe=register.strobe,
        level=register.level,
        any_bit=" || ".join(f"{_state(register, field)} != '0" for field in register.fields),
        is_pulse=register.access == "wo",
        is_sticky=register.access == "w1c",
        read=_concatenation(register) if reads else constant,
        fields=tuple(_bits(register, field) for field in register.fields),
    )


def _bits(register: Register, field: Field) -> _Bits:
    reset = register.reset >> field.lsb & ((1 << field.width) - 1)
    return _Bits(
        name=field.name,
        state=_state(register, field),
        range=_range(field.width),
        slice=f"{field.lsb} +: {field.width}",
        reset=f"{field.width}'h{reset:x}",
    )


def _state(register: Register, field: Field) -> str:
    """The signal that a read gives: a sticky bit has a register beside its port."""
    return f"{field.name}_q" if register.access == "w1c" else field.name


def _concatenation(register: Register) -> str:
    """A 32-bit Verilog concatenation of the fields, with zeros where there is none."""
    parts: list[str] = []
    top = 32
    for field in sorted(register.fields, key=lambda field: -field.lsb):
        gap = top - field.lsb - field.width
        parts += [f"{gap}'d0"] * (gap > 0) + [_state(register, field)]
        top = field.lsb
    return "{" + ", ".join(parts + [f"{top}'d0"] * (top > 0)) + "}"
