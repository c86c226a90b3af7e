"""Requantization units: multiply and shift, or thresholds by pipelined binary search."""

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
from shiftloom.codegen.dataflows.streaming.requantize_cost import Offset, Rows, dsp_blocks
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import (
    HlsArray,
    HlsCall,
    Instance,
    Load,
    Rom,
    RomBank,
    RomPort,
    RomStyle,
    Stream,
)
from shiftloom.codegen.requant import Requantization, thresholds
from shiftloom.codegen.values import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class MultiplyShift(ChannelConstants):
    """`sl_requant`: `lanes` channels a clock, M and C from a memory, a word a channel group."""

    name: str
    node: str
    source: Stream
    sink: Stream
    function: Requantization
    use_dsp: bool
    design: str
    is_reloadable: bool = False

    kind = "requant"

    @staticmethod
    def supports_dsp(function: Requantization, source: IntType) -> bool:
        """Whether two DSP blocks multiply values of this type by M."""
        return dsp_blocks(source.bits + (not source.signed), function.m_bits) <= 2

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.lanes),
            ("FOLDS", len(self.multipliers())),
            ("IN_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
            ("M_BITS", self.function.m_bits),
            ("C_BITS", self.c_bits),
            ("SHIFT", self.function.shift),
            ("OUT_BITS", self.sink.bits),
            ("LO", self.function.lo),
            ("HI", self.function.hi),
            ("ZERO", self.function.zero),
            ("USE_DSP", int(self.use_dsp)),
        )

    def _constants(self) -> Rom:
        """Words of lanes {C, M}; of DSP blocks a memory even where they never change."""
        m = bits_of(self.multipliers(), self.function.m_bits)
        c = bits_of(self.offsets(), self.c_bits)
        words = np.concatenate([m, c], axis=-1).reshape(len(m), -1)
        return Rom(f"{self.design}_{self.name}_multipliers", Array(words), 1, self._rom_style())

    def _rom_style(self) -> RomStyle:
        """DSP blocks take in no memory."""
        return self.rom_style(self._memory_width, is_apart=self.use_dsp)

    @property
    def _memory_width(self) -> int:
        return self.lanes * (self.function.m_bits + self.c_bits)

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_requant",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("p", self._constants(), "p", self._load()),),
        )

    def _load(self) -> Load | None:
        """How M and C are loaded, if they can be."""
        if not self.is_reloadable:
            return None
        fields = (self.function.m_bits, *((self.c_bits,) if self.c_bits else ()))
        return Load("constants", self.multipliers().shape, (0, 1), fields)

    def call(self) -> HlsCall | None:
        height, width, _ = self.source.shape
        arguments = (*(value for _, value in self._parameters()), height * width)
        ctype = f"sl::uword<{self.function.m_bits}>"
        arrays = [HlsArray(f"{self.name}_multipliers", ctype, Array(self.multipliers()))]
        if self.c_bits:
            ctype = f"sl::sword<{self.c_bits}>"
            arrays.append(HlsArray(f"{self.name}_offsets", ctype, Array(self.offsets())))
        source, sink = self.source.name, self.sink.name
        return HlsCall("requant", "sl_requant.hpp", arguments, (source,), (sink,), tuple(arrays))

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        bits, m, function = self.x_bits, self.multipliers(), self.function
        known = self._any_multipliers() if self.is_reloadable else m
        rows = Rows() if self.use_dsp else Rows.of(known, bits, function.m_bits)
        changing = changing_bits(known, function.m_bits)
        changing += changing_bits(self.offsets(), self.c_bits)
        memory_bits = distinct_tables(changing, len(m))
        is_block, is_deep = self._rom_style() == "block", len(m) > LUT_DEPTH
        memory_luts = 0 if is_block else memory_bits * rom_luts(len(m))
        kept = self.lanes * (bits + function.m_bits - function.shift)
        offset = Offset.of(
            bits + function.m_bits,
            self.c_bits,
            self._levels,
            changes=len(m) > 1,
            use_dsp=self.use_dsp,
        )
        return {
            "one": 1,
            "fold_bits": count_bits(len(m)),
            "digit_luts": rows.digits,
            "adder_bits": rows.adders,
            "row_bits": rows.registers,
            "offset_bits": self.lanes * offset.sums,
            "delay_luts": self.lanes * offset.luts,
            "delay_bits": self.lanes * offset.registers,
            "memory_luts": 0 if is_deep else memory_luts,
            "deep_luts": memory_luts if is_deep else 0,
            "memory_bits": 0 if is_block else memory_bits,
            "block_rams": block_rams(self._memory_width, len(m)) if is_block else 0,
            "floor_bits": kept if function.shift else 0,
            "plain_bits": 0 if function.shift else kept,
            "shift_bits": self.lanes * function.shift,
            "clip_bits": self.lanes * self.sink.bits,
            "dsp": self.lanes * dsp_blocks(bits, function.m_bits) if self.use_dsp else 0,
        }

    def _any_multipliers(self) -> IntArray:
        """What stands for multipliers that nothing is known of: all bits change."""
        ends = np.array([0, (1 << self.function.m_bits) - 1])
        return np.repeat(ends[:, None], self.lanes, axis=1)

    def timing(self) -> Model:
        return pipeline.model(self._latency())

    def _latency(self) -> int:
        """Enabled clocks from an input beat to its output beat, as in `sl_requant.sv`."""
        return 7 if self.use_dsp else 4 + self._levels + (self.c_bits > 0)

    @property
    def _levels(self) -> int:
        """Registered additions of the rows of a product."""
        return (-(-self.function.m_bits // 2) - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Thresholds(OneToOne):
    """`sl_thresholds`: y = lo + #{k : x ≥ T[c, k]}, one memory level an output bit."""

    name: str
    node: str
    source: Stream
    sink: Stream
    function: Requantization
    design: str

    kind = "thresholds"

    @staticmethod
    def supports(function: Requantization) -> bool:
        """Activations that use their whole range; logits have far too many steps."""
        out = function.out
        return out.bits <= 8 and (function.lo, function.hi) == (out.lo, out.hi)

    def table(self) -> IntArray:
        """Ascending thresholds [FOLDS, LANES, 2^b − 1], clipped to the type of the sums.

        A sum never reaches the type's largest value (see `IntegerBuilder`), so a threshold clipped
        to it stays out of reach.
        """
        limit = 1 << (self.source.bits - 1)
        table = np.clip(thresholds(self.function), -limit, limit - 1)
        shaped: IntArray = table.reshape(-1, self.source.elements, table.shape[1])
        return shaped

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.source.elements),
            ("FOLDS", len(self.table())),
            ("IN_BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("LO", self.function.lo),
        )

    def bank(self) -> RomBank:
        """The memory of level l and lane i holds T[(2·partial + 1)·2^(b−1−l) − 1] by partial."""
        table, bits = self.table(), self.sink.bits
        module = f"{self.design}_{self.name}_levels"
        roms = []
        for level in range(bits):
            steps = (2 * np.arange(1 << level) + 1) * (1 << (bits - 1 - level)) - 1
            for lane in range(table.shape[1]):
                fields = table[:, lane, steps].reshape(-1, 1)
                roms.append(Rom(f"level{level}_lane{lane}", Array(fields), self.source.bits))
        address = max(1, (len(table) - 1).bit_length() + bits - 1)
        return RomBank(module, tuple(roms), address)

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_thresholds",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("t", self.bank(), "t"),),
        )

    def call(self) -> HlsCall | None:
        height, width, _ = self.source.shape
        arguments = (*(value for _, value in self._parameters()), height * width)
        ctype = f"sl::sword<{self.source.bits}>"
        array = HlsArray(f"{self.name}_thresholds", ctype, Array(self.table()))
        return HlsCall(
            "thresholds",
            "sl_thresholds.hpp",
            arguments,
            (self.source.name,),
            (self.sink.name,),
            (array,),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        memories = [(rom.fields.data, rom.bits) for rom in self.bank().roms]
        changing = [changing_bits(fields, bits) for fields, bits in memories]
        luts = [rom_luts(len(fields)) for fields, _ in memories]
        folds, levels = len(self.table()), self.sink.bits
        return {
            "one": 1,
            "fold_bits": count_bits(folds),
            "compare_bits": self.source.width * levels,
            "result_bits": self.source.elements * levels * levels,
            "memory_bits": sum(changing),
            "memory_luts": sum(n * luts for n, luts in zip(changing, luts, strict=True)),
        }

    def timing(self) -> Model:
        return pipeline.model(self.sink.bits + 1)
