"""What an ONNX tensor is during import: a constant, or a view of a value of the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.frontends.views import AnyArray, Feature
from shiftloom.codegen.values import IntArray, IntType


@dataclass(frozen=True, slots=True)
class Weights:
    """Integers without zero point behind a constant; `scale` has the constant's shape."""

    values: IntArray
    scale: npt.NDArray[np.float64]
    type: IntType


@dataclass(frozen=True, slots=True)
class Constant:
    """A known array, batch dimension included; `weights` is there if it was dequantized."""

    value: AnyArray
    weights: Weights | None = None

    def rearranged(self, function: Callable[[AnyArray], AnyArray]) -> Constant:
        """`function`, which only moves elements, applied to all its arrays."""
        if self.weights is None:
            return Constant(function(self.value))
        values, scale = function(self.weights.values), function(self.weights.scale)
        moved = replace(self.weights, values=values, scale=scale)
        return Constant(function(self.value), moved)


Value = Constant | Feature
