"""Permute: channels in another order, or some of them: shuffle, slice, split."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Permute:
    """Channel k of the output is channel `order[k]` of the input."""

    order: tuple[int, ...]

    def shape(self, node: str, source: Shape) -> Shape:
        if not self.order or not 0 <= min(self.order) <= max(self.order) < source[2]:
            raise ShiftloomError(
                node,
                f"picks channels {self.order[:8]} of {source[2]}",
                f"use channels 0 to {source[2] - 1}",
            )
        return (*source[:2], len(self.order))

    def run(self, x: FloatArray) -> FloatArray:
        return x[..., list(self.order)]

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.permute(node, x, self.order)
