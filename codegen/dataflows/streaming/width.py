"""Width converter: the same elements in the same order, more or fewer a beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import joiner, splitter
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream


@dataclass(frozen=True, slots=True)
class Width(OneToOne):
    """`sl_width` from `source.elements` to `sink.elements`; one divides the other."""

    name: str
    node: str
    source: Stream
    sink: Stream

    kind = "width"

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("IN_ELEMS", self.source.elements),
            ("OUT_ELEMS", self.sink.elements),
            ("BITS", self.source.bits),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_width",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.beats)
        return HlsCall("width", "sl_width.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return max(self.source.beats, self.sink.beats)

    def features(self) -> Mapping[str, float]:
        source, sink = self.source, self.sink
        ratio = max(source.elements, sink.elements) // min(source.elements, sink.elements)
        return {
            "one": 1,
            "count_bits": count_bits(ratio),
            "word_bits": max(source.width, sink.width),
            "shift_bits": max(0, source.width - sink.width),
        }

    def timing(self) -> Model:
        if self.source.elements > self.sink.elements:
            return splitter.model(self.source.elements // self.sink.elements)
        return joiner.model(self.sink.elements // self.source.elements)
