"""Constant matrix products as shared shift-and-add networks.

The sharing is solved by da4ml (distributed arithmetic with common sub-expressions, Sun et al.,
arXiv:2507.04535) in tiles that take about a second; the network is held as plain integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from da4ml.cmvm import QInterval, solve

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import IntArray

TILE_INPUTS = 256
TILE_OUTPUTS = 32


@dataclass(frozen=True, slots=True)
class Term:
    """± (value `index` · 2^shift); an index below the number of inputs is an input."""

    index: int
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Adder:
    """left + right, with its adder depth and the range [lo, hi] it can reach."""

    left: Term
    right: Term
    depth: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class AdderGraph:
    """y = x @ kernel: `inputs` values in [lo, hi], then adders in order; an output None is zero."""

    inputs: int
    lo: int
    hi: int
    adders: tuple[Adder, ...]
    outputs: tuple[Term | None, ...]

    @property
    def depth(self) -> int:
        """Adders on the longest path."""
        return max((adder.depth for adder in self.adders), default=0)

    def run(self, x: IntArray) -> IntArray:
        """Evaluate on [N, inputs]; returns [N, outputs]."""
        values = [x[:, i] for i in range(self.inputs)]

        def value(term: Term) -> IntArray:
            shifted = values[term.index] << term.shift
            return -shifted if term.negative else shifted

        for adder in self.adders:
            values.append(value(adder.left) + value(adder.right))
        zero = np.zeros(len(x), dtype=np.int64)
        return np.stack([zero if t is None else value(t) for t in self.outputs], axis=1)


class _Builder:
    """Grows the adder list; values are tracked with depth and range."""

    def __init__(self, inputs: int, lo: int, hi: int) -> None:
        self.inputs = inputs
        self.adders: list[Adder] = []
        self.ranges = [(lo, hi)] * inputs
        self.depths = [0] * inputs

    def add(self, left: Term, right: Term) -> Term:
        """Append left + right; a common shift or sign moves behind the adder."""
        common = min(left.shift, right.shift)
        left = Term(left.index, left.shift - common, left.negative)
        right = Term(right.index, right.shift - common, right.negative)
        negative = left.negative and right.negative
        if negative:
            left, right = replace(left, negative=False), replace(right, negative=False)
        if left.negative:
            left, right = right, left
        bounds = [self._range(left), self._range(right)]
        lo, hi = sum(b[0] for b in bounds), sum(b[1] for b in bounds)
        depth = 1 + max(self.depths[left.index], self.depths[right.index])
        self.adders.append(Adder(left, right, depth, lo, hi))
        self.ranges.append((lo, hi))
        self.depths.append(depth)
        return Term(len(self.ranges) - 1, common, negative)

    def total(self, terms: list[Term]) -> Term | None:
        """Sum of terms, shallowest pairs first."""
        terms = sorted(terms, key=lambda t: self.depths[t.index])
        while len(terms) > 1:
            merged = self.add(terms[0], terms[1])
            terms = sorted([*terms[2:], merged], key=lambda t: self.depths[t.index])
        return terms[0] if terms else None

    def _range(self, term: Term) -> tuple[int, int]:
        lo, hi = (bound << term.shift for bound in self.ranges[term.index])
        return (-hi, -lo) if term.negative else (lo, hi)


def build(node: str, kernel: IntArray, lo: int, hi: int) -> AdderGraph:
    """Network for y = x @ kernel, kernel [inputs, outputs], inputs in [lo, hi].

    Raises ShiftloomError naming `node` if the solver's network is not exactly the kernel.
    """
    inputs, outputs = kernel.shape
    builder = _Builder(inputs, lo, hi)
    partial: list[list[Term]] = [[] for _ in range(outputs)]
    for row in range(0, inputs, TILE_INPUTS):
        for column in range(0, outputs, TILE_OUTPUTS):
            tile = kernel[row : row + TILE_INPUTS, column : column + TILE_OUTPUTS]
            for offset, term in enumerate(_tile(builder, tile, row, lo, hi)):
                if term is not None:
                    partial[column + offset].append(term)
    results = tuple(builder.total(terms) for terms in partial)
    graph = AdderGraph(inputs, lo, hi, tuple(builder.adders), results)
    if not np.array_equal(graph.run(np.eye(inputs, dtype=np.int64)), kernel):
        raise ShiftloomError(node, "the constant multiplication network is wrong", "use pe: shift")
    return graph


def _tile(builder: _Builder, kernel: IntArray, row: int, lo: int, hi: int) -> list[Term | None]:
    """Solve one tile and append its adders; inputs start at value `row`."""
    if not kernel.any():
        return [None] * kernel.shape[1]
    matrix: npt.NDArray[np.float32] = np.ascontiguousarray(kernel, dtype=np.float32)
    interval = QInterval(float(lo), float(hi), 1.0)
    intervals = [interval] * kernel.shape[0]
    pipeline = solve(matrix, qintervals=intervals, search_all_decompose_dc=False)
    feeds: list[Term | None] = [Term(row + i) for i in range(kernel.shape[0])]
    for stage in pipeline.solutions:
        feeds = _stage(builder, stage, feeds)
    return feeds


def _shifted(term: Term | None, shift: int, negate: bool) -> Term | None:
    if term is None:
        return None
    return Term(term.index, term.shift + int(shift), term.negative != negate)


def _stage(builder: _Builder, stage: object, feeds: list[Term | None]) -> list[Term | None]:
    """Append one stage of da4ml's solution (opcodes: −1 input, 0 add, 1 subtract)."""
    values: list[Term | None] = []
    for op in stage.ops:  # type: ignore[attr-defined]
        if op.opcode == -1:
            values.append(_shifted(feeds[op.id0], stage.inp_shifts[op.id0], False))  # type: ignore[attr-defined]
            continue
        if op.opcode not in (0, 1):
            raise ShiftloomError(
                "da4ml", f"opcode {op.opcode} in a constant product", "use pe: shift"
            )
        left = values[op.id0]
        right = _shifted(values[op.id1], op.data, op.opcode == 1)
        if left is None or right is None:
            values.append(left or right)
        else:
            values.append(builder.add(left, right))
    shifts, negs = stage.out_shifts, stage.out_negs  # type: ignore[attr-defined]
    return [
        None if index < 0 else _shifted(values[index], shift, neg)
        for index, shift, neg in zip(stage.out_idxs, shifts, negs, strict=True)  # type: ignore[attr-defined]
    ]
