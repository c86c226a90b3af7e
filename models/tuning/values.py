"""What the builder hands from op to op: integers as floating-point numbers, and what they mean.

The classes mirror `shiftloom.codegen.lowering.operand`, on batches of tensors [N, C, H, W].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch

Function = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""A function of real values [..., C] in NumPy, element by element."""


@dataclass(frozen=True, slots=True, eq=False)
class Integers:
    """Real value = scale · q + bias for sums, scale · q + shift for all others.

    `q` counts from the zero point. `scale`, `bias` and `shift` have shape (C,) or (). `ready` marks
    activations of one scale, whose ends are `lo` and `hi`. `bias` is the real bias of pending sums,
    which the requantization rounds to its own steps where weights are ours, not `given`.
    """

    q: torch.Tensor
    scale: torch.Tensor
    ready: bool
    lo: float = 0
    hi: float = 0
    bias: torch.Tensor | None = None
    shift: torch.Tensor | None = None
    given: bool = False

    def real(self) -> torch.Tensor:
        """The real values [N, C, H, W]."""
        value = self.q * over(self.scale)
        for added in (self.bias, self.shift):
            value = value if added is None else value + over(added)
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """`function` of activations."""

    x: Integers
    function: Function


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """a · signs[0] + b · signs[1] of two activations."""

    a: Integers
    b: Integers
    signs: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The channels of several operands, one behind the other."""

    parts: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """The value of float node `at`; `layer` is the layer whose settings rule its integers."""

    at: str
    layer: str
    value: Integers | Looked | Added | Joined
    lo: float | None = None
    hi: float | None = None
    flat: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels), which operators ask for."""
        value = self.value
        if isinstance(value, Joined):
            shapes = [part.shape for part in value.parts]
            return *shapes[0][:2], sum(shape[2] for shape in shapes)
        held = (
            value
            if isinstance(value, Integers)
            else value.x
            if isinstance(value, Looked)
            else value.a
        )
        _, channels, height, width = held.q.shape
        return height, width, channels


def over(values: torch.Tensor) -> torch.Tensor:
    """Values of channels, (C,) or (), shaped to meet [N, C, H, W]."""
    return values if values.ndim == 0 else values[:, None, None]
