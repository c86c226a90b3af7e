"""Table: a function of one activation by its values, one for all channels or one for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import LUT_DEPTH, block_rams, changing_bits, count_bits
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
from shiftloom.codegen.qgraph import Table
from shiftloom.codegen.values import Array, IntArray


@dataclass(frozen=True, slots=True)
class TableUnit(OneToOne):
    """`sl_table`: a memory a lane, addressed by the value and, above it, by the channel group."""

    name: str
    node: str
    source: Stream
    sink: Stream
    table: Table
    design: str

    kind = "table"

    @property
    def per_channel(self) -> bool:
        """Whether every channel has a table of its own."""
        return self.table.values.data.ndim == 2

    def words(self) -> IntArray:
        """Words as unsigned fields [folds, lanes, 2^bits], folds and lanes 1 of a shared table."""
        mask = (1 << self.sink.bits) - 1
        lanes = self.source.elements if self.per_channel else 1
        shaped: IntArray = self.table.values.data.astype(np.int64) & mask
        return shaped.reshape(-1, lanes, 1 << self.source.bits)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.source.elements),
            ("FOLDS", self.source.folds),
            ("IN_BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("PER_CHANNEL", int(self.per_channel)),
        )

    def bank(self) -> RomBank:
        """The memories of the lanes, the same ones where the table is shared.

        Block RAM where `sl_ram` would take it.
        """
        words, bits = self.words(), self.sink.bits
        depth = len(words) << self.source.bits
        style: RomStyle = "block" if depth > LUT_DEPTH and depth * bits > 8192 else "distributed"
        roms = tuple(
            Rom(f"lane{lane}", Array(words[:, lane % words.shape[1]].reshape(-1, 1)), bits, style)
            for lane in range(self.source.elements)
        )
        return RomBank(f"{self.design}_{self.name}_tables", roms, roms[0].address_bits)

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_table",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("t", self.bank(), "t"),),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.pixels)
        array = HlsArray(f"{self.name}_tables", f"sl::uword<{self.sink.bits}>", Array(self.words()))
        return HlsCall(
            "table", "sl_table.hpp", arguments, (self.source.name,), (self.sink.name,), (array,)
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        roms = self.bank().roms
        depth, is_block = roms[0].depth, roms[0].style == "block"
        bits = 0 if is_block else sum(changing_bits(rom.fields.data, rom.bits) for rom in roms)
        return {
            "one": 1,
            "fold_bits": count_bits(self.source.folds) if self.per_channel else 0,
            "memory_bits": bits,
            "memory_luts": bits * -(-depth // LUT_DEPTH),
            "block_rams": len(roms) * block_rams(self.sink.bits, depth) if is_block else 0,
        }

    def timing(self) -> Model:
        return pipeline.model(1)
