"""Affine: y = x · scale + shift per channel: BatchNorm, a product or a sum with constants.

BatchNorm at inference, with running mean μ, variance σ² and affine γ, β, has scale = γ / √(σ² + ε)
and shift = β − μ · scale (Ioffe & Szegedy, arXiv:1502.03167, algorithm 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.lowering import IntegerBuilder, Operand
from shiftloom.codegen.values import Array, FloatArray, Shape


@dataclass(frozen=True, slots=True)
class Affine:
    """Per-channel affine map; `scale` and `shift` have shape (C,), or (1,) for all, in float64.

    `fold_affines` takes it into the layer before it where it can.
    """

    scale: Array
    shift: Array

    def shape(self, node: str, source: Shape) -> Shape:
        for values in (self.scale.data, self.shift.data):
            if values.shape not in ((source[2],), (1,)):
                raise ShiftloomError(
                    node,
                    f"normalizes {values.size} channels, the input has {source[2]}",
                    "check the model",
                )
        return source

    def run(self, x: FloatArray) -> FloatArray:
        return np.asarray(x * self.scale.data + self.shift.data, dtype=x.dtype)

    def lower(self, builder: IntegerBuilder, node: str, x: Operand) -> Operand:
        scale, shift = (np.broadcast_to(v.data, x.shape[2]) for v in (self.scale, self.shift))
        return builder.affine(node, x, scale, shift)
