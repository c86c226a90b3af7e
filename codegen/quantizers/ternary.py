"""ternary: one scale by the threshold 0.7·E|W|, or two scales of least squared error.

One scale is α = E|W| above the threshold (Li et al., arXiv:1605.04711, eq. 6). Two are α·p and α·n
(Zhu et al., arXiv:1612.01064, who find them by training). Here two steps are alternated:
the ratio p : n that suits the layer's signs and zeros best, of all with integers up to 7; and the
best signs and zeros for it, channel by channel.
"""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.ternary import Ternary
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import Vectors, check_weights, in_fixed_point
from shiftloom.codegen.values import IntArray

_THRESHOLD = 0.7
_LARGEST = 7
_RATIOS = np.array(
    [(p, n) for p in range(1, _LARGEST + 1) for n in range(1, _LARGEST + 1) if gcd(p, n) == 1]
)
_ROUNDS = 20


def quantize(
    node: str, weights: npt.NDArray[Any], scales: int = 1, alpha_bits: int | None = 16
) -> QuantizedWeights:
    """W ≈ α·{−n, 0, p}, a channel each; raises ShiftloomError naming `node` on bad weights."""
    exact = check_weights(node, weights)
    rows = exact.reshape(weights.shape[0], -1)
    fmt, beta, scale = _one(rows) if scales == 1 else _two(rows)
    rounded = None if scales == 1 else fmt.levels
    return in_fixed_point(fmt, exact, beta.reshape(weights.shape), scale, alpha_bits, rounded)


def _one(rows: Vectors) -> tuple[Ternary, IntArray, Vectors]:
    magnitude = np.abs(rows)
    above = magnitude > _THRESHOLD * magnitude.mean(axis=1, keepdims=True)
    scale = (magnitude * above).sum(axis=1) / np.maximum(above.sum(axis=1), 1)
    return Ternary(), np.sign(rows).astype(np.int64) * above, scale


def _two(rows: Vectors) -> tuple[Ternary, IntArray, Vectors]:
    """Each step lowers the squared error, or leaves it; it ends where the ratio stays."""
    fmt = Ternary()
    beta, scale = _signs(rows, fmt)
    for _ in range(_ROUNDS):
        ratio = _ratio(rows, beta)
        if ratio == fmt:
            break
        fmt = ratio
        beta, scale = _signs(rows, fmt)
    return fmt, beta, scale


def _ratio(rows: Vectors, beta: IntArray) -> Ternary:
    """The levels that lower the error most for these signs and zeros, each with its best α."""
    sums, counts = (
        np.stack([(part * (beta > 0)).sum(axis=1), (-part * (beta < 0)).sum(axis=1)])
        for part in (rows, np.sign(beta))
    )
    gain = (_RATIOS @ sums) ** 2 / np.maximum(_RATIOS**2 @ counts, 1)
    return Ternary(*_RATIOS[int(gain.sum(axis=1).argmax())].tolist())


def _signs(rows: Vectors, fmt: Ternary) -> tuple[IntArray, Vectors]:
    """The best β of these levels, and α: the weights that are not zero are the largest |w| / level.

    How many they are is where ⟨W, β⟩² / ⟨β, β⟩ is largest.
    """
    level = np.where(rows < 0, fmt.negative, fmt.positive)
    order = np.argsort(-np.abs(rows) / level, axis=1, kind="stable")
    sorted_level = np.take_along_axis(level, order, axis=1)
    dot = np.cumsum(sorted_level * np.take_along_axis(np.abs(rows), order, axis=1), axis=1)
    norm = np.cumsum(sorted_level**2, axis=1)
    last = (dot**2 / norm).argmax(axis=1)[:, None]
    kept = np.empty(rows.shape, dtype=bool)
    np.put_along_axis(kept, order, np.arange(rows.shape[1]) <= last, axis=1)
    beta = np.where(kept & (rows != 0), np.sign(rows).astype(np.int64) * level, 0)
    found: Vectors = np.take_along_axis(dot / norm, last, axis=1)[:, 0]
    return beta, found
