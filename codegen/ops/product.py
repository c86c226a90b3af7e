"""Product: f(x) · g(x), both functions of one value, as in x · sigmoid(x); one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.graph import Op
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Product:
    """The product of two chains of functions of single elements; an empty chain is x itself."""

    first: tuple[Op, ...]
    second: tuple[Op, ...]

    def shape(self, node: str, source: Shape) -> Shape:
        for op in (*self.first, *self.second):
            op.shape(node, source)
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(_applied(self.first, x) * _applied(self.second, x))

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        return builder.table(node, x, self.run)


def _applied(chain: tuple[Op, ...], x: FloatArray) -> FloatArray:
    for op in chain:
        x = op.run(x)
    return x
