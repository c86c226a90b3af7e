"""The registers of a build as sources for hosts: constants of Python and of C."""

from __future__ import annotations

from collections.abc import Iterator

from shiftloom.codegen.registers import Field, Register, constants


def to_python(name: str, digest: str, registers: tuple[Register, ...]) -> str:
    """A module of plain constants: byte offsets, values of constant words, (lsb, width) of fields.

    `<REGISTER>_OFFSET`, `<REGISTER>_VALUE` and `<REGISTER>_<FIELD>`.
    """
    values = constants(digest)
    lines = [f'"""The registers of {name}, design {digest[:16]}: offsets in bytes."""']
    for register in registers:
        lines += ["", f"{register.name}_OFFSET = 0x{register.offset:03X}", _quoted(register.doc)]
        if not register.fields:
            value = values.get(register.name, register.reset)
            lines.append(f"{register.name}_VALUE = 0x{value:08X}")
        for field in register.fields:
            lines.append(f"{_bits_name(register, field)} = ({field.lsb}, {field.width})")
            lines.append(_quoted(f"{field.doc}; (lsb, width)"))
    return "\n".join(lines) + "\n"


def _quoted(doc: str) -> str:
    """A string below a constant, on a line of its own."""
    return f'"""{doc}."""'


def to_c(name: str, digest: str, registers: tuple[Register, ...]) -> str:
    """A header of macros that begin with the design's name, in capitals.

    `<NAME>_<REGISTER>_OFFSET` in bytes, `..._VALUE` of constant words, and of fields
    `<NAME>_<REGISTER>_<FIELD>_SHIFT` and `..._MASK`, which is that of the bits where they are.
    """
    prefix = name.upper()
    guard = f"{prefix}_REGISTERS_H"
    values = constants(digest)
    lines = [f"/* The registers of {name}, design {digest[:16]}: offsets in bytes. */"]
    lines += [f"#ifndef {guard}", f"#define {guard}"]
    for register in registers:
        lines += ["", f"/* {register.doc}. */"]
        lines += _macros(prefix, register, values.get(register.name, register.reset))
    return "\n".join([*lines, "", "#endif"]) + "\n"


def _macros(prefix: str, register: Register, value: int) -> Iterator[str]:
    """The macros of one register; `value` is that of a constant word."""
    yield f"#define {prefix}_{register.name}_OFFSET 0x{register.offset:03X}u"
    if not register.fields:
        yield f"#define {prefix}_{register.name}_VALUE 0x{value:08X}u"
    for field in register.fields:
        mask = ((1 << field.width) - 1) << field.lsb
        yield f"/* {field.doc} */"
        yield f"#define {prefix}_{_bits_name(register, field)}_SHIFT {field.lsb}"
        yield f"#define {prefix}_{_bits_name(register, field)}_MASK 0x{mask:08X}u"


def _bits_name(register: Register, field: Field) -> str:
    return f"{register.name}_{field.name.upper()}"
