"""What requantization by multipliers needs of every channel: M and C, and the memory of both."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.cost import LUT_DEPTH
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import RomStyle
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import IntArray

_SHALLOW = 8
"""Up to this depth, a constant memory is part of the logic that reads it."""
_LUT_MEMORY_BITS = 8192
"""Largest constant memory in LUTs, where it is deep."""


class ChannelConstants(OneToOne):
    """A unit with the field `function`, `lanes` channels a clock, a memory word a channel group."""

    __slots__ = ()
    function: Requantization
    is_reloadable = False

    @property
    def lanes(self) -> int:
        """Channels a clock."""
        return self.source.elements

    @property
    def x_bits(self) -> int:
        """Width of a value with its sign."""
        return self.source.bits + (not self.source.signed)

    @property
    def c_bits(self) -> int:
        """Width of the offsets, 0 if all are 0."""
        return self.function.offset_bits(self.is_reloadable)

    def multipliers(self) -> IntArray:
        """M as [FOLDS, LANES]."""
        folded: IntArray = self.function.m.data.reshape(-1, self.lanes)
        return folded

    def offsets(self) -> IntArray:
        """C as [FOLDS, LANES]."""
        shape = self.function.m.data.shape
        folded: IntArray = np.broadcast_to(self.function.offset.data, shape)
        return folded.reshape(-1, self.lanes)

    def rom_style(self, width: int, *, is_apart: bool = False) -> RomStyle:
        """How words of `width` bits are kept: few merge with the adders, many are better off alone.

        `is_apart`: what reads them cannot take them in.
        """
        folds = len(self.multipliers())
        if folds > LUT_DEPTH and folds * width > _LUT_MEMORY_BITS:
            return "block"
        return "distributed" if is_apart or folds > _SHALLOW else "auto"
