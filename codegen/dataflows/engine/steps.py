"""Step lists: the word positions of a kernel, in order, for every tile of outputs.

A step multiplies one word with one tile of weights; where these are all zero, it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine.operations import Lanes, Op
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Array, IntArray

Loops = tuple[str, ...]
LOOPS: Loops = ("block", "ky", "kx")
"""The loops over a kernel, the outermost first: a tile begins when its first block is there."""
MAX_OFFSET = 1 << 16
MAX_STEPS = 1 << 16
"""Most entries of the step memory."""

Step = tuple[int, int, int]
"""Block, kernel row and kernel column."""


class Steps:
    """The lists of one operation, a list for every tile of outputs (of a pool: for every block)."""

    def __init__(self, op: Op, lanes: Lanes, loops: Loops = LOOPS) -> None:
        self.op = op
        self.lanes = lanes
        self.loops = loops

    @cached_property
    def lists(self) -> tuple[tuple[Step, ...], ...]:
        """The steps of each tile; at least one."""
        op, (kh, kw) = self.op, self.op.window.kernel
        if op.kind == "pool":
            taps = tuple(product(range(kh), range(kw)))
            return tuple(tuple((b, y, x) for y, x in taps) for b in range(op.source.blocks))
        used: npt.NDArray[np.bool_] = np.any(self.tiles != 0, axis=(1, 5))
        counts = {"block": used.shape[3], "ky": kh, "kx": kw}
        order = []
        for at in product(*(range(counts[loop]) for loop in self.loops)):
            place = dict(zip(self.loops, at, strict=True))
            order.append((place["block"], place["ky"], place["kx"]))
        return tuple(
            tuple(step for step in order if tile[step[1], step[2], step[0]]) or (order[0],)
            for tile in used
        )

    @cached_property
    def tiles(self) -> npt.NDArray[Any]:
        """Weights [tiles, columns, KH, KW, blocks, rows]."""
        assert self.op.weights is not None
        weights = self.op.weights.data
        kernel, columns, rows = weights.shape[1:3], self.lanes.columns, self.lanes.rows
        return weights.reshape(-1, columns, *kernel, weights.shape[3] // rows, rows)

    @property
    def rewinds(self) -> bool:
        """Whether all tiles have the same list, and there are several."""
        return self.op.kind == "conv" and len(self.lists) > 1 and len(set(self.lists)) == 1

    @property
    def counts(self) -> tuple[int, ...]:
        """Steps of every tile."""
        return tuple(len(steps) for steps in self.lists)

    @cached_property
    def weights(self) -> npt.NDArray[Any]:
        """The tiles [steps of all lists, columns, rows] in the order in which they are used."""
        found = [
            self.tiles[tile, :, ky, kx, block]
            for tile, steps in enumerate(self.lists)
            for block, ky, kx in steps
        ]
        return np.stack(found)

    def entries(self, pitch: int, width: int, first: int = 0, count: int = 0) -> IntArray:
        """Rows of the step memory of `count` lists (0: all) from `first` on, one if they rewind.

        A block takes `pitch` words and a row `width`.
        """
        down, right = self.op.window.dilation
        chosen = self.lists[first : first + count] if count else self.lists
        rows = []
        for steps in chosen[:1] if self.rewinds else chosen:
            for index, (block, ky, kx) in enumerate(steps):
                y, x = ky * down, kx * right
                offset = block * pitch + y * width + x
                rows.append((offset, y, x, block * 2 + (index == len(steps) - 1)))
                if offset >= MAX_OFFSET:
                    raise ShiftloomError(
                        self.op.name,
                        f"a step lies {offset} words from its pixel, the limit is {MAX_OFFSET - 1}",
                        "use an array with more rows",
                    )
        return np.array(rows, np.int64)


@dataclass(slots=True)
class StepTable:
    """The step memory under construction: lists that are already there are not repeated."""

    _rows: list[IntArray]
    _starts: dict[bytes, int]
    depth: int = 0

    def __init__(self) -> None:
        self._rows, self._starts, self.depth = [], {}, 0

    def add(self, entries: IntArray) -> int:
        """The first row of some lists."""
        key = entries.tobytes()
        if key not in self._starts:
            self._starts[key] = self.depth
            self._rows.append(entries)
            self.depth += len(entries)
        return self._starts[key]

    def rows(self, name: str) -> Array:
        """The whole memory [entries, 4]; refuses one that is too deep."""
        self.check(name)
        return Array(np.concatenate(self._rows))

    def check(self, name: str) -> None:
        """Refuse a memory that is too deep."""
        if self.depth > MAX_STEPS:
            raise ShiftloomError(
                name,
                f"needs {self.depth} entries of the step memory, the limit is {MAX_STEPS}",
                "use a larger target.array, or give some layers another dataflow",
            )
