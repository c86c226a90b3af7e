"""The shift PE: run-time 3-bit codes, one LUT6 a product bit, no multiplier.

A product is the activation shifted by 0, 1 or 2, in P bits, inverted for negative codes. Taken as a
number without sign, which saves the extension of signs, it is 2^P − 1 too large for a negative
code. Of a signed activation, the top bit is inverted, so that every product is 2^(P−1) too large
and 1 too small for a negative code. The bias makes up for all that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shiftloom.codegen.cost import block_rams, count_bits, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import (
    HlsArray,
    HlsCall,
    Instance,
    Load,
    Rom,
    RomPort,
    RomStyle,
    Stream,
)
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.pe.folding import wrapped
from shiftloom.codegen.pe.memories import BLOCK_RAM_BITS
from shiftloom.codegen.pe.shift_cost import Tree, product_luts
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Array, IntArray, IntType

_SHALLOW = 8
"""Up to this depth a code bit is a function of 3 address bits, which the product LUT takes in."""
CODE_BITS = 3
PRODUCT_BITS = 2
"""Bits of a product above those of the activation."""


@lru_cache(maxsize=1024)
def has_codes(weights: Array) -> bool:
    """Whether every weight is 0 or plus or minus 1, 2 or 4."""
    return bool(np.isin(weights.data, Qsq(phi=4).levels).all())


def lacking(mac: Mac, x: Stream) -> tuple[int, int]:
    """What `sl_shift_product` leaves out of a sum: for each negative weight, and in any case."""
    span = 1 << (x.bits + PRODUCT_BITS)
    return (1, -span // 2 * mac.lanes) if x.signed else (1 - span, 0)


def corrected_bias(mac: Mac, x: Stream, sums: Stream) -> IntArray:
    """Bias of each output, and what `sl_shift_product` leaves out, modulo 2^(bits of a sum)."""
    weights = mac.weights.data.reshape(mac.weights.data.shape[0], -1)
    per_negative, constant = lacking(mac, x)
    negative = (weights < 0).sum(axis=1)
    return wrapped(mac.bias.data + negative * per_negative + constant, sums.bits)


def loads(
    mac: Mac, x: Stream, sums: Stream, axes: tuple[int, ...], order: tuple[int, ...]
) -> tuple[Load, Load] | tuple[None, None]:
    """How codes and biases are loaded, of a layer where they can be; `axes` are those of codes."""
    if not mac.limit:
        return None, None
    folds = axes[:2]
    return (
        Load("codes", axes, order, (CODE_BITS,)),
        Load("bias", folds, (0, 1), (sums.bits,), *lacking(mac, x)),
    )


@dataclass(frozen=True, slots=True)
class ShiftMatrix(OneToOne):
    """`sl_mvu_shift`: `pe` outputs × `simd` terms a clock; the stream repeats a vector NF times."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"

    kind = "mvu_shift"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Any folding of a layer whose weights have codes."""
        divides = mac.weights.data.shape[0] // mac.groups % pe == 0 and mac.lanes % simd == 0
        return divides and has_codes(mac.weights)

    @property
    def pe(self) -> int:
        """Outputs computed in parallel."""
        return self.sink.elements

    @property
    def simd(self) -> int:
        """Terms of a dot product a clock."""
        return self.source.elements

    @property
    def synapse_folds(self) -> int:
        """Beats of one dot product, SF."""
        return self.mac.lanes // self.simd

    @property
    def neuron_folds(self) -> int:
        """Passes over the vector, NF."""
        return int(self.mac.weights.data.shape[0]) // self.pe

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("SIMD", self.simd),
            ("PE", self.pe),
            ("SF", self.synapse_folds),
            ("NF", self.neuron_folds),
            ("X_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
            ("ACC_BITS", self.sink.bits),
        )

    def codes(self) -> IntArray:
        """Three-bit codes [NF·SF, PE, SIMD] in the order of the beats."""
        codes = Qsq(phi=4).encode(self.mac.weights.data).astype(np.int64)
        folded = codes.reshape(self.neuron_folds, self.pe, self.synapse_folds, self.simd)
        return folded.transpose(0, 2, 1, 3).reshape(-1, self.pe, self.simd)

    def bias(self) -> IntArray:
        """Bias [NF, PE] with what the products lack."""
        bias = corrected_bias(self.mac, self.source, self.sink)
        return bias.reshape(self.neuron_folds, self.pe)

    @property
    def _depth(self) -> int:
        """Words of the weight memory."""
        return self.neuron_folds * self.synapse_folds

    def _rom_style(self) -> RomStyle:
        depth = self._depth
        if depth <= _SHALLOW:
            return "distributed" if self.mac.limit else "logic"
        if self.memory != "auto":
            return self.memory
        bits = depth * self.pe * self.simd * CODE_BITS
        return "block" if depth > 4 * _SHALLOW and bits >= BLOCK_RAM_BITS else "distributed"

    def instance(self) -> Instance:
        codes = self.codes()
        weights = Rom(
            f"{self.design}_{self.name}_weights",
            Array(codes.reshape(len(codes), -1)),
            CODE_BITS,
            self._rom_style(),
        )
        folded = self.neuron_folds, self.pe, self.synapse_folds, self.simd
        load_codes, load_bias = loads(self.mac, self.source, self.sink, folded, (0, 2, 1, 3))
        bias = Rom(f"{self.design}_{self.name}_bias", Array(self.bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            "sl_mvu_shift",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("w", weights, "w", load_codes), RomPort("b", bias, "w", load_bias)),
            reports_bad_code=True,
        )

    def call(self) -> HlsCall | None:
        return HlsCall(
            "mvu_shift",
            "sl_mvu_shift.hpp",
            (*(value for _, value in self._parameters()), self._pixels()),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", f"sl::uword<{CODE_BITS}>", Array(self.codes())),
                HlsArray(f"{self.name}_bias", f"sl::sword<{self.sink.bits}>", Array(self.bias())),
            ),
        )

    def _pixels(self) -> int:
        return self.sink.beats // self.neuron_folds

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        depth, style, bits = self._depth, self._rom_style(), self.source.bits
        in_logic, memory_bits = style == "logic", CODE_BITS * self.pe * self.simd
        is_fixed = depth == 1 and not self.mac.limit
        codes = self.codes() if in_logic else None
        first, second = product_luts(codes, self.pe, self.simd, bits)
        tree = Tree.of(self.simd, bits + PRODUCT_BITS)
        return {
            "one": 1,
            "address_bits": count_bits(depth, self.synapse_folds, self.neuron_folds),
            "product_luts": 0 if in_logic else first + second,
            "first_luts": first if in_logic else 0,
            "second_luts": second if in_logic else 0,
            "fixed_bits": self.pe * tree.registers if is_fixed else 0,
            "adder_bits": 0 if is_fixed else self.pe * tree.adders,
            "tree_bits": 0 if is_fixed else self.pe * tree.registers,
            "delay_bits": self.pe * tree.delays,
            "input_bits": self.source.width,
            "sum_bits": self.sink.width,
            "checked_codes": 0 if in_logic else self.pe * self.simd,
            "code_bits": memory_bits if style == "distributed" else 0,
            "code_luts": memory_bits * rom_luts(depth) if style == "distributed" else 0,
            "bias_bits": self.sink.width if self.neuron_folds > 1 else 0,
            "bias_luts": self.sink.width * rom_luts(self.neuron_folds),
            "block_rams": block_rams(memory_bits, depth) if style == "block" else 0,
        }

    def timing(self) -> Model:
        levels = (self.simd - 1).bit_length()
        return pipeline.model(levels + 2, self.synapse_folds)
