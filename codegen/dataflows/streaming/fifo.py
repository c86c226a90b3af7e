"""FIFO: decouples two units and cuts the ready path; its depth comes from the token simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits, ram
from shiftloom.codegen.dataflows.streaming.timing import queue
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream

MIN_DEPTH = 2
"""With fewer beats it could not take and give one in every clock."""


@dataclass(frozen=True, slots=True)
class Fifo(OneToOne):
    """`sl_fifo`: up to `depth` ≥ 2 beats."""

    name: str
    node: str
    source: Stream
    sink: Stream
    depth: int

    kind = "fifo"

    def instance(self) -> Instance:
        parameters = (("WIDTH", self.source.width), ("DEPTH", self.depth))
        return Instance(
            self.name, self.node, "sl_fifo", parameters, (self.source.name,), (self.sink.name,)
        )

    def call(self) -> HlsCall | None:
        return None

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        width, depth = self.source.width, self.depth
        memory = ram(width, depth)
        return {
            "one": 1,
            "address_bits": count_bits(depth),
            "bypass_bits": width if memory["block_rams"] else 0,
            **memory,
        }

    def timing(self) -> Model:
        return queue.model(self.depth)
