"""Per-layer profile: the integers of the golden model against the float network they stand for.

It tells which layer loses accuracy, and why: rounding (low SQNR), clipping (saturation) or a scale
that wastes codes (a small used range).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import QGraph, QNode, Requantize, ScaledAdd
from shiftloom.codegen.quantize import Quantized
from shiftloom.codegen.values import IntType

BLOCK = 256
"""Frames in memory at a time."""


@dataclass(frozen=True, slots=True)
class LayerProfile:
    """One integer tensor against its float counterpart, over all frames.

    `sqnr_db` = 10·log10(Σ ref² / Σ (ref − scale·(q − zero))²), infinite where nothing differs.
    `saturation` is the share of elements that sit at a clip end, `lo` or `hi`, because the float
    value would round beyond it. `low` and `high` are the smallest and largest integer that
    occurred, `max_abs_error` is in real units.
    """

    node: str
    reference: str
    type: str
    elements: int
    sqnr_db: float
    saturation: float
    lo: int
    hi: int
    low: int
    high: int
    max_abs_error: float

    @property
    def used_range(self) -> float:
        """Share of the integers of [lo, hi] between the extremes that occurred."""
        return (self.high - self.low + 1) / (self.hi - self.lo + 1)


@dataclass(frozen=True, slots=True)
class _Pair:
    """An integer node, its float node, and how integers become real values."""

    node: str
    reference: str
    type: IntType
    lo: int
    hi: int
    scale: npt.NDArray[np.float64]
    zero: float


@dataclass(slots=True)
class _Sums:
    """What is accumulated over the blocks of one pair."""

    elements: int = 0
    signal: float = 0.0
    noise: float = 0.0
    saturated: int = 0
    low: int | None = None
    high: int | None = None
    max_abs_error: float = 0.0

    def add(self, pair: _Pair, reference: npt.NDArray[Any], q: npt.NDArray[np.integer]) -> None:
        """Count one block: float values and integers of the same elements in the same order."""
        real = reference.reshape(q.shape).astype(np.float64)
        error = real - pair.scale * (q - pair.zero)
        ideal = real / pair.scale + pair.zero
        over = (q == pair.hi) & (ideal > pair.hi + 0.5)
        under = (q == pair.lo) & (ideal < pair.lo - 0.5)
        low, high = int(q.min()), int(q.max())
        self.elements += q.size
        self.signal += float(np.square(real).sum())
        self.noise += float(np.square(error).sum())
        self.saturated += int(np.count_nonzero(over | under))
        self.low = low if self.low is None else min(low, self.low)
        self.high = high if self.high is None else max(high, self.high)
        self.max_abs_error = max(self.max_abs_error, float(np.abs(error).max()))

    def row(self, pair: _Pair) -> LayerProfile:
        """The finished profile."""
        assert self.low is not None
        assert self.high is not None
        return LayerProfile(
            pair.node,
            pair.reference,
            str(pair.type),
            self.elements,
            _decibel(self.signal, self.noise),
            self.saturated / self.elements,
            pair.lo,
            pair.hi,
            self.low,
            self.high,
            self.max_abs_error,
        )


def profile(quantized: Quantized, frames: npt.NDArray[np.integer]) -> tuple[LayerProfile, ...]:
    """Compare every requantized tensor with its float node on `frames` [N, H, W, C], in order.

    Runs in blocks of 256 frames. Raises ShiftloomError when there are no frames.
    """
    if len(frames) == 0:
        raise ShiftloomError("profile", "no frames were given", "give at least one")
    pairs = _pairs(quantized.qgraph)
    sums = [_Sums() for _ in pairs]
    for start in range(0, len(frames), BLOCK):
        block = frames[start : start + BLOCK]
        floats = quantized.graph.run(block, trace=True)
        integers = golden.trace(quantized.qgraph, block)
        for pair, total in zip(pairs, sums, strict=True):
            total.add(pair, floats[pair.reference], integers[pair.node])
    return tuple(total.row(pair) for pair, total in zip(pairs, sums, strict=True))


def _pairs(network: QGraph) -> list[_Pair]:
    """The nodes whose integers stand for a float value, with the range they are clipped to."""
    return [
        _Pair(
            node.name,
            node.reference,
            node.out.type,
            *_clip_range(node),
            np.asarray(node.out.scale.data, dtype=np.float64),
            node.out.zero,
        )
        for node in network.nodes
        if node.reference
    ]


def _clip_range(node: QNode) -> tuple[int, int]:
    if isinstance(node.unit, Requantize):
        return node.unit.requantization.lo, node.unit.requantization.hi
    if isinstance(node.unit, ScaledAdd):
        return node.unit.lo, node.unit.hi
    return node.out.type.lo, node.out.type.hi


def _decibel(signal: float, noise: float) -> float:
    """10·log10(signal / noise): infinite without noise, minus infinite without signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
