"""Fork: one stream for two readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.dataflows.streaming.timing import fork
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsCall, Instance, Stream


@dataclass(frozen=True, slots=True)
class Fork:
    """`sl_fork`: both sinks carry the beats of the source."""

    name: str
    node: str
    sources: tuple[Stream]
    sinks: tuple[Stream, Stream]

    kind = "fork"

    @property
    def source(self) -> Stream:
        """The stream it reads."""
        return self.sources[0]

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_fork",
            (("WIDTH", self.source.width),),
            (self.source.name,),
            tuple(sink.name for sink in self.sinks),
        )

    def call(self) -> HlsCall | None:
        return HlsCall(
            "fork",
            "sl_fork.hpp",
            (self.source.width, self.source.beats),
            (self.source.name,),
            tuple(sink.name for sink in self.sinks),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        return {"one": 1, "word_bits": self.source.width}

    def timing(self) -> Model:
        return fork.model()
