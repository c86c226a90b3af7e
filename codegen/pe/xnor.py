"""The XNOR PE: weights of −1 and +1 on activations of one bit; the bits that agree are counted.

The product of a weight and an activation of 0 or 1 is 1 where the activation's bit is the weight's
sign, less 1 for each negative weight; the bias takes that in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import block_rams, count_bits, distinct_tables, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.pe.folding import Folding, wrapped
from shiftloom.codegen.pe.memories import BLOCK_RAM_BITS
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Array, IntArray, IntType

_BIT = IntType(1, signed=False)
_COUNTED = 6
"""Bits that are counted at once."""
_COUNT_LUTS = 4
"""LUTs that this takes."""
_SHALLOW = 8
"""Up to this depth many weights are the same function of the address, and are made once."""


@dataclass(frozen=True, slots=True)
class XnorMatrix(OneToOne):
    """`sl_mvu_xnor`: `pe` outputs × `simd` terms a clock; the stream repeats a vector NF times."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"

    kind = "mvu_xnor"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Any folding of a layer of signs on single bits."""
        signs = bool((np.abs(mac.weights.data) == 1).all())
        return x == _BIT and signs and Folding(mac, pe, simd).divides

    @property
    def folding(self) -> Folding:
        """Outputs and terms a clock."""
        return Folding(self.mac, self.sink.elements, self.source.elements)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            *self.folding.parameters,
            ("ACC_BITS", self.sink.bits),
        )

    def signs(self) -> IntArray:
        """1 for each positive weight [NF·SF, PE, SIMD] in the order of the beats."""
        return self.folding.beats((self.mac.weights.data > 0).astype(np.int64))

    def bias(self) -> IntArray:
        """Bias [NF, PE] without the number of negative weights, modulo 2^ACC_BITS."""
        weights = self.mac.weights.data.reshape(self.mac.weights.data.shape[0], -1)
        corrected = self.mac.bias.data - (weights < 0).sum(axis=1)
        return self.folding.outputs(wrapped(corrected, self.sink.bits))

    @property
    def _lanes(self) -> int:
        """Products a clock."""
        return self.folding.pe * self.folding.simd

    def _rom_style(self) -> RomStyle:
        depth = self.folding.depth
        if self.memory == "block":
            return self.memory
        if depth <= _SHALLOW:
            return "logic"
        is_large = self.memory == "auto" and depth * self._lanes >= BLOCK_RAM_BITS
        return "block" if is_large else "distributed"

    def instance(self) -> Instance:
        signs = self.signs()
        weights = Rom(
            f"{self.design}_{self.name}_weights",
            Array(signs.reshape(len(signs), -1)),
            1,
            self._rom_style(),
        )
        bias = Rom(f"{self.design}_{self.name}_bias", Array(self.bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            "sl_mvu_xnor",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("w", weights, "w"), RomPort("b", bias, "w")),
        )

    def call(self) -> HlsCall | None:
        pixels = self.sink.beats // self.folding.neuron_folds
        return HlsCall(
            "mvu_xnor",
            "sl_mvu_xnor.hpp",
            (*(value for _, value in self._parameters()), pixels),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", "sl::uword<1>", Array(self.signs())),
                HlsArray(f"{self.name}_bias", f"sl::sword<{self.sink.bits}>", Array(self.bias())),
            ),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        folding, depth, style = self.folding, self.folding.depth, self._rom_style()
        counts = -(-folding.simd // _COUNTED)
        tree = Tree.of(counts, 3)
        words = 0 if style == "block" else distinct_tables(self._lanes, depth)
        bias = distinct_tables(self.sink.width, folding.neuron_folds)
        return {
            "one": 1,
            "address_bits": count_bits(depth, folding.synapse_folds, folding.neuron_folds),
            "input_bits": self.source.width,
            "product_bits": self._lanes if depth > 1 else 0,
            "count_luts": folding.pe * counts * _COUNT_LUTS,
            "count_bits": folding.pe * counts * 3,
            "adder_bits": folding.pe * tree.adders,
            "tree_bits": folding.pe * tree.registers,
            "tree_delay_bits": folding.pe * tree.delays,
            "sum_bits": self.sink.width,
            "weight_bits": words,
            "weight_luts": words * rom_luts(depth),
            "bias_bits": bias,
            "bias_luts": bias * rom_luts(folding.neuron_folds),
            "block_rams": block_rams(self._lanes, depth) if style == "block" else 0,
        }

    def timing(self) -> Model:
        levels = (-(-self.folding.simd // _COUNTED) - 1).bit_length()
        return pipeline.model(levels + 4, self.folding.synapse_folds)
