"""Activation functions done by a table of all activations: one look-up each, exact rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import Array, FloatArray, Shape


@dataclass(frozen=True, slots=True)
class LeakyRelu:
    """x for x ≥ 0, `slope` · x below."""

    slope: float = 0.01

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.where(x >= 0, x, x * x.dtype.type(self.slope))

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)


@dataclass(frozen=True, slots=True)
class PRelu:
    """x for x ≥ 0, `slope[c]` · x below; slopes of shape (C,)."""

    slope: Array

    def shape(self, node: str, source: Shape) -> Shape:
        if self.slope.data.shape != (source[2],):
            raise ShiftloomError(
                node,
                f"{self.slope.data.size} slopes, the input has {source[2]} channels",
                "give one a channel",
            )
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.where(x >= 0, x, x * self.slope.data.astype(x.dtype))

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)


@dataclass(frozen=True, slots=True)
class HardSigmoid:
    """min(max(`slope` · x + `offset`, 0), 1)."""

    slope: float = 1 / 6
    offset: float = 0.5

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(np.clip(x * self.slope + self.offset, 0, 1), dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)


@dataclass(frozen=True, slots=True)
class HardSwish:
    """x · min(max(x/6 + 1/2, 0), 1) (arXiv:1905.02244)."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(x * np.clip(x / 6 + 0.5, 0, 1), dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """1 / (1 + e⁻ˣ)."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)


@dataclass(frozen=True, slots=True)
class Tanh:
    """The hyperbolic tangent."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.tanh(x)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)
