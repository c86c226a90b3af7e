"""Tiles of an operation: rows of its output, and the rows of its input that they read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine.compute import Tile
from shiftloom.codegen.dataflows.engine.operations import Op

EMITTED_PIXELS = 16
"""Most pixels of a tile whose sums are emitted."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Input rows `first` … `first` + `count` − 1."""

    first: int
    count: int


def tiles(op: Op, rows: int, columns: int) -> Iterator[Tile]:
    """The tiles of an operation, row by row; those at the ends are smaller."""
    height, width = op.output
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            yield Tile(y, x, min(rows, height - y), min(columns, width - x))


def even(op: Op, most: int) -> tuple[int, int]:
    """Rows and columns of the largest equal tiles of at most `most` pixels that lie in a row."""
    height, width = op.output
    columns = max(n for n in range(1, width + 1) if width % n == 0 and n <= most)
    if columns < width:
        return 1, columns
    return max(n for n in range(1, height + 1) if height % n == 0 and n * width <= most), width


def read_rows(op: Op, tile: Tile) -> Rows:
    """The rows of the map that a tile reads, at least one."""
    stride, top, height = op.window.stride[0], op.window.padding[0], op.size[0]
    start = tile.y * stride - top
    end = start + (tile.rows - 1) * stride + op.window.span[0]
    first = min(max(start, 0), height - 1)
    return Rows(first, max(min(end, height), first + 1) - first)


def pitch(op: Op, rows: int, columns: int) -> int:
    """Words between blocks in a tile buffer: what the largest tile of the operation reads."""
    height, width = op.output
    column = (Tile(y, 0, min(rows, height - y), width) for y in range(0, height, rows))
    return max(read_rows(op, tile).count for tile in column) * op.size[1]


def tile_count(op: Op, rows: int, columns: int) -> int:
    """How many tiles an operation has."""
    height, width = op.output
    return -(-height // rows) * -(-width // columns)
