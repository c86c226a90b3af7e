"""The PE of `filter` vectors: x·α once for each position, then shifts for all outputs of a beat.

An α belongs to a position (h, w, c) and to N filters. A beat of PE of them multiplies each
activation by csd_K(α) once; the 3-bit codes of the outputs shift and add that product, which
`sl_shift_product` takes as a wider activation. The bias makes up for what it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shiftloom.codegen.cost import count_bits, distinct_tables, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.pe import vectors
from shiftloom.codegen.pe.folding import Folding
from shiftloom.codegen.pe.scaled import Scaled
from shiftloom.codegen.pe.shift import CODE_BITS, PRODUCT_BITS, corrected_bias
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.codegen.plan import ClockGate, Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import ROW_CODE_BITS, furthest, row_words
from shiftloom.codegen.values import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class FilterCsd(Scaled):
    """`sl_mvu_filter_csd`: `pe` outputs × `simd` terms a clock, one α a term for all of them."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str
    memory: RomStyle = "auto"
    gate: Gate = "product"
    clock_gate: ClockGate = "enable"

    kind = "mvu_filter_csd"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Foldings whose beats have one α a term: PE divides the filters that share it."""
        if not (vectors.has_axis(mac, "filter") and Folding(mac, pe, simd).divides):
            return False
        return vectors.run_length(mac) % pe == 0

    @property
    def scaled(self) -> IntType:
        """The type of x·csd_K(α), at every quality, of the sign of x."""
        x = IntType(self.source.bits, self.source.signed)
        most = int(furthest(self.mac.codes.mantissa.data)[1].max())
        return IntType.covering(x.lo * most, x.hi * most, signed=x.signed)

    @property
    def _alpha_sweeps(self) -> int:
        """Sweeps of a pixel that have α of their own: one where all filters share them."""
        shares_all = vectors.run_length(self.mac) == len(self.mac.bias.data)
        return 1 if shares_all else self.folding.neuron_folds

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            *self._shape(),
            ("ROWS", self.rows),
            ("AF", self._alpha_sweeps),
            ("Z_BITS", self.scaled.bits),
            ("ACC_BITS", self.sink.bits),
            *self._gates(),
        )

    def _alphas(self) -> IntArray:
        """The rows of each α in the order of the beats, [AF·SF, SIMD]."""
        mantissa = vectors.alpha_beats(self.folding, self.mac.codes.mantissa.data)[:, 0]
        return row_words(mantissa[: self._alpha_sweeps * self.folding.synapse_folds], self.rows)

    def bias(self) -> IntArray:
        """Bias [NF, PE] with what the products lack."""
        levels = replace(self.mac, weights=self.mac.codes.values)
        scaled = replace(self.source, bits=self.scaled.bits)
        return self.folding.outputs(corrected_bias(levels, scaled, self.sink))

    def _memories(self) -> tuple[Rom, Rom]:
        """Codes of β, and of α."""
        codes, module = vectors.code_beats(self.folding), f"{self.design}_{self.name}"
        row_bits, style = ROW_CODE_BITS * self.rows, vectors.small(self.memory)
        return (
            vectors.memory(f"{module}_weights", codes, CODE_BITS, self.memory),
            vectors.memory(f"{module}_alphas", self._alphas(), row_bits, style),
        )

    def instance(self) -> Instance:
        weights, alphas = self._memories()
        bias = Rom(f"{self.design}_{self.name}_bias", Array(self.bias()), self.sink.bits)
        return Instance(
            self.name,
            self.node,
            "sl_mvu_filter_csd",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("w", weights, "w"), RomPort("a", alphas, "w"), RomPort("b", bias, "w")),
            reports_bad_code=True,
            quality=True,
        )

    def call(self) -> HlsCall | None:
        word = f"sl::uword<{ROW_CODE_BITS * self.rows}>"
        codes = Array(vectors.code_beats(self.folding))
        return HlsCall(
            "mvu_filter_csd",
            "sl_mvu_filter_csd.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", f"sl::uword<{CODE_BITS}>", codes),
                HlsArray(f"{self.name}_alphas", word, Array(self._alphas())),
                HlsArray(f"{self.name}_bias", f"sl::sword<{self.sink.bits}>", Array(self.bias())),
            ),
            quality=True,
        )

    def features(self) -> Mapping[str, float]:
        folding, (weights, alphas) = self.folding, self._memories()
        wide, tree = self.scaled.bits, Tree.of(folding.simd, self.scaled.bits + PRODUCT_BITS)
        multiply = 1 + (self.rows - 1).bit_length()
        bias = distinct_tables(self.sink.width, folding.neuron_folds)
        return {
            "one": 1,
            "address_bits": count_bits(folding.depth, folding.synapse_folds, folding.neuron_folds),
            "frame_bits": count_bits(self.source.beats),
            "late_registers": multiply * count_bits(folding.depth),
            "input_registers": self.source.width,
            **vectors.gate_features(self.gate, folding.simd, self.rows, self.source.bits),
            "product_luts": folding.pe * folding.simd * (wide + PRODUCT_BITS),
            "adder_bits": folding.pe * tree.adders,
            "tree_bits": folding.pe * tree.registers,
            "tree_delay_bits": folding.pe * tree.delays,
            "sum_bits": self.sink.width,
            "checked_codes": folding.pe * folding.simd,
            **vectors.memory_features("code", weights),
            **vectors.memory_features("alpha", alphas),
            "bias_bits": bias,
            "bias_luts": bias * rom_luts(folding.neuron_folds),
            "block_rams": vectors.rams(weights, alphas),
        }

    def timing(self) -> Model:
        levels = (self.rows - 1).bit_length() + (self.folding.simd - 1).bit_length()
        return pipeline.model(levels + 3, self.folding.synapse_folds)
