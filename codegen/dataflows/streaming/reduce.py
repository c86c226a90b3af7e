"""Pooling of windows that come tap by tap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.qgraph import WindowReduce


@dataclass(frozen=True, slots=True)
class Reduce(OneToOne):
    """`sl_reduce`: one beat of all taps' beats, lane by lane; behind a serial window."""

    name: str
    node: str
    source: Stream
    sink: Stream
    reduce: WindowReduce

    kind = "reduce"

    @property
    def taps(self) -> int:
        """Beats reduced to one."""
        return prod(self.reduce.window.kernel)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.source.elements),
            ("TAPS", self.taps),
            ("BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("IS_SUM", int(self.reduce.kind == "sum")),
            ("IS_SIGNED", int(self.source.signed)),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_reduce",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.sink.beats)
        return HlsCall("reduce", "sl_reduce.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        is_sum = self.reduce.kind == "sum"
        return {
            "one": 1,
            "count_bits": count_bits(self.taps),
            "sum_bits": self.sink.width if is_sum else 0,
            "max_bits": 0 if is_sum else self.sink.width,
        }

    def timing(self) -> Model:
        return pipeline.model(1, self.taps)
