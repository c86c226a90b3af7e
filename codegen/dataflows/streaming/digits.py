"""Digits: elements taken apart, for matrix units that work on a few bits of many elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import splitter
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream


@dataclass(frozen=True, slots=True)
class Digits(OneToOne):
    """`sl_digits`: each beat becomes one of `sink.bits` bits an element a digit, highest first."""

    name: str
    node: str
    source: Stream
    sink: Stream

    kind = "digits"

    @property
    def digits(self) -> int:
        """Digits of an element, the highest one extended to full width."""
        return -(-self.source.bits // self.sink.bits)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("ELEMS", self.source.elements),
            ("BITS", self.source.bits),
            ("DIGIT", self.sink.bits),
            ("IS_SIGNED", int(self.source.signed)),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_digits",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.beats)
        return HlsCall("digits", "sl_digits.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.sink.beats

    def features(self) -> Mapping[str, float]:
        return {
            "one": 1,
            "count_bits": count_bits(self.digits),
            "word_bits": self.source.width,
            "shift_bits": self.source.width - self.sink.width,
        }

    def timing(self) -> Model:
        return splitter.model(self.digits)
