"""Where the memories of a PE go: into LUTs, or into block RAM where they are large."""

from __future__ import annotations

from shiftloom.codegen.design import RomStyle

BLOCK_RAM_BITS = 4096
"""Smallest memory worth a block RAM."""
BLOCK_RAM_DEPTH = 33
"""Least words of it."""


def style(wanted: RomStyle, depth: int, width: int) -> RomStyle:
    """How `depth` words of `width` bits are kept: as wanted, or by their size for `auto`."""
    if wanted != "auto":
        return wanted
    is_large = depth >= BLOCK_RAM_DEPTH and depth * width >= BLOCK_RAM_BITS
    return "block" if is_large else "distributed"
