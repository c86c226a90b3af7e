"""What an ECP5 wants otherwise than other families, at the same latency.

A word of its block RAM comes late in a clock, as the tools make no use of the register behind it,
and later still where they choose it among many narrow pieces of RAM. A table of many words in LUTs
of four inputs is large and slow.
"""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.design import Instance, Rom, RomPort

DEEP = 1024
"""Words from which a table is in block RAM."""
BANK = 16384
"""Words of a bank of a larger table: of one bit, as many as a block RAM has."""
_AHEAD = ("AHEAD", 1)
_READERS = ("sl_mvu_shift",)
"""Modules that can read their memories a beat ahead."""


def adapted(instance: Instance) -> Instance:
    """The same unit with deep tables in banks of block RAM, and those of weights read ahead."""
    ports = tuple(_in_block_ram(port) for port in instance.roms)
    weights = next((port.rom for port in ports if port.prefix == "w"), None)
    is_late = isinstance(weights, Rom) and weights.style == "block"
    more = (_AHEAD,) if is_late and instance.module in _READERS else ()
    return replace(instance, roms=ports, parameters=(*instance.parameters, *more))


def _in_block_ram(port: RomPort) -> RomPort:
    rom = port.rom
    if not isinstance(rom, Rom) or rom.depth < DEEP:
        return port
    bank = BANK if port.load is None else 0
    return replace(port, rom=replace(rom, style="block", bank=bank))
