"""What the builder hands from op to op: a value in integers, or one that waits for its lattice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.rationals import Rationals, common, uniform
from shiftloom.codegen.values import IntArray, IntType, Shape

Function = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""A function of real values [..., C], element by element."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Bounds that the next requantization keeps; None stands for no bound."""

    lo: Fraction | None = None
    hi: Fraction | None = None

    def then(self, lo: Fraction | None, hi: Fraction | None) -> Clip:
        """The clip followed by another one."""
        first, last = _larger(self.lo, lo), _smaller(self.hi, hi)
        return Clip(_within(first, None, hi), _within(last, lo, None))


NO_CLIP = Clip()


def _larger(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return b if a is None else a if b is None else max(a, b)


def _smaller(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return b if a is None else a if b is None else min(a, b)


def _within(value: Fraction | None, lo: Fraction | None, hi: Fraction | None) -> Fraction | None:
    if value is None:
        return None
    value = value if lo is None else max(value, lo)
    return value if hi is None else min(value, hi)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What is known of the sums of a layer whose weights we quantized.

    `bias` is real and moves to the steps that the multipliers really give. [lo, hi] is each
    channel's range without it; `correction`, the share of the input's zero point, is inside. Where
    other weights may be loaded, so may M and C of what requantizes the sums.
    """

    bias: npt.NDArray[np.float64]
    correction: IntArray
    lo: IntArray
    hi: IntArray
    is_reloadable: bool


@dataclass(frozen=True, slots=True, eq=False)
class Integers:
    """Integers q of node `source`, all in [lo, hi]; real = scale · (q − zero).

    The arrays have shape (C,) or (). `ready` marks activations: one scale and one zero point for
    all channels, few bits. Others are pending: sums, or activations with a scale a channel.
    """

    source: str
    type: IntType
    lo: IntArray
    hi: IntArray
    scale: Rationals
    zero: Rationals
    ready: bool
    sums: Sums | None = None

    @property
    def is_reloadable(self) -> bool:
        """Whether these are sums of weights that may be loaded at run time."""
        return self.sums is not None and self.sums.is_reloadable

    @property
    def step(self) -> Fraction:
        """The scale of all channels."""
        return common(self.scale)

    @property
    def origin(self) -> Fraction:
        """The zero point of all channels."""
        return common(self.zero)

    @property
    def is_uniform(self) -> bool:
        """Whether one scale and one zero point hold for all channels."""
        return uniform(self.scale) and uniform(self.zero)

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest q of all channels."""
        return int(self.lo.min()), int(self.hi.max())


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """`function` of activations, a table once the integers of its values are known."""

    x: Integers
    function: Function


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """a · signs[0] + b · signs[1] of two activations, one unit once its integers are known."""

    a: Integers
    b: Integers
    signs: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The channels of several operands one behind the other, once they share their integers."""

    parts: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """The value of float node `at`; `layer` is the layer whose settings rule its integers.

    `flat` marks a feature map that the next layer reads as one vector; `clip` bounds the value.
    """

    at: str
    layer: str
    shape: Shape
    value: Integers | Looked | Added | Joined
    clip: Clip = NO_CLIP
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Lattice:
    """The integers [lo, hi] of a type that values are rounded to; real = scale · (q − zero).

    A zero point of 1/2 stands for the sign: q is 1 for values of at least 0.
    """

    type: IntType
    scale: Fraction
    zero: Fraction
    lo: int
    hi: int

    @property
    def is_sign(self) -> bool:
        """Whether q tells the sign only."""
        return self.zero.denominator != 1

    def clipped(self, clip: Clip) -> Lattice:
        """The lattice within real bounds: rounding is monotone, so it may come before them."""
        lo = self.lo if clip.lo is None else self.nearest(clip.lo)
        hi = self.hi if clip.hi is None else self.nearest(clip.hi)
        return Lattice(self.type, self.scale, self.zero, lo, hi)

    def nearest(self, value: Fraction) -> int:
        """The q of a real value."""
        if self.is_sign:
            return int(value >= 0)
        return min(max(round(value / self.scale) + int(self.zero), self.lo), self.hi)
