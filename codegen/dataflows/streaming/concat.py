"""Concatenation: two streams by turns in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import concat
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.windows import Pair


@dataclass(frozen=True, slots=True)
class ConcatUnit:
    """`sl_concat`: a pixel of the sink is a part of the first source, then one of the second.

    Where the sink's frame is one pixel, the sources' frames come one behind the other.
    """

    name: str
    node: str
    sources: tuple[Stream, Stream]
    sinks: tuple[Stream]

    kind = "concat"

    @property
    def sink(self) -> Stream:
        """The stream it makes."""
        return self.sinks[0]

    @property
    def beats(self) -> Pair:
        """Beats of each source in a turn."""
        a, b = self.sources
        return a.beats // self.sink.pixels, b.beats // self.sink.pixels

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        a_beats, b_beats = self.beats
        return (("WIDTH", self.sink.width), ("A_BEATS", a_beats), ("B_BEATS", b_beats))

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_concat",
            self._parameters(),
            tuple(source.name for source in self.sources),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.sink.pixels)
        sources = tuple(source.name for source in self.sources)
        return HlsCall("concat", "sl_concat.hpp", arguments, sources, (self.sink.name,))

    def cycles(self) -> int:
        return self.sink.beats

    def features(self) -> Mapping[str, float]:
        return {"one": 1, "count_bits": count_bits(sum(self.beats)), "word_bits": self.sink.width}

    def timing(self) -> Model:
        return concat.model(*self.beats)
