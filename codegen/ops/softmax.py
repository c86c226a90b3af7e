"""Softmax: eˣ / Σ eˣ over the channels; the host's work, since it keeps the order of the logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Softmax:
    """Exists until `drop_softmax` has run."""

    def shape(self, node: str, source: Shape) -> Shape:
        return source

    def run(self, x: FloatArray) -> FloatArray:
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        raise ShiftloomError(node, "a Softmax inside the network", "only the last layer may be one")
