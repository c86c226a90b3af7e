"""Exact per-channel numbers: object arrays of Fractions, of shape (C,) or ()."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Rationals = npt.NDArray[np.object_]
"""Fractions of shape (C,), or () where all channels agree; NumPy's operators work on them."""


def rationals(values: npt.ArrayLike | Fraction) -> Rationals:
    """The exact Fractions of integers, floats or Fractions."""
    source = np.asarray(values)
    plain: Iterable[Any] = source.ravel().tolist()
    result = np.empty(source.size, dtype=object)
    result[:] = [Fraction(value) for value in plain]
    return result.reshape(source.shape)


def floats(values: Rationals) -> npt.NDArray[np.float64]:
    """The nearest float64 of each."""
    return np.asarray(values, dtype=np.float64)


def per_channel(values: Rationals, channels: int) -> Rationals:
    """The values as shape (C,)."""
    return np.broadcast_to(values, (channels,))


def uniform(values: Rationals) -> bool:
    """Whether all channels have the same value."""
    return len(set(values.ravel().tolist())) == 1


def common(values: Rationals) -> Fraction:
    """The value of all channels, which must agree."""
    assert uniform(values)
    result: Fraction = values.ravel()[0]
    return result
