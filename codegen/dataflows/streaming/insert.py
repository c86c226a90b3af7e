"""Insertion: a border around a frame, and gaps between its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import insert
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.qgraph import Insert


@dataclass(frozen=True, slots=True)
class InsertUnit(OneToOne):
    """`sl_insert`: passes the pixels of the source on and makes all others of `insert.value`."""

    name: str
    node: str
    source: Stream
    sink: Stream
    insert: Insert

    kind = "insert"

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        (top, left, bottom, right), (gap_y, gap_x) = self.insert.pad, self.insert.gaps
        height, width, _ = self.source.shape
        return (
            ("H", height),
            ("W", width),
            ("FOLDS", self.source.folds),
            ("LANES", self.source.elements),
            ("BITS", self.source.bits),
            ("PT", top),
            ("PL", left),
            ("PB", bottom),
            ("PR", right),
            ("GAP_Y", gap_y),
            ("GAP_X", gap_x),
            ("VALUE", self.insert.value),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_insert",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = tuple(value for _, value in self._parameters())
        return HlsCall("insert", "sl_insert.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.sink.beats

    def features(self) -> Mapping[str, float]:
        height, width, _ = self.sink.shape
        gap_y, gap_x = self.insert.gaps
        counts = (height, width, self.source.folds, gap_y + 1, gap_x + 1)
        return {"one": 1, "position_bits": count_bits(*counts), "word_bits": self.source.width}

    def timing(self) -> Model:
        return insert.model(self.source.shape, self.insert.pad, self.insert.gaps, self.source.folds)
