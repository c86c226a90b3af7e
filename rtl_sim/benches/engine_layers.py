"""Whole layers on whole maps, to compare an engine with: nothing of words, steps or addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from shiftloom.rtl_sim.benches.streams import IntArray

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """Kernel, strides, padding on each side and dilation."""

    kernel: Pair
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    dilation: int = 1

    def output(self, height: int, width: int) -> Pair:
        """Rows and columns of the result."""
        oh, ow = (
            (n + 2 * p - self.dilation * (k - 1) - 1) // s + 1
            for n, k, s, p in zip((height, width), self.kernel, self.stride, self.pad, strict=True)
        )
        return oh, ow

    def taps(self, x: IntArray, value: int) -> Iterator[tuple[Pair, IntArray]]:
        """What each tap (ky, kx) sees of a map [H, W, C]: [OH, OW, C], `value` outside."""
        oh, ow = self.output(*x.shape[:2])
        (top, left), (down, right) = self.pad, self.stride
        image = np.pad(x, ((top, top), (left, left), (0, 0)), constant_values=value)
        for ky, kx in product(*map(range, self.kernel)):
            rows = image[ky * self.dilation :: down][:oh]
            yield (ky, kx), rows[:, kx * self.dilation :: right][:, :ow]


@dataclass(frozen=True)
class Rounding:
    """A division by 2^shift with round half to even, zero point and clip."""

    shift: int
    zero: int
    lo: int
    hi: int

    def __call__(self, value: IntArray) -> IntArray:
        """Of integers."""
        floor, rest = value >> self.shift, value & ((1 << self.shift) - 1)
        up = 2 * rest + (floor & 1) > (1 << self.shift)
        return np.clip(floor + up + self.zero, self.lo, self.hi)


@dataclass(frozen=True)
class Conv:
    """Sums over windows of `source`: weights [O, KH, KW, I], bias [O]; `pad` outside the map."""

    source: str
    window: Window
    pad: int
    weights: IntArray
    bias: IntArray

    def __call__(self, maps: dict[str, IntArray]) -> IntArray:
        """The sums [OH, OW, O]."""
        x = maps[self.source]
        sums = np.zeros((*self.window.output(*x.shape[:2]), len(self.bias)), np.int64)
        for (ky, kx), values in self.window.taps(x, self.pad):
            sums += values @ self.weights[:, ky, kx].T
        return sums + self.bias


@dataclass(frozen=True)
class Scaled:
    """A convolution's sums times M plus C, rounded."""

    conv: Conv
    m: IntArray
    c: IntArray
    rounding: Rounding

    def __call__(self, maps: dict[str, IntArray]) -> IntArray:
        """The activations."""
        return self.rounding(self.conv(maps) * self.m + self.c)


@dataclass(frozen=True)
class Sum:
    """M1 times a layer plus M2 times a map plus an integer, rounded."""

    layer: Scaled
    other: str
    m1: int
    m2: int
    add: int
    rounding: Rounding

    def __call__(self, maps: dict[str, IntArray]) -> IntArray:
        """The activations."""
        return self.rounding(self.m1 * self.layer(maps) + self.m2 * maps[self.other] + self.add)


@dataclass(frozen=True)
class Pool:
    """Maxima over windows of `source`, `pad` outside the map."""

    source: str
    window: Window
    pad: int

    def __call__(self, maps: dict[str, IntArray]) -> IntArray:
        """The maxima."""
        cut = [values for _, values in self.window.taps(maps[self.source], self.pad)]
        return np.max(np.stack(cut), axis=0)


Layer = Conv | Scaled | Sum | Pool
