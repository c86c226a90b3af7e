"""How many outputs share a DSP block, and how long its chains are, so that every sum is exact.

A block of 25 × 18 bits multiplies an activation by A = Σ w[o]·2^(o·field), which makes `pack`
products at once; a chain of `group` blocks adds `group` terms in a sum of 48 bits. That is exact as
long as the sum of every output stays inside its field, which the weights themselves decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shiftloom.codegen.values import Array, IntArray, IntType

FACTOR_BITS = 25
"""Width of the factor of a block that holds the weights."""
ACTIVATION_BITS = 18
"""Width of the other factor, signed."""
SUM_BITS = 48
"""Width of the sum of a chain."""
MAX_PACK = 4
MAX_GROUP = 16
"""Longest chain: the delay of its last term is one LUT a bit."""
LUTS_A_BLOCK = 200
"""What a block is worth: the devices have about as many LUTs for each."""


@dataclass(frozen=True, slots=True)
class Packing:
    """`pack` outputs a block, `field` bits apart, of `bits` bits each; `group` blocks a chain."""

    pack: int
    field: int
    bits: int
    group: int

    def words(self, weights: IntArray) -> IntArray:
        """The factors A = Σ w[o]·2^(o·field) of weights [..., PE, SIMD] as [..., BLOCKS, SIMD]."""
        *front, outputs, simd = weights.shape
        blocks = -(-outputs // self.pack)
        padded = np.zeros((*front, blocks * self.pack, simd), dtype=np.int64)
        padded[..., :outputs, :] = weights
        places = np.int64(1) << (self.field * np.arange(self.pack, dtype=np.int64))
        shaped = padded.reshape(*front, blocks, self.pack, simd)
        words: IntArray = (shaped * places[:, None]).sum(axis=-2)
        return words

    def fields(self, words: IntArray) -> IntArray:
        """The parts of A that are stored, [..., pack]: all others repeat a sign.

        The lowest is its weight; above a negative part one is borrowed.
        """
        shifted = words[..., None] >> (self.field * np.arange(self.pack, dtype=np.int64))
        half = 1 << (self.bits - 1)
        stored: IntArray = (shifted + half) % (2 * half) - half
        return stored


def packing(weights: Array, x: IntType, pe: int, simd: int) -> Packing:
    """The cheapest exact packing of a layer's weights [C_out, …] for activations of type `x`."""
    found = min((_price(option, pe, simd), option) for option in _options(weights, x, simd))
    return found[1]


def fits(weights: Array, x: IntType) -> bool:
    """Whether a block multiplies every weight and activation."""
    return _kind(weights, 1).bits <= FACTOR_BITS and x.bits + (not x.signed) <= ACTIVATION_BITS


def _options(weights: Array, x: IntType, simd: int) -> Iterator[Packing]:
    """For each number of outputs a block, the longest chain that is exact."""
    for pack in range(1, MAX_PACK + 1):
        bits = _kind(weights, pack).bits
        widest = min(SUM_BITS // pack, (FACTOR_BITS - bits) // max(1, pack - 1))
        widest = SUM_BITS if pack == 1 else widest
        for group in _chains(simd):
            field = max(sum_type(weights, x, group).bits, bits)
            if field <= widest:
                yield Packing(pack, field, bits, group)
                break


def _chains(simd: int) -> Iterator[int]:
    """Lengths of chains that divide a beat, the longest first."""
    return (group for group in range(min(simd, MAX_GROUP), 0, -1) if simd % group == 0)


def _kind(weights: Array, pack: int) -> IntType:
    """Type of the weight fields of a factor; one is borrowed of all but the lowest."""
    low, high = int(weights.data.min()), int(weights.data.max())
    return IntType.covering(low - (pack > 1 and low < 0), high)


@lru_cache(maxsize=1024)
def sum_type(weights: Array, x: IntType, group: int) -> IntType:
    """Type of the sums of `group` consecutive terms of an output, for every activation of `x`."""
    terms = weights.data.reshape(weights.data.shape[0], -1, group)
    ends = np.stack([terms * x.lo, terms * x.hi])
    low = int(ends.min(axis=0).sum(axis=-1).min())
    high = int(ends.max(axis=0).sum(axis=-1).max())
    return IntType.covering(low, high)


def _price(packing: Packing, pe: int, simd: int) -> tuple[int, int]:
    """Blocks and adders in LUTs; of equals, the fewest outputs a block."""
    blocks = -(-pe // packing.pack) * simd
    adders = pe * (simd // packing.group - 1) * packing.field
    return blocks * LUTS_A_BLOCK + adders, packing.pack
