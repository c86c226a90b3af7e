"""Vector buffer: holds a vector while the matrix unit passes over it; ping-pong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits, ram
from shiftloom.codegen.dataflows.streaming.timing import vector_buffer
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream


@dataclass(frozen=True, slots=True)
class VectorBuffer(OneToOne):
    """`sl_vector_buffer`: each vector of `length` elements, `passes` times."""

    name: str
    node: str
    source: Stream
    sink: Stream
    length: int
    passes: int

    kind = "vector_buffer"

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LENGTH", self.length),
            ("SIMD", self.source.elements),
            ("BITS", self.source.bits),
            ("NF", self.passes),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_vector_buffer",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        vectors = self.source.beats * self.source.elements // self.length
        arguments = (*(value for _, value in self._parameters()), vectors)
        return HlsCall(
            "vector_buffer",
            "sl_vector_buffer.hpp",
            arguments,
            (self.source.name,),
            (self.sink.name,),
        )

    def cycles(self) -> int:
        return max(self.source.beats, self.sink.beats)

    def features(self) -> Mapping[str, float]:
        words, width = self.length // self.source.elements, self.source.width
        memory = ram(width, 2 << max(1, (words - 1).bit_length()))
        return {
            "one": 1,
            "address_bits": count_bits(words, self.passes),
            "word_bits": 0 if memory["block_rams"] else width,
            **memory,
        }

    def timing(self) -> Model:
        return vector_buffer.model(self.length // self.source.elements, self.passes)
