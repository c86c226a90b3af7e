"""Constant memories of the RTL, one generated module each."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.design import Rom, RomBank, RomPort, RomStyle
from shiftloom.codegen.loading import LOAD_BITS, PIECE_BITS
from shiftloom.codegen.render import ranges, render


@dataclass(frozen=True, slots=True)
class _Bank:
    """A part of a memory: its words, and how many bits of the address tell them apart."""

    bits: int
    words: tuple[str, ...]

    @property
    def size(self) -> int:
        return 1 << self.bits


@dataclass(frozen=True, slots=True)
class _RomContext:
    """What `rtl/rom.sv.j2` says: word i is `words[i]` in hexadecimal, without prefix.

    With `banks`, an address is a bank and, in its low `bank_bits` bits, a word of the bank.
    """

    banner: str
    module: str
    width: int
    depth: int
    addr_bits: int
    style: RomStyle
    words: tuple[str, ...]
    bank_bits: int
    banks: tuple[_Bank, ...]


@dataclass(frozen=True, slots=True)
class _RamContext:
    """What `rtl/ram.sv.j2` says: as of a constant memory, and how a word is loaded."""

    banner: str
    module: str
    width: int
    depth: int
    addr_bits: int
    style: RomStyle
    words: tuple[str, ...]
    pieces: int
    load_msb: int


@dataclass(frozen=True, slots=True)
class _BankEntry:
    index: int
    module: str
    addr_lsb: int
    addr_bits: int
    data_lsb: int
    width: int


@dataclass(frozen=True, slots=True)
class _BankContext:
    banner: str
    module: str
    addr_bits: int
    addr_range: str
    data_range: str
    blank: str
    memories: tuple[_BankEntry, ...]


def render_port(port: RomPort, banner: str) -> dict[str, str]:
    """Texts of the modules behind a unit's memory port, by file name."""
    if port.load is None or isinstance(port.rom, RomBank):
        return render_memory(port.rom, banner)
    rom = port.rom
    context = _RamContext(
        banner=banner,
        module=rom.module,
        width=rom.width,
        depth=rom.depth,
        addr_bits=rom.address_bits,
        style=rom.style,
        words=rom.words(),
        pieces=-(-rom.width // PIECE_BITS),
        load_msb=LOAD_BITS - 1,
    )
    return {f"{rom.module}.sv": render("rtl/ram.sv.j2", context)}


def render_memory(memory: Rom | RomBank, banner: str) -> dict[str, str]:
    """Texts of a constant memory's modules by file name; a bank also has one for each member."""
    if isinstance(memory, RomBank):
        return _render_bank(memory, banner)
    return {f"{memory.module}.sv": _render_rom(memory, memory.module, banner)}


def _render_bank(bank: RomBank, banner: str) -> dict[str, str]:
    files: dict[str, str] = {}
    entries: list[_BankEntry] = []
    lsb = 0
    for index, member in enumerate(bank.roms):
        module = f"{bank.module}_{member.module}"
        files[f"{module}.sv"] = _render_rom(member, module, banner)
        address = index * bank.address_bits
        entries.append(_BankEntry(index, module, address, member.address_bits, lsb, member.width))
        lsb += member.width
    addr_range, data_range, blank = ranges(bank.address_bits * len(bank.roms), bank.width)
    context = _BankContext(
        banner=banner,
        module=bank.module,
        addr_bits=bank.address_bits,
        addr_range=addr_range,
        data_range=data_range,
        blank=blank,
        memories=tuple(entries),
    )
    return {**files, f"{bank.module}.sv": render("rtl/rom_bank.sv.j2", context)}


def _render_rom(rom: Rom, module: str, banner: str) -> str:
    words = rom.words()
    context = _RomContext(
        banner=banner,
        module=module,
        width=rom.width,
        depth=rom.depth,
        addr_bits=rom.address_bits,
        style=rom.style,
        words=words,
        bank_bits=max(0, rom.bank.bit_length() - 1),
        banks=_banks(words, rom.bank),
    )
    return render("rtl/rom.sv.j2", context)


def _banks(words: tuple[str, ...], size: int) -> tuple[_Bank, ...]:
    """Every `size` words; none where all are in one memory."""
    if not 0 < size < len(words):
        return ()
    parts = (words[start : start + size] for start in range(0, len(words), size))
    return tuple(_Bank(max(1, (len(part) - 1).bit_length()), part) for part in parts)
