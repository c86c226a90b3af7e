"""The PE of `channel` vectors and of short ones of `output`: shifts first, then one product by α.

An α belongs to N weights of one filter. Their terms are shifted and added by 3-bit codes, and each
sum meets csd_K(α) once. What `sl_shift_product` leaves out is made up for before that product, so a
memory holds the number of negative codes of each vector. Where N does not divide the axis, runs of
the greatest common divisor take the place of the vectors: those of one vector have the same α.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import count_bits, distinct_tables, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.pe import vectors
from shiftloom.codegen.pe.folding import Folding, wrapped
from shiftloom.codegen.pe.scaled import Scaled
from shiftloom.codegen.pe.shift import CODE_BITS, PRODUCT_BITS
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.codegen.plan import ClockGate, Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import ROW_CODE_BITS, furthest, row_words
from shiftloom.codegen.values import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class ChannelCsd(Scaled):
    """`sl_mvu_channel_csd`: `pe` outputs × `simd` terms a clock, one product by α a vector."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"
    gate: Gate = "product"
    clock_gate: ClockGate = "enable"

    kind = "mvu_channel_csd"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Foldings whose beats are a part of one vector, or a whole number of vectors."""
        if not vectors.has_axis(mac, "channel", "output"):
            return False
        run = vectors.run_length(mac)
        return Folding(mac, pe, simd).divides and (run % simd == 0 or simd % run == 0)

    @property
    def _terms(self) -> int:
        """Terms of a vector in a beat."""
        return min(vectors.run_length(self.mac), self.folding.simd)

    @property
    def beats_a_vector(self) -> int:
        """Beats of one vector, VF."""
        return vectors.run_length(self.mac) // self._terms

    @property
    def vectors_a_beat(self) -> int:
        """Vectors side by side, VECTORS."""
        return self.folding.simd // self._terms

    def _by_vector(self, beats: IntArray) -> IntArray:
        """Values [NF·SF, PE, SIMD] as [NF·SF/VF, PE, VECTORS, terms of the vector]."""
        parts = beats.reshape(
            -1, self.beats_a_vector, self.folding.pe, self.vectors_a_beat, self._terms
        )
        ordered = parts.transpose(0, 2, 3, 1, 4)
        return ordered.reshape(*ordered.shape[:3], -1)

    def _levels(self) -> IntArray:
        """β by vector, [words, PE, VECTORS, terms]."""
        return self._by_vector(self.folding.beats(self.mac.codes.values.data))

    def _mantissas(self) -> IntArray:
        """α by vector, [words, PE, VECTORS]."""
        mantissa = self.mac.codes.mantissa.data
        return self._by_vector(vectors.alpha_beats(self.folding, mantissa))[..., 0]

    def _sums(self) -> tuple[IntArray, IntArray]:
        """The least and the greatest sum of each vector."""
        levels = self._levels()
        x = IntType(self.source.bits, self.source.signed)
        ends = np.stack([levels * x.lo, levels * x.hi])
        return ends.min(axis=0).sum(axis=-1), ends.max(axis=0).sum(axis=-1)

    @property
    def widths(self) -> tuple[int, int]:
        """Bits of the sum of a vector, and of it times csd_K(α) at every quality."""
        lo, hi = self._sums()
        most = furthest(self._mantissas())[1]
        ends = ((int(a.min()), int(b.max())) for a, b in ((lo, hi), (lo * most, hi * most)))
        v, z = (IntType.covering(*pair).bits for pair in ends)
        return v, z

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        v_bits, z_bits = self.widths
        return (
            *self._shape(),
            ("VF", self.beats_a_vector),
            ("VECTORS", self.vectors_a_beat),
            ("V_BITS", v_bits),
            ("ROWS", self.rows),
            ("Z_BITS", z_bits),
            ("ACC_BITS", self.sink.bits),
            *self._gates(),
        )

    def counts(self) -> IntArray:
        """Negative codes of each vector, [words, PE, VECTORS]."""
        found: IntArray = (self._levels() < 0).sum(axis=-1)
        return found

    @property
    def _count_bits(self) -> int:
        return vectors.run_length(self.mac).bit_length()

    def bias(self) -> IntArray:
        """Bias [NF, PE] of the RTL, without the offsets of the products, modulo 2^ACC_BITS."""
        products = self.folding.synapse_folds * self.vectors_a_beat
        corrected = self.mac.bias.data - (products << (self.widths[1] - 1))
        return self.folding.outputs(wrapped(corrected, self.sink.bits))

    def _memories(self) -> tuple[Rom, Rom, Rom]:
        """Codes of β, numbers of negative ones, and codes of α."""
        codes, module = vectors.code_beats(self.folding), f"{self.design}_{self.name}"
        alphas, row_bits = row_words(self._mantissas(), self.rows), ROW_CODE_BITS * self.rows
        style = vectors.small(self.memory)
        return (
            vectors.memory(f"{module}_weights", codes, CODE_BITS, self.memory),
            vectors.memory(f"{module}_counts", self.counts(), self._count_bits, style),
            vectors.memory(f"{module}_alphas", alphas, row_bits, style),
        )

    def instance(self) -> Instance:
        bias = Rom(f"{self.design}_{self.name}_bias", Array(self.bias()), self.sink.bits)
        roms = zip("wnab", (*self._memories(), bias), strict=True)
        return Instance(
            self.name,
            self.node,
            "sl_mvu_channel_csd",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            tuple(RomPort(port, rom, "w") for port, rom in roms),
            reports_bad_code=True,
            quality=True,
        )

    def call(self) -> HlsCall | None:
        words = row_words(self._mantissas(), self.rows)
        bias = self.folding.outputs(wrapped(self.mac.bias.data, self.sink.bits))
        tables = (
            ("weights", f"sl::uword<{CODE_BITS}>", vectors.code_beats(self.folding)),
            ("counts", f"sl::uword<{self._count_bits}>", self.counts()),
            ("alphas", f"sl::uword<{ROW_CODE_BITS * self.rows}>", words),
            ("bias", f"sl::sword<{self.sink.bits}>", bias),
        )
        return HlsCall(
            "mvu_channel_csd",
            "sl_mvu_channel_csd.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            tuple(HlsArray(f"{self.name}_{of}", word, Array(data)) for of, word, data in tables),
            quality=True,
        )

    def features(self) -> Mapping[str, float]:
        folding, (weights, counts, alphas) = self.folding, self._memories()
        v_bits, z_bits = self.widths
        vector_count = folding.pe * self.vectors_a_beat
        tree = Tree.of(self._terms, self.source.bits + PRODUCT_BITS)
        sums = Tree.of(self.vectors_a_beat, z_bits)
        bias = distinct_tables(self.sink.width, folding.neuron_folds)
        late = (self._terms - 1).bit_length()
        return {
            "one": 1,
            "address_bits": count_bits(folding.depth, folding.synapse_folds, folding.neuron_folds),
            "vector_address_bits": count_bits(self.beats_a_vector, counts.depth),
            "frame_bits": count_bits(self.source.beats),
            "late_registers": late * count_bits(counts.depth)
            + vector_count * ROW_CODE_BITS * self.rows,
            "input_registers": self.source.width,
            "product_luts": vector_count * self._terms * (self.source.bits + PRODUCT_BITS),
            "adder_bits": vector_count * tree.adders,
            "tree_bits": vector_count * tree.registers,
            "tree_delay_bits": vector_count * tree.delays,
            "vector_bits": vector_count * v_bits,
            **vectors.gate_features(self.gate, vector_count, self.rows, v_bits),
            "sum_adder_bits": folding.pe * sums.adders,
            "sum_tree_bits": folding.pe * sums.registers,
            "sum_bits": self.sink.width,
            "checked_codes": folding.pe * folding.simd,
            **vectors.memory_features("code", weights),
            **vectors.memory_features("count", counts),
            **vectors.memory_features("alpha", alphas),
            "bias_bits": bias,
            "bias_luts": bias * rom_luts(folding.neuron_folds),
            "block_rams": vectors.rams(weights, counts, alphas),
        }

    def timing(self) -> Model:
        trees = (self._terms - 1).bit_length() + (self.vectors_a_beat - 1).bit_length()
        levels = trees + (self.rows - 1).bit_length()
        return pipeline.model(levels + 4, self.folding.synapse_folds)
