"""Requantization units: multiply and shift, or thresholds by pipelined binary search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import LUT_DEPTH, count_bits, rom_luts
from shiftloom.codegen.dataflows.streaming.requantize_cost import DSP_BITS, Rows, changing_bits
from shiftloom.codegen.dataflows.streaming.timing import Pipeline
from shiftloom.codegen.design import (
    HlsArray,
    HlsCall,
    Instance,
    Rom,
    RomBank,
    RomPort,
    Stream,
)
from shiftloom.codegen.requant import Requantization, thresholds
from shiftloom.codegen.values import Array, IntArray


@dataclass(frozen=True, slots=True)
class MultiplyShift:
    """`sl_requant`: `lanes` channels a clock, M from a memory with one word a channel group."""

    name: str
    node: str
    source: Stream
    sink: Stream
    function: Requantization
    use_dsp: bool
    design: str

    kind = "requant"

    @property
    def lanes(self) -> int:
        """Channels a clock."""
        return self.source.elements

    def multipliers(self) -> IntArray:
        """M as [FOLDS, LANES]."""
        folded: IntArray = self.function.m.data.reshape(-1, self.lanes)
        return folded

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.lanes),
            ("FOLDS", len(self.multipliers())),
            ("IN_BITS", self.source.bits),
            ("M_BITS", self.function.m_bits),
            ("SHIFT", self.function.shift),
            ("OUT_BITS", self.sink.bits),
            ("LO", self.function.lo),
            ("HI", self.function.hi),
            ("ZERO", self.function.zero),
            ("USE_DSP", int(self.use_dsp)),
        )

    def instance(self) -> Instance:
        rom = Rom(
            f"{self.design}_{self.name}_multipliers",
            Array(self.multipliers()),
            self.function.m_bits,
        )
        return Instance(
            self.name,
            self.node,
            "sl_requant",
            self._parameters(),
            self.source.name,
            self.sink.name,
            (RomPort("p", rom, "p"),),
        )

    def call(self) -> HlsCall | None:
        height, width, _ = self.source.shape
        arguments = (*(value for _, value in self._parameters()), height * width)
        name = f"{self.name}_multipliers"
        array = HlsArray(name, f"sl::uword<{self.function.m_bits}>", Array(self.multipliers()))
        return HlsCall(
            "requant", "sl_requant.hpp", arguments, self.source.name, self.sink.name, (array,)
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        bits, m, shift = self.source.bits, self.multipliers(), self.function.shift
        rows = Rows() if self.use_dsp else Rows.of(m, bits, self.function.m_bits)
        memory_bits, is_deep = changing_bits(m, self.function.m_bits), len(m) > LUT_DEPTH
        return {
            "one": 1,
            "fold_bits": count_bits(len(m)),
            "digit_luts": rows.digits,
            "adder_bits": rows.adders,
            "row_bits": rows.registers,
            "memory_luts": 0 if is_deep else memory_bits * rom_luts(len(m)),
            "deep_luts": memory_bits * rom_luts(len(m)) if is_deep else 0,
            "memory_bits": memory_bits,
            "floor_bits": self.lanes * (bits + self.function.m_bits - shift),
            "shift_bits": self.lanes * shift,
            "clip_bits": self.lanes * self.sink.bits,
            "dsp": self.lanes * -(-bits // DSP_BITS) if self.use_dsp else 0,
        }

    def timing(self) -> Pipeline:
        return Pipeline(requant_latency(self.function, self.use_dsp))


def requant_latency(function: Requantization, use_dsp: bool) -> int:
    """Enabled clocks from an input beat to its output beat, as in `sl_requant.sv`."""
    levels = 1 if use_dsp else (-(-function.m_bits // 2) - 1).bit_length()
    return 4 + levels


@dataclass(frozen=True, slots=True)
class Thresholds:
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
            self.source.name,
            self.sink.name,
            (RomPort("t", self.bank(), "t"),),
        )

    def call(self) -> HlsCall | None:
        height, width, _ = self.source.shape
        arguments = (*(value for _, value in self._parameters()), height * width)
        ctype = f"sl::sword<{self.source.bits}>"
        array = HlsArray(f"{self.name}_thresholds", ctype, Array(self.table()))
        return HlsCall(
            "thresholds", "sl_thresholds.hpp", arguments, self.source.name, self.sink.name, (array,)
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

    def timing(self) -> Pipeline:
        return Pipeline(self.sink.bits + 1)
