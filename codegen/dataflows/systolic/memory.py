"""The external memory: the image of the weights, two input maps, and all other maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine.maps import allocate
from shiftloom.codegen.dataflows.engine.operations import Operations
from shiftloom.codegen.values import IntArray

BEAT = 8
"""Bytes of a beat of a memory port."""
PAGE = 4096
"""Bytes that the parts of the workspace are multiples of."""
LINE = 64
"""Bytes that maps are multiples of."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Beats from the start of the workspace on: where each map begins, the second input, the end.

    A word of a map takes `word` beats.
    """

    start: Mapping[str, int]
    word: int
    stride: int
    size: int


def layout(operations: Operations, image_bytes: int) -> Layout:
    """Places behind an image of the weights; all maps but the inputs share what they can."""
    rows = operations.lanes.rows
    source = operations.map(operations.source.name)
    page, first = PAGE // rows, _pages(image_bytes) // rows
    stride = -(-source.words // page) * page
    places = allocate(operations, max(1, LINE // rows), first + 2 * stride)
    word = rows // BEAT
    start = {name: place * word for name, place in places.start.items()}
    start[source.name] = first * word
    return Layout(start, word, stride * word, _pages(places.size * rows) // BEAT)


def _pages(count: int) -> int:
    return -(-count // PAGE) * PAGE


def tile_beats(rows: int, columns: int, w_bits: int, ports: int) -> int:
    """Beats from each port of a tile of weights."""
    return -(-rows * columns * w_bits // (8 * BEAT * ports))


def packed(fields: IntArray, w_bits: int, ports: int) -> npt.NDArray[np.uint8]:
    """Tiles [tiles, columns, rows] as bytes [ports, bytes]: rows of weights without gaps.

    Every tile is padded to whole beats of all ports; beat i of it goes to port i mod `ports`.
    """
    count, columns, rows = fields.shape
    weights = (fields.transpose(0, 2, 1) & ((1 << w_bits) - 1)).astype(np.uint8)
    bits = (weights[..., None] >> np.arange(w_bits, dtype=np.uint8)) & 1
    beats = tile_beats(rows, columns, w_bits, ports)
    padded = np.zeros((count, beats * ports * BEAT * 8), np.uint8)
    padded[:, : rows * columns * w_bits] = bits.reshape(count, -1)
    split = np.packbits(padded, axis=1, bitorder="little").reshape(count, beats, ports, BEAT)
    return np.ascontiguousarray(split.transpose(2, 0, 1, 3)).reshape(ports, -1)


def image(parts: Sequence[npt.NDArray[np.uint8]], ports: int) -> npt.NDArray[np.uint8]:
    """The weights of all operations, one port's region behind the other."""
    joined = np.concatenate([np.zeros((ports, 0), np.uint8), *parts], axis=1)
    return np.ascontiguousarray(joined).reshape(-1)
