"""QSQ quantizers: least squares (the default) and the paper's thresholds.

Both map weights [C_out, KH, KW, C_in] to integers β of the format and one α a vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.values import Array, IntArray

Mode = Literal["least_squares", "paper"]
AlphaRule = Literal["least_squares", "paper"]
Vectors = npt.NDArray[np.float64]

_STARTS = np.linspace(0.2, 1.6, 15)
_ROUNDS = 12
_GAMMAS = np.linspace(0.1, 0.9, 9)
_DELTAS = np.linspace(1.1, 3.0, 20)


@dataclass(frozen=True, slots=True)
class QsqWeights:
    """β in the shape of the weights and α, a[v]·2^exponent, for each vector v in order."""

    format: Qsq
    beta: Array
    mantissa: Array
    exponent: int

    @property
    def alpha(self) -> npt.NDArray[np.float64]:
        """α of each vector as a real number."""
        return np.ldexp(self.mantissa.data.astype(np.float64), self.exponent)


def quantize(
    node: str,
    weights: npt.NDArray[np.float32],
    fmt: Qsq,
    mode: Mode = "least_squares",
    alpha: AlphaRule = "least_squares",
    alpha_bits: int = 16,
) -> QsqWeights:
    """Quantize one layer; raises ShiftloomError naming `node` on weights that are not finite.

    `alpha` applies to the paper's mode: eq. 9 taken literally or the least-squares scale.
    α > 0 always: a vector of zeros takes the layer's largest, which then only scales its bias.
    """
    if not np.isfinite(weights).all():
        count = int((~np.isfinite(weights)).sum())
        raise ShiftloomError(node, f"{count} weights are not finite", "train the network again")
    vectors = fmt.to_vectors(weights.astype(np.float64))
    mask = ~np.isnan(vectors)
    vectors = np.where(mask, vectors, 0.0)
    if mode == "paper":
        beta, scale = _paper(vectors, mask, fmt, alpha)
    else:
        beta, scale = _least_squares(vectors, fmt)
    mantissa, exponent = _fixed_point(scale, alpha_bits)
    beta[mantissa == 0] = 0
    mantissa[~beta.any(axis=1)] = mantissa.max(initial=1 << (alpha_bits - 1))
    return QsqWeights(fmt, Array(fmt.from_vectors(beta, weights.shape)), Array(mantissa), exponent)


def _fixed_point(scale: Vectors, bits: int) -> tuple[IntArray, int]:
    """α as integer mantissas of `bits` bits over one exponent a layer; 0 if α is far too small."""
    top = float(scale.max(initial=0.0)) or 1.0
    exponent = int(np.floor(np.log2(top))) + 1 - bits
    mantissa = np.rint(np.ldexp(scale, -exponent)).astype(np.int64)
    return np.minimum(mantissa, (1 << bits) - 1), exponent


def _nearest(vectors: Vectors, scale: Vectors, levels: tuple[int, ...]) -> IntArray:
    """Nearest level of each weight over its vector's scale; ties go to the smaller magnitude."""
    ratio = np.abs(vectors) / np.where(scale > 0, scale, np.inf)[:, None]
    magnitude = np.zeros(vectors.shape, dtype=np.int64)
    for lower, upper in pairwise(levels):
        magnitude[ratio > (lower + upper) / 2] = upper
    return np.where(vectors < 0, -magnitude, magnitude)


def _solve_scale(vectors: Vectors, beta: IntArray) -> Vectors:
    """Least-squares α = ⟨W, β⟩ / ⟨β, β⟩ of each vector, 0 where β vanishes."""
    norm = (beta * beta).sum(axis=1)
    dot: Vectors = (vectors * beta).sum(axis=1)
    return np.where(norm > 0, dot / np.maximum(norm, 1), 0.0)


def _least_squares(vectors: Vectors, fmt: Qsq) -> tuple[IntArray, Vectors]:
    """Alternate nearest levels and their least-squares scale from several starts; keep the best."""
    rms = np.sqrt((vectors**2).mean(axis=1))
    best_error = np.full(len(vectors), np.inf)
    best_beta = np.zeros(vectors.shape, dtype=np.int64)
    best_scale = np.zeros(len(vectors))
    for start in _STARTS:
        scale = start * rms
        beta = _nearest(vectors, scale, fmt.levels)
        for _ in range(_ROUNDS):
            scale = _solve_scale(vectors, beta)
            update = _nearest(vectors, scale, fmt.levels)
            if np.array_equal(update, beta):
                break
            beta = update
        scale = _solve_scale(vectors, beta)
        error = ((vectors - scale[:, None] * beta) ** 2).sum(axis=1)
        better = error < best_error
        best_error[better] = error[better]
        best_beta[better] = beta[better]
        best_scale[better] = scale[better]
    return best_beta, best_scale


def _one_sided_rms(vectors: Vectors, mask: npt.NDArray[np.bool_]) -> Vectors:
    """RMS about zero of the weights selected by `mask`, a vector a row; 0 where there are none."""
    count = mask.sum(axis=1)
    rms: Vectors = np.sqrt((vectors**2 * mask).sum(axis=1) / np.maximum(count, 1))
    return rms


def _paper(
    vectors: Vectors, mask: npt.NDArray[np.bool_], fmt: Qsq, alpha: AlphaRule
) -> tuple[IntArray, Vectors]:
    """Bands of eq. 10 in units of the one-sided deviation; γ and δ searched for the layer."""
    sigma_p = _one_sided_rms(vectors, (vectors > 0) & mask)
    sigma_n = _one_sided_rms(vectors, (vectors < 0) & mask)
    sigma = np.where(vectors < 0, sigma_n[:, None], sigma_p[:, None])
    ratio = np.abs(vectors) / np.where(sigma > 0, sigma, np.inf)
    sign = np.sign(vectors).astype(np.int64)
    paper_scale = np.abs(vectors).sum(axis=1) / (fmt.phi * np.maximum(mask.sum(axis=1), 1))
    best: tuple[float, IntArray, Vectors] | None = None
    deltas = _DELTAS if fmt.phi == 4 else _DELTAS[:1]
    for gamma, delta in product(_GAMMAS, deltas):
        edges = (gamma, 1.0, delta)[: len(fmt.levels) - 1]
        beta = sign * np.array(fmt.levels)[np.searchsorted(edges, ratio, side="left")]
        scale = paper_scale if alpha == "paper" else _solve_scale(vectors, beta)
        error = float(((vectors - scale[:, None] * beta) ** 2).sum())
        if best is None or error < best[0]:
            best = (error, beta, scale)
    assert best is not None
    return best[1], best[2]
