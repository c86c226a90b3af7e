"""The DSP PE: integer weights, several outputs a DSP block, terms summed along chains of blocks.

LUTs are left for the sums of the chains and the accumulators, and to delay the terms of a chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import block_rams, count_bits, distinct_tables, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import (
    HlsArray,
    HlsCall,
    Instance,
    Rom,
    RomBank,
    RomPort,
    RomStyle,
    Stream,
)
from shiftloom.codegen.pe import memories
from shiftloom.codegen.pe.folding import Folding, wrapped
from shiftloom.codegen.pe.packing import Packing, fits, packing
from shiftloom.codegen.pe.shift_cost import SRL_LENGTH, Tree
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class DspMatrix(OneToOne):
    """`sl_mvu_dsp`: `pe` outputs × `simd` terms a clock; the stream repeats a vector NF times."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"

    kind = "mvu_dsp"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Any folding of a layer whose weights a block can hold."""
        return Folding(mac, pe, simd).divides and fits(mac.weights, x)

    @property
    def folding(self) -> Folding:
        """Outputs and terms a clock."""
        return Folding(self.mac, self.sink.elements, self.source.elements)

    @property
    def packing(self) -> Packing:
        """Outputs a block and terms a chain."""
        kind = IntType(self.source.bits, self.source.signed)
        return packing(self.mac.weights, kind, self.folding.pe, self.folding.simd)

    @property
    def _chains(self) -> int:
        return self.folding.simd // self.packing.group

    @property
    def _blocks(self) -> int:
        """DSP blocks that read the same activation."""
        return -(-self.folding.pe // self.packing.pack)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        packed = self.packing
        return (
            *self.folding.parameters,
            ("X_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
            ("W_BITS", packed.bits),
            ("PACK", packed.pack),
            ("FIELD", packed.field),
            ("GROUP", packed.group),
            ("ACC_BITS", self.sink.bits),
        )

    def words(self) -> IntArray:
        """The blocks' factors [NF·SF, BLOCKS, SIMD] in the order of the beats."""
        return self.packing.words(self.folding.beats(self.mac.weights.data))

    def bias(self) -> IntArray:
        """Bias [NF, PE] without the offsets of the chains' fields, modulo 2^ACC_BITS."""
        sums = self.folding.synapse_folds * self._chains
        corrected = self.mac.bias.data - (sums << (self.packing.field - 1))
        return self.folding.outputs(wrapped(corrected, self.sink.bits))

    def bank(self) -> RomBank:
        """Memory j holds the weights of the j-th term of every chain."""
        packed, depth = self.packing, self.folding.depth
        module = f"{self.design}_{self.name}_weights"
        by_term = self.words().reshape(depth, self._blocks, self._chains, packed.group)
        fields = packed.fields(by_term.transpose(3, 0, 2, 1))  # term, beat, chain, block, output
        style = self._rom_style()
        roms = tuple(
            Rom(f"term{term}", Array(words.reshape(depth, -1)), packed.bits, style)
            for term, words in enumerate(fields)
        )
        return RomBank(module, roms, roms[0].address_bits)

    @property
    def _memory_bits(self) -> int:
        """Bits of a word of all weight memories."""
        return self.folding.simd * self._blocks * self.packing.pack * self.packing.bits

    def _rom_style(self) -> RomStyle:
        return memories.style(self.memory, self.folding.depth, self._memory_bits)

    def instance(self) -> Instance:
        bias = Rom(f"{self.design}_{self.name}_bias", Array(self.bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            "sl_mvu_dsp",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("w", self.bank(), "w"), RomPort("b", bias, "w")),
        )

    def call(self) -> HlsCall | None:
        packed = self.packing
        width = (packed.pack - 1) * packed.field + packed.bits
        pixels = self.sink.beats // self.folding.neuron_folds
        return HlsCall(
            "mvu_dsp",
            "sl_mvu_dsp.hpp",
            (*(value for _, value in self._parameters()), pixels),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", f"sl::sword<{width}>", Array(self.words())),
                HlsArray(f"{self.name}_bias", f"sl::sword<{self.sink.bits}>", Array(self.bias())),
            ),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        folding, packed, depth = self.folding, self.packing, self.folding.depth
        tree = Tree.of(self._chains, packed.field)
        in_luts = self._rom_style() != "block"
        words = packed.group * distinct_tables(self._memory_bits // packed.group, depth)
        bias = distinct_tables(self.sink.width, folding.neuron_folds)
        lanes = self._chains * self.source.bits  # bits with the same delay
        srls = max(0, packed.group - SRL_LENGTH)
        return {
            "one": 1,
            "address_bits": count_bits(depth, folding.synapse_folds, folding.neuron_folds),
            "late_address_bits": (packed.group - 1) * count_bits(depth),
            "control_bits": packed.group,
            "delay_luts": srls * lanes,
            "delay_bits": sum(range(min(packed.group, SRL_LENGTH))) * lanes,
            "adder_bits": folding.pe * tree.adders,
            "tree_bits": folding.pe * tree.registers,
            "tree_delay_bits": folding.pe * tree.delays,
            "sum_bits": self.sink.width,
            "weight_bits": words if in_luts else 0,
            "weight_luts": words * rom_luts(depth) if in_luts else 0,
            "bias_bits": bias,
            "bias_luts": bias * rom_luts(folding.neuron_folds),
            "block_rams": 0 if in_luts else packed.group * self._block_rams(),
            "dsp": self._blocks * folding.simd,
        }

    def _block_rams(self) -> float:
        """Block RAMs of the weights of one term of the chains."""
        return block_rams(self._memory_bits // self.packing.group, self.folding.depth)

    def timing(self) -> Model:
        levels = (self._chains - 1).bit_length()
        return pipeline.model(self.packing.group + levels + 3, self.folding.synapse_folds)
