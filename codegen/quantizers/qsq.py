"""QSQ quantizers: least squares (the default) and the paper's thresholds.

Both map weights [C_out, KH, KW, C_in] to integers β of the format and one α a vector.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import Vectors, check_weights, in_fixed_point
from shiftloom.codegen.quantizers.least_squares import least_squares, solved
from shiftloom.codegen.quantizers.options import AlphaRule, Word
from shiftloom.codegen.values import IntArray

_GAMMAS = np.linspace(0.1, 0.9, 9)
_DELTAS = np.linspace(1.1, 3.0, 20)


def quantize(
    node: str,
    weights: npt.NDArray[Any],
    fmt: Qsq,
    mode: Word = "least_squares",
    alpha: AlphaRule = "least_squares",
    alpha_bits: int | None = 16,
) -> QuantizedWeights:
    """Quantize one layer; raises ShiftloomError naming `node` on weights that are not finite.

    `alpha` applies to the paper's mode: eq. 9 taken literally or the least-squares scale.
    α > 0 always: a vector of zeros takes the layer's largest, which then only scales its bias.
    """
    exact = check_weights(node, weights)
    vectors = fmt.to_vectors(exact)
    mask = ~np.isnan(vectors)
    vectors = np.where(mask, vectors, 0.0)
    if mode == "paper":
        beta, scale = _paper(vectors, mask, fmt, alpha)
    else:
        beta, scale = least_squares(vectors, fmt.magnitudes)
    rounded = None if mode == "paper" else fmt.levels
    beta = fmt.from_vectors(beta, weights.shape)
    return in_fixed_point(fmt, exact, beta, scale, alpha_bits, rounded)


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
        scale = paper_scale if alpha == "paper" else solved(vectors, beta)
        error = float(((vectors - scale[:, None] * beta) ** 2).sum())
        if best is None or error < best[0]:
            best = (error, beta, scale)
    assert best is not None
    return best[1], best[2]
