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
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.pe import vectors
from shiftloom.codegen.pe.folding import Folding
from shiftloom.codegen.pe.shift import PRODUCT_BITS, corrected_bias
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.codegen.plan import CLOCK_GATES, GATES, ClockGate, Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import ROW_CODE_BITS, furthest, row_codes, row_words, rows_for
from shiftloom.codegen.values import Array, IntArray, IntType


@dataclass(frozen=True, slots=True)
class FilterCsd(OneToOne):
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
    def folding(self) -> Folding:
        """Outputs and terms a clock."""
        return Folding(self.mac, self.sink.elements, self.source.elements)

    @property
    def rows(self) -> int:
        """Digit pairs of α."""
        return rows_for(self.mac.codes.mantissa.data)

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
        folding = self.folding
        return (
            ("SIMD", folding.simd),
            ("PE", folding.pe),
            ("SF", folding.synapse_folds),
            ("NF", folding.neuron_folds),
            ("X_BITS", self.source.bits),
            ("X_SIGNED", int(self.source.signed)),
            ("ROWS", self.rows),
            ("AF", self._alpha_sweeps),
            ("Z_BITS", self.scaled.bits),
            ("ACC_BITS", self.sink.bits),
            ("GATE", GATES.index(self.gate)),
            ("CLOCK_GATE", CLOCK_GATES.index(self.clock_gate)),
            ("PIXELS", self.sink.beats // folding.neuron_folds),
        )

    def _mantissas(self) -> IntArray:
        """α in the order of the beats, [AF·SF, SIMD]."""
        mantissa = vectors.alpha_beats(self.folding, self.mac.codes.mantissa.data)[:, 0]
        return mantissa[: self._alpha_sweeps * self.folding.synapse_folds]

    def bias(self) -> IntArray:
        """Bias [NF, PE] with what the products lack."""
        levels = replace(self.mac, weights=self.mac.codes.values)
        scaled = replace(self.source, bits=self.scaled.bits)
        return self.folding.outputs(corrected_bias(levels, scaled, self.sink))

    def _memories(self) -> tuple[Rom, Rom]:
        """Codes of β, and of α."""
        codes, module = vectors.code_beats(self.folding), f"{self.design}_{self.name}"
        alphas = row_codes(self._mantissas(), self.rows)
        return (
            vectors.memory(f"{module}_weights", codes, ROW_CODE_BITS, self.memory),
            vectors.memory(f"{module}_alphas", alphas, ROW_CODE_BITS, "auto"),
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
        alphas = row_words(self._mantissas(), self.rows)
        word = f"sl::uword<{ROW_CODE_BITS * self.rows}>"
        codes = Array(vectors.code_beats(self.folding))
        return HlsCall(
            "mvu_filter_csd",
            "sl_mvu_filter_csd.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_weights", f"sl::uword<{ROW_CODE_BITS}>", codes),
                HlsArray(f"{self.name}_alphas", word, Array(alphas)),
                HlsArray(f"{self.name}_bias", f"sl::sword<{self.sink.bits}>", Array(self.bias())),
            ),
            quality=True,
        )

    def cycles(self) -> int:
        return self.source.beats

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
