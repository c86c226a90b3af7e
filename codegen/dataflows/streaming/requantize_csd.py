"""Requantization by signed digits of M, as many as its quality keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import (
    LUT_DEPTH,
    block_rams,
    changing_bits,
    count_bits,
    distinct_tables,
    rom_luts,
)
from shiftloom.codegen.dataflows.streaming.bit_fields import bits_of
from shiftloom.codegen.dataflows.streaming.channel_constants import ChannelConstants
from shiftloom.codegen.dataflows.streaming.requantize_cost import Offset
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, Stream
from shiftloom.codegen.plan import GATES
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.signed_digits import ROW_CODE_BITS, row_codes, row_words, rows_for
from shiftloom.codegen.values import Array, IntArray

_GATE = GATES.index("product")
"""The whole product holds where it is zero: finer grains cost more than they save."""


@dataclass(frozen=True, slots=True)
class RequantCsd(ChannelConstants):
    """`sl_requant_csd`: as `sl_requant`, with the codes of M's digit pairs in the place of M."""

    name: str
    node: str
    source: Stream
    sink: Stream
    function: Requantization
    design: str

    kind = "requant_csd"

    @property
    def rows(self) -> int:
        """Pairs of digits of the multipliers."""
        return rows_for(self.function.m.data)

    def codes(self) -> IntArray:
        """The codes of all pairs of a multiplier as one word, [FOLDS, LANES]."""
        return row_words(self.multipliers(), self.rows)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        height, width, _ = self.source.shape
        return (
            ("LANES", self.lanes),
            ("FOLDS", len(self.multipliers())),
            ("IN_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
            ("ROWS", self.rows),
            ("C_BITS", self.c_bits),
            ("SHIFT", self.function.shift),
            ("OUT_BITS", self.sink.bits),
            ("LO", self.function.lo),
            ("HI", self.function.hi),
            ("ZERO", self.function.zero),
            ("GATE", _GATE),
            ("PIXELS", height * width),
        )

    @property
    def _code_bits(self) -> int:
        return ROW_CODE_BITS * self.rows

    def _constants(self) -> Rom:
        """Words of lanes {C, codes of M}."""
        m, c = bits_of(self.codes(), self._code_bits), bits_of(self.offsets(), self.c_bits)
        words = np.concatenate([m, c], axis=-1).reshape(len(m), -1)
        style = self.rom_style(self._memory_width)
        return Rom(f"{self.design}_{self.name}_digits", Array(words), 1, style)

    @property
    def _memory_width(self) -> int:
        return self.lanes * (self._code_bits + self.c_bits)

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_requant_csd",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("p", self._constants(), "p"),),
            quality=True,
        )

    def call(self) -> HlsCall | None:
        ctype = f"sl::uword<{self._code_bits}>"
        arrays = [HlsArray(f"{self.name}_digits", ctype, Array(self.codes()))]
        if self.c_bits:
            ctype = f"sl::sword<{self.c_bits}>"
            arrays.append(HlsArray(f"{self.name}_offsets", ctype, Array(self.offsets())))
        return HlsCall(
            "requant_csd",
            "sl_requant_csd.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            tuple(arrays),
            quality=True,
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        function, folds = self.function, len(self.multipliers())
        used = row_codes(self.multipliers(), self.rows).any(axis=0).sum(axis=-1)
        changing = changing_bits(self.codes(), self._code_bits)
        changing += changing_bits(self.offsets(), self.c_bits)
        memory_bits = distinct_tables(changing, folds)
        is_block = self.rom_style(self._memory_width) == "block"
        memory_luts = 0 if is_block else memory_bits * rom_luts(folds)
        product = self.x_bits + 2 * self.rows
        kept = self.lanes * (product - function.shift)
        offset = Offset.of(product, self.c_bits, self._multiply, changes=folds > 1, use_dsp=False)
        return {
            "one": 1,
            "frame_bits": count_bits(folds, self.source.beats),
            "operand_bits": self.lanes * self.x_bits,
            "row_bits": int(used.sum()) * self.x_bits,
            "keep_luts": int((used * used).sum()),
            "code_bits": ROW_CODE_BITS * int(used.sum()),
            "offset_bits": self.lanes * offset.sums,
            "delay_luts": self.lanes * offset.luts,
            "delay_bits": self.lanes * offset.registers,
            "memory_luts": 0 if folds > LUT_DEPTH else memory_luts,
            "deep_luts": memory_luts if folds > LUT_DEPTH else 0,
            "memory_bits": 0 if is_block else memory_bits,
            "block_rams": block_rams(self._memory_width, folds) if is_block else 0,
            "floor_bits": kept if function.shift else 0,
            "plain_bits": 0 if function.shift else kept,
            "shift_bits": self.lanes * function.shift,
            "clip_bits": self.lanes * self.sink.bits,
        }

    def timing(self) -> Model:
        return pipeline.model(4 + self._multiply + (self.c_bits > 0))

    @property
    def _multiply(self) -> int:
        """Enabled clocks from the digits and a value to their product."""
        return 1 + (self.rows - 1).bit_length()
