"""A convolution in transposed form: a matrix product of every pixel with all taps, then a chain.

With x = (x − z) + z for the padding value z, an output is the sum over its taps inside the frame of
Σ w·(x − z), and a constant: its bias and z times the sum of all its weights. So the matrix product
gives Σ w·x − z·Σ w for every tap, and the chain adds nothing for a tap outside.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import furthest
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.codegen.windows import Window


def taps(mac: Mac) -> int:
    """Taps of the kernel."""
    return prod(mac.window.kernel)


def terms(mac: Mac) -> int:
    """Terms of a tap's sum: the input channels of a group."""
    return int(mac.weights.data.shape[3])


def divides(mac: Mac, pe: int) -> bool:
    """Whether beats of `pe` channels are full, of one group each."""
    return len(mac.bias.data) // mac.groups % pe == 0


@lru_cache(maxsize=256)
def products(mac: Mac, pe: int) -> Mac:
    """The matrix product whose outputs are the tap sums, for `pe` channels a beat.

    Output (f·taps + t)·pe + l is tap t of channel f·pe + l, so that a beat has all taps of `pe`
    channels, of one group: see `divides`. `codes` are those of the convolution. It has a quality
    where that cuts the weights, and no bias that depends on them.
    """
    weights = mac.weights.data.reshape(-1, pe, taps(mac), 1, 1, terms(mac))
    ordered = weights.transpose(0, 2, 1, 3, 4, 5).reshape(-1, 1, 1, terms(mac))
    bias = -_padding(mac) * ordered.sum(axis=(1, 2, 3))
    quality = mac.scalable if mac.scalable == "weight" and not _padding(mac) else ""
    return Mac(Array(ordered), Array(bias), Window((1, 1)), 0, mac.codes, mac.groups, quality)


def first_sums(mac: Mac) -> IntArray:
    """What the chain of every output channel begins with."""
    whole = mac.weights.data.reshape(len(mac.bias.data), -1).sum(axis=1)
    begun: IntArray = mac.bias.data + _padding(mac) * whole
    return begun


@lru_cache(maxsize=1024)
def sum_type(mac: Mac, x: IntType) -> IntType:
    """The narrowest type of all tap sums of activations of type `x`, at any quality."""
    weights, z = mac.weights.data.astype(np.int64), _padding(mac)
    cut = furthest(weights) if mac.scalable == "weight" else (weights,)
    ends = np.stack([w * (value - z) for w in cut for value in (x.lo, x.hi)])
    lo, hi = ends.min(axis=0).sum(axis=3).min(), ends.max(axis=0).sum(axis=3).max()
    return IntType.covering(int(lo), int(hi))


def _padding(mac: Mac) -> int:
    """What padding reads; 0 where there is none."""
    return mac.pad_value if any((*mac.window.padding, *mac.window.end)) else 0
