"""Scaled sums: two streams, each times a constant, to activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.dataflows.streaming.bit_fields import bits_of
from shiftloom.codegen.dataflows.streaming.timing import add
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.qgraph import ScaledAdd
from shiftloom.codegen.values import Array, IntType

DIGIT = 4
"""Bits of an operand that a table takes in."""
DSP_FACTOR_BITS = 25
"""Widest factor that a DSP block takes."""


@dataclass(frozen=True, slots=True)
class AddUnit:
    """`sl_add`: as many elements a clock as its streams have, which is the same number."""

    name: str
    node: str
    sources: tuple[Stream, Stream]
    sinks: tuple[Stream]
    function: ScaledAdd
    design: str
    use_dsp: bool = False

    kind = "add"

    @staticmethod
    def supports_dsp(function: ScaledAdd) -> bool:
        """Whether DSP blocks hold the factors."""
        return _factor_bits(function) <= DSP_FACTOR_BITS

    @property
    def sink(self) -> Stream:
        """The stream it makes."""
        return self.sinks[0]

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        a, b = self.sources
        return (
            ("LANES", self.sink.elements),
            ("A_BITS", a.bits),
            ("A_SIGNED", int(a.signed)),
            ("B_BITS", b.bits),
            ("B_SIGNED", int(b.signed)),
            ("M_BITS", _factor_bits(self.function)),
            ("C_BITS", _offset_bits(self.function)),
            ("SHIFT", self.function.shift),
            ("OUT_BITS", self.sink.bits),
            ("LO", self.function.lo),
            ("HI", self.function.hi),
            ("ZERO", self.function.zero),
            ("USE_DSP", int(self.use_dsp)),
        )

    def _constants(self) -> Rom:
        """One word {c, m2, m1}; a memory to DSP blocks, which multiply no constants."""
        function, width = self.function, _factor_bits(self.function)
        factors = bits_of(np.array([function.m1, function.m2]), width)
        offset = bits_of(np.array([function.c]), _offset_bits(function))
        word = np.concatenate([factors.ravel(), offset.ravel()])
        style: RomStyle = "distributed" if self.use_dsp else "auto"
        return Rom(f"{self.design}_{self.name}_constants", Array(word[None]), 1, style)

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_add",
            self._parameters(),
            tuple(source.name for source in self.sources),
            (self.sink.name,),
            (RomPort("k", self._constants(), "k"),),
        )

    def call(self) -> HlsCall | None:
        function = self.function
        factors = Array(np.array([function.m1, function.m2]))
        return HlsCall(
            "add",
            "sl_add.hpp",
            (*(value for _, value in self._parameters()), self.sink.beats),
            tuple(source.name for source in self.sources),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_factor", f"sl::sword<{_factor_bits(function)}>", factors),
                HlsArray(
                    f"{self.name}_offset",
                    f"sl::sword<{_offset_bits(function)}>",
                    Array(np.array([function.c])),
                ),
            ),
        )

    def cycles(self) -> int:
        return self.sink.beats

    def features(self) -> Mapping[str, float]:
        lanes, factor = self.sink.elements, _factor_bits(self.function)
        sums = factor + max(source.bits for source in self.sources)
        digits = sum(-(-source.bits // DIGIT) for source in self.sources)
        in_logic = 0 if self.use_dsp else lanes
        return {
            "one": 1,
            "lanes": lanes,
            "table_bits": in_logic * digits * (factor + DIGIT),
            "adder_bits": in_logic * (digits - 1) * sums,
            "sum_bits": in_logic * sums,
            "shift_bits": lanes * self.function.shift,
            "clip_bits": lanes * self.sink.bits,
            "late_bits": (lanes - in_logic) * self.sources[1].bits,
            "dsp": 2 * (lanes - in_logic),
        }

    def timing(self) -> Model:
        return add.model(self._latency())

    def _latency(self) -> int:
        """Enabled clocks from an input beat to its output beat, as in `sl_add.sv`."""
        if self.use_dsp:
            return 7
        digits = -(-max(source.bits for source in self.sources) // DIGIT)
        return 4 + (digits - 1).bit_length()


def _factor_bits(function: ScaledAdd) -> int:
    """Width of m1 and m2, signed."""
    return IntType.covering(min(function.m1, function.m2), max(function.m1, function.m2)).bits


def _offset_bits(function: ScaledAdd) -> int:
    """Width of c, signed."""
    return IntType.covering(function.c, function.c).bits
