"""magnitude: the smallest weights become 0 (Han et al., arXiv:1506.02626)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.values import Array, FloatArray


def masks(layers: Mapping[str, Layer], share: float, scope: str) -> dict[str, Array]:
    """What stays where a `share` of all weights, or of those of each layer, is the smallest.

    Of equal weights the first ones go. Raises ShiftloomError naming a layer that nothing is left
    of.
    """
    sizes = {name: np.abs(op.weights.data) for name, op in layers.items()}
    if scope == "layer":
        stay = {name: largest(size, share) for name, size in sizes.items()}
    else:
        flat = largest(np.concatenate([size.ravel() for size in sizes.values()]), share)
        ends = np.cumsum([size.size for size in sizes.values()])[:-1]
        parts = zip(sizes.items(), np.split(flat, ends), strict=True)
        stay = {name: part.reshape(size.shape) for (name, size), part in parts}
    for name, kept in stay.items():
        check_left(name, kept, share, "use a smaller share, or name it in pruning.keep")
    return {name: Array(kept) for name, kept in stay.items()}


def check_left(name: str, kept: npt.NDArray[np.bool_], share: float, hint: str) -> None:
    """Refuse a layer that nothing is left of."""
    if not kept.any():
        raise ShiftloomError(
            name, f"none of its {kept.size} weights stays at a share of {share:g}", hint
        )


def largest(size: FloatArray, share: float) -> npt.NDArray[np.bool_]:
    """True for all but the nearest number to `share` of the smallest elements."""
    kept = np.ones(size.size, dtype=np.bool_)
    kept[np.argsort(size, axis=None, kind="stable")[: round(share * size.size)]] = False
    return kept.reshape(size.shape)
