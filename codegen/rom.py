"""Constant memories of the RTL, one generated module each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shiftloom.codegen.design import Rom, RomBank, RomStyle
from shiftloom.codegen.render import render


@dataclass(frozen=True, slots=True)
class _RomContext:
    """What `rtl/rom.sv.j2` says: word i is `words[i]` in hexadecimal, without prefix."""

    banner: str
    module: str
    width: int
    depth: int
    addr_bits: int
    style: RomStyle
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _BankEntry:
    index: int
    module: str
    addr_bits: int
    data_lsb: int
    width: int


@dataclass(frozen=True, slots=True)
class _BankContext:
    banner: str
    module: str
    addr_bits: int
    addr_width: int
    width: int
    memories: tuple[_BankEntry, ...]


def render_memory(memory: Rom | RomBank, banner: str) -> Iterator[tuple[str, str]]:
    """File names and texts of a memory's modules, a bank's members before it."""
    if isinstance(memory, Rom):
        yield _render_rom(memory, memory.module, banner)
        return
    entries, lsb = [], 0
    for index, member in enumerate(memory.roms):
        module = f"{memory.module}_{member.module}"
        yield _render_rom(member, module, banner)
        entries.append(_BankEntry(index, module, member.address_bits, lsb, member.width))
        lsb += member.width
    address = memory.address_bits
    context = _BankContext(
        banner=banner,
        module=memory.module,
        addr_bits=address,
        addr_width=address * len(memory.roms),
        width=memory.width,
        memories=tuple(entries),
    )
    yield f"{memory.module}.sv", render("rtl/rom_bank.sv.j2", context)


def _render_rom(rom: Rom, module: str, banner: str) -> tuple[str, str]:
    context = _RomContext(
        banner=banner,
        module=module,
        width=rom.width,
        depth=rom.depth,
        addr_bits=rom.address_bits,
        style=rom.style,
        words=rom.words(),
    )
    return f"{module}.sv", render("rtl/rom.sv.j2", context)
