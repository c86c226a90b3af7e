"""The control registers: one description behind the RTL, the host's JSON and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.names import check_identifier, is_keyword

Access = Literal["ro", "rw", "w1c", "wo"]

ADDRESS_BITS = 12
"""Width of the byte address: a page of 4 KiB, the smallest window of the vendors' tools."""
AXIL_BITS = (ADDRESS_BITS, 32, 4, 2)
"""Bits of an address, a word, its byte strobes and a response of AXI4-Lite."""
MAGIC = int.from_bytes(b"SLM1", "little")
MAP_VERSION = 1

_ACCESS_WORDS = {
    "ro": "read only",
    "rw": "read and write",
    "w1c": "write 1 to clear",
    "wo": "write only",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Bits [lsb, lsb + width) of a register; `name` is also the port or signal of the RTL."""

    name: str
    lsb: int
    width: int
    doc: str


@dataclass(frozen=True, slots=True)
class Register:
    """A 32-bit word at byte `offset`.

    A read-only register without fields is a constant, `reset` or what the build puts there. The
    bits of a "w1c" register are set by the hardware and cleared by writing 1 or, all together, by
    the write-only field `cleared_by`, which then has no port. `strobe` is a port that is high with
    what was written last, for the clock after any write, that of 0 included. `level` is one that is
    high while a bit of a "w1c" register is set.
    """

    name: str
    offset: int
    access: Access
    doc: str
    fields: tuple[Field, ...] = ()
    reset: int = 0
    cleared_by: str = ""
    strobe: str = ""
    level: str = ""


def core_registers() -> tuple[Register, ...]:
    """The registers of every accelerator."""
    return (
        Register("MAGIC", 0x00, "ro", "The bytes SLM1: this is a Shiftloom accelerator", (), MAGIC),
        Register("VERSION", 0x04, "ro", "Version of this register map", (), MAP_VERSION),
        Register("DIGEST0", 0x08, "ro", "First four bytes of the design digest"),
        Register("DIGEST1", 0x0C, "ro", "Next four bytes of the design digest"),
        Register(
            *("CONTROL", 0x10, "wo", "Commands; a written 1 acts once"),
            (
                Field("soft_reset", 0, 1, "drops all frames under way, clears the counters"),
                Field("clear_errors", 1, 1, "clears ERRORS"),
            ),
        ),
        Register(
            *("STATUS", 0x14, "ro", "State of the core"),
            (Field("busy", 0, 1, "a frame has started and is not done"),),
        ),
        Register(
            *("ERRORS", 0x18, "w1c", "Errors since they were cleared"),
            (
                Field("short_frame", 0, 1, "TLAST came early; the frame was filled up with zeros"),
                Field("long_frame", 1, 1, "TLAST was missing; beats up to the next were dropped"),
                Field("bad_code", 2, 1, "a weight held the unused code 111; it counted as 0"),
            ),
            cleared_by="clear_errors",
        ),
        Register(
            *("FRAMES", 0x1C, "ro", "Frames finished since reset"),
            (Field("frames", 0, 32, "modulo 2^32"),),
        ),
        Register(
            *("CYCLES_LO", 0x20, "ro", "Clocks spent busy since reset, low word"),
            (
                Field(
                    "cycles_lo", 0, 32, "read CYCLES_HI before and after; equal, it belongs to it"
                ),
            ),
        ),
        Register(
            *("CYCLES_HI", 0x24, "ro", "Clocks spent busy since reset, high word"),
            (Field("cycles_hi", 0, 32, "changes when CYCLES_LO wraps"),),
        ),
    )


def constants(digest: str) -> Mapping[str, int]:
    """The words that differ from design to design; `digest` is hexadecimal."""
    first = bytes.fromhex(digest[:16])
    return {
        "DIGEST0": int.from_bytes(first[:4], "little"),
        "DIGEST1": int.from_bytes(first[4:], "little"),
    }


def check(registers: tuple[Register, ...]) -> None:
    """Refuse a description that no register file can have; raises ShiftloomError naming it."""
    limit = 1 << ADDRESS_BITS
    offsets: dict[int, str] = {}
    ports: dict[str, str] = {}
    for register in registers:
        check_identifier(register.name.lower(), register.name, is_keyword)
        if register.offset % 4 or not 0 <= register.offset < limit:
            raise ShiftloomError(
                register.name,
                f"offset {register.offset:#x}",
                f"use a multiple of 4 below {limit:#x}",
            )
        if register.offset in offsets:
            other = offsets[register.offset]
            raise ShiftloomError(register.name, f"offset {register.offset:#x} is taken by {other}")
        offsets[register.offset] = register.name
        if not register.fields and register.access != "ro":
            raise ShiftloomError(register.name, "has no fields", "only a constant needs none")
        _check_fields(register, ports)
        _check_reset(register)
        _check_extra(register, register.strobe, "strobe", "wo", ports)
        _check_extra(register, register.level, "level", "w1c", ports)
    commands = {f.name for r in registers if r.access == "wo" for f in r.fields}
    for register in registers:
        if register.cleared_by and register.cleared_by not in commands:
            raise ShiftloomError(
                register.name,
                f"cleared_by {register.cleared_by!r} is no write-only field",
                f"use one of: {', '.join(sorted(commands)) or 'none there'}",
            )


def _check_fields(register: Register, ports: dict[str, str]) -> None:
    """Fields inside 32 bits, not overlapping, with names that are `ports` of no other register."""
    ordered = sorted(register.fields, key=lambda field: field.lsb)
    for field in ordered:
        node = f"{register.name}.{field.name}"
        check_identifier(field.name, node, is_keyword)
        if field.lsb < 0 or field.width < 1 or field.lsb + field.width > 32:
            raise ShiftloomError(node, f"bits {field.lsb} + {field.width}", "stay within 32 bits")
        if field.name in ports:
            raise ShiftloomError(node, f"the name is taken by {ports[field.name]}", "rename it")
        ports[field.name] = node
    for low, high in pairwise(ordered):
        if low.lsb + low.width > high.lsb:
            raise ShiftloomError(f"{register.name}.{high.name}", f"overlaps {low.name}", "move it")


def _check_reset(register: Register) -> None:
    """A register with fields is reset to bits that are in them."""
    held = sum(((1 << field.width) - 1) << field.lsb for field in register.fields)
    if register.fields and register.reset & ~held:
        problem = f"reset value {register.reset:#x} is outside of its fields"
        raise ShiftloomError(register.name, problem, f"use bits of {held:#x}")


def _check_extra(
    register: Register, name: str, kind: str, access: Access, ports: dict[str, str]
) -> None:
    """The name, if any, of a further port is its own, and of a register that may have it."""
    if not name:
        return
    check_identifier(name, register.name, is_keyword)
    if register.access != access:
        only = f"only a register that is {_ACCESS_WORDS[access]} may"
        raise ShiftloomError(register.name, f"has a {kind}", only)
    if name in ports:
        taken = f"the {kind} {name!r} is taken by {ports[name]}"
        raise ShiftloomError(register.name, taken, "rename it")
    ports[name] = register.name


def to_json(digest: str, registers: tuple[Register, ...] = core_registers()) -> dict[str, object]:
    """What the host needs, as a JSON value; constants appear as `reset`."""
    values = constants(digest)
    described = [{**asdict(r), "reset": values.get(r.name, r.reset)} for r in registers]
    return {"address_bits": ADDRESS_BITS, "registers": described}


def to_markdown(registers: tuple[Register, ...] = core_registers()) -> str:
    """A table of registers and their fields."""
    lines = ["| offset | register | bits | access | meaning |", "| --- | --- | --- | --- | --- |"]
    for register in registers:
        access = _ACCESS_WORDS[register.access]
        offset = f"0x{register.offset:02X}"
        lines.append(f"| {offset} | `{register.name}` | | {access} | {register.doc} |")
        for field in register.fields:
            top = field.lsb + field.width - 1
            bits = f"{top}:{field.lsb}" if field.width > 1 else str(field.lsb)
            lines.append(f"| | `.{field.name}` | {bits} | | {field.doc} |")
    return "\n".join(lines) + "\n"
