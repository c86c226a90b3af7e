"""The signed-digit PE: integer weights in canonic digits, of which a layer's quality keeps K.

Weights are encoded offline, three bits a pair of digits. Products are numbers without sign, with
2^(P−1) too much each, which the bias makes up for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import block_rams, count_bits, distinct_tables, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.pe import memories
from shiftloom.codegen.pe.folding import Folding, wrapped
from shiftloom.codegen.pe.scaled import Scaled
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.codegen.plan import GATES, ClockGate, Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import ROW_CODE_BITS, row_words
from shiftloom.codegen.values import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class CsdMatrix(Scaled):
    """`sl_mvu_csd`: `pe` outputs × `simd` terms a clock; the stream repeats a vector NF times."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"
    gate: Gate = "product"
    clock_gate: ClockGate = "enable"

    kind = "mvu_csd"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Any folding of a layer whose quality cuts its weights."""
        return mac.scalable == "weight" and Folding(mac, pe, simd).divides

    @property
    def product_bits(self) -> int:
        """Width of a product, P."""
        return self.source.bits + 2 * self.rows + (not self.source.signed)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        own = (("ROWS", self.rows), ("ACC_BITS", self.sink.bits))
        return (*self._shape(), *own, *self._gates())

    def words(self) -> IntArray:
        """The rows of each weight [NF·SF, PE, SIMD] in the order of the beats."""
        return row_words(self.folding.beats(self.mac.weights.data), self.rows)

    def bias(self) -> IntArray:
        """Plain bias [NF, PE]."""
        return self.folding.outputs(self.mac.bias.data)

    def corrected_bias(self) -> IntArray:
        """Bias [NF, PE] without the offsets of the products, modulo 2^ACC_BITS."""
        offsets = self.mac.lanes << (self.product_bits - 1)
        return wrapped(self.bias() - offsets, self.sink.bits)

    @property
    def _memory_bits(self) -> int:
        """Bits of a word of the weight memory."""
        return self.folding.pe * self.folding.simd * ROW_CODE_BITS * self.rows

    def _rom_style(self) -> RomStyle:
        return memories.style(self.memory, self.folding.depth, self._memory_bits)

    def instance(self) -> Instance:
        words, prefix = self.words(), f"{self.design}_{self.name}"
        codes = Array(words.reshape(len(words), -1))
        weights = Rom(f"{prefix}_weights", codes, ROW_CODE_BITS * self.rows, self._rom_style())
        bias = Rom(f"{prefix}_bias", Array(self.corrected_bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            "sl_mvu_csd",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("w", weights, "w"), RomPort("b", bias, "w")),
            quality=True,
        )

    def call(self) -> HlsCall | None:
        code = f"sl::uword<{ROW_CODE_BITS * self.rows}>"
        return HlsCall(
            "mvu_csd",
            "sl_mvu_csd.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", code, Array(self.words())),
                HlsArray(f"{self.name}_bias", f"sl::sword<{self.sink.bits}>", Array(self.bias())),
            ),
            quality=True,
        )

    def features(self) -> Mapping[str, float]:
        folding, depth, rows = self.folding, self.folding.depth, self.rows
        products, bits = folding.pe * folding.simd, self.source.bits
        tree = Tree.of(folding.simd, self.product_bits)
        in_luts = self._rom_style() != "block"
        words = distinct_tables(self._memory_bits, depth)
        bias = distinct_tables(self.sink.width, folding.neuron_folds)
        grain = GATES.index(self.gate)
        return {
            "one": 1,
            "address_bits": count_bits(depth, folding.synapse_folds, folding.neuron_folds),
            "beat_bits": count_bits(self.source.beats),
            "input_bits": self.source.width,
            "code_bits": products * ROW_CODE_BITS * rows,
            "keep_luts": products * rows * rows,
            "product_bits": products * bits * rows,
            "row_sum_bits": products * Tree.of(rows, bits + 2).registers,
            "product_gates": products if grain == 1 else 0,
            "row_gate_bits": products * bits * rows if grain == 2 else 0,
            "digit_gate_bits": products * bits * rows if grain == 3 else 0,
            "adder_bits": folding.pe * tree.adders,
            "tree_bits": folding.pe * tree.registers,
            "tree_delay_bits": folding.pe * tree.delays,
            "sum_bits": self.sink.width,
            "weight_bits": words if in_luts else 0,
            "weight_luts": words * rom_luts(depth) if in_luts else 0,
            "bias_bits": bias,
            "bias_luts": bias * rom_luts(folding.neuron_folds),
            "block_rams": 0 if in_luts else block_rams(self._memory_bits, depth),
        }

    def timing(self) -> Model:
        levels = (self.rows - 1).bit_length() + (self.folding.simd - 1).bit_length()
        return pipeline.model(levels + 3, self.folding.synapse_folds)
