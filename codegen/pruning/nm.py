"""N:M sparsity: of every M weights in a row at most N stay (Mishra et al., arXiv:2104.08378)."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.values import Array


def check(n: int, m: int) -> None:
    """Refuse to keep more weights than there are."""
    if n > m:
        raise ShiftloomError("pruning.n", f"keeps {n} of every {m} weights", f"use 1 to {m}")


def mask(op: Layer, n: int, m: int) -> Array:
    """What stays of a layer: the N largest of every M weights along its input channels.

    Blocks begin at the first input channel, of each filter and tap. A last block of fewer than M
    keeps N as well. Of equal weights the first ones stay.
    """
    size = np.abs(op.weights.data)
    channels = size.shape[-1]
    m = min(m, channels)
    rows = size.reshape(-1, channels)
    blocks = np.full((len(rows), -(-channels // m) * m), -1.0)
    blocks[:, :channels] = rows
    blocks = blocks.reshape(len(rows), -1, m)
    largest = np.argsort(-blocks, axis=-1, kind="stable")[..., :n]
    kept = np.zeros(blocks.shape, dtype=np.bool_)
    np.put_along_axis(kept, largest, True, axis=-1)
    return Array(kept.reshape(len(rows), -1)[:, :channels].reshape(size.shape))
