"""Extension: the same elements in more bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream


@dataclass(frozen=True, slots=True)
class Extend(OneToOne):
    """`sl_extend`: elements of `source.bits` bits become elements of `sink.bits`."""

    name: str
    node: str
    source: Stream
    sink: Stream

    kind = "extend"

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.source.elements),
            ("BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("IS_SIGNED", int(self.source.signed)),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_extend",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.beats)
        return HlsCall("extend", "sl_extend.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        return {"one": 1, "word_bits": self.source.width}

    def timing(self) -> Model:
        return pipeline.model(1)
