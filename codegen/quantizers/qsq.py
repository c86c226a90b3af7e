"""QSQ quantizers: least squares (the default) and the paper's thresholds.

Both map weights [C_out, KH, KW, C_in] to integers β of the format and one α a vector.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import Vectors, check_weights, mantissas
from shiftloom.codegen.values import Array, IntArray

Mode = Literal["least_squares", "paper", "calibrated"]
AlphaRule = Literal["least_squares", "paper"]

_STARTS = np.linspace(0.2, 1.6, 15)
_ROUNDS = 12
_GAMMAS = np.linspace(0.1, 0.9, 9)
_DELTAS = np.linspace(1.1, 3.0, 20)


def quantize(
    node: str,
    weights: npt.NDArray[np.float32],
    fmt: Qsq,
    mode: Mode = "least_squares",
    alpha: AlphaRule = "least_squares",
    alpha_bits: int = 16,
) -> QuantizedWeights:
    """Quantize one layer; raises ShiftloomError naming `node` on weights that are not finite.

    `alpha` applies to the paper's mode: eq. 9 taken literally or the least-squares scale.
    α > 0 always: a vector of zeros takes the layer's largest, which then only scales its bias.
    """
    vectors = fmt.to_vectors(check_weights(node, weights))
    mask = ~np.isnan(vectors)
    vectors = np.where(mask, vectors, 0.0)
    if mode == "paper":
        beta, scale = _paper(vectors, mask, fmt, alpha)
    else:
        beta, scale = least_squares(
            vectors, fmt.magnitudes, _STARTS[:, None] * np.sqrt((vectors**2).mean(axis=1))
        )
    mantissa, exponent = mantissas(scale, alpha_bits)
    beta[mantissa == 0] = 0
    mantissa[~beta.any(axis=1)] = mantissa.max(initial=1 << (alpha_bits - 1))
    values = Array(fmt.from_vectors(beta, weights.shape))
    return QuantizedWeights(fmt, values, Array(mantissa), exponent)


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


def least_squares(
    vectors: Vectors, magnitudes: tuple[int, ...], starts: Vectors
) -> tuple[IntArray, Vectors]:
    """Nearest levels and least-squares scales in turn, from each of `starts` [S, V]: the best."""
    best_error = np.full(len(vectors), np.inf)
    best_beta = np.zeros(vectors.shape, dtype=np.int64)
    best_scale = np.zeros(len(vectors))
    for start in starts:
        beta = _nearest(vectors, start, magnitudes)
        for _ in range(_ROUNDS):
            scale = _solve_scale(vectors, beta)
            update = _nearest(vectors, scale, magnitudes)
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
        edges = (gamma, 1.0, delta)[: len(fmt.magnitudes) - 1]
        beta = sign * np.array(fmt.magnitudes)[np.searchsorted(edges, ratio, side="left")]
        scale = paper_scale if alpha == "paper" else _solve_scale(vectors, beta)
        error = float(((vectors - scale[:, None] * beta) ** 2).sum())
        if best is None or error < best[0]:
            best = (error, beta, scale)
    assert best is not None
    return best[1], best[2]
