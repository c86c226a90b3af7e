"""Weights of a layer without groups, and layers that read a whole map at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Shape


def is_flat(mac: Mac, source: Shape) -> bool:
    """Whether a layer reads a whole map at once, as one pixel."""
    return mac.window.kernel == (1, 1) and mac.groups == 1 and mac.lanes != source[2]


def dense(mac: Mac) -> npt.NDArray[Any]:
    """Weights [C_out, KH, KW, C_in] of all groups, with zeros between different ones."""
    weights = mac.weights.data
    outputs, inputs = len(weights) // mac.groups, weights.shape[3]
    full = np.zeros((*weights.shape[:3], inputs * mac.groups), weights.dtype)
    for group in range(mac.groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        full[rows, :, :, group * inputs : (group + 1) * inputs] = weights[rows]
    return full
