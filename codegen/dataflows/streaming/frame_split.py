"""Frame split: what two streams have been put together to, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import frame_split
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.windows import Pair


@dataclass(frozen=True, slots=True)
class FrameSplit:
    """`sl_frame_split`: the first part of each pixel of the source goes to the first sink.

    Where the source's frame is one pixel, that is a part of the frame.
    """

    name: str
    node: str
    sources: tuple[Stream]
    sinks: tuple[Stream, Stream]

    kind = "frame_split"

    @property
    def source(self) -> Stream:
        """The stream it reads."""
        return self.sources[0]

    @property
    def beats(self) -> Pair:
        """Beats of each sink in a turn."""
        a, b = self.sinks
        return a.beats // self.source.pixels, b.beats // self.source.pixels

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        a_beats, b_beats = self.beats
        return (("WIDTH", self.source.width), ("A_BEATS", a_beats), ("B_BEATS", b_beats))

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_frame_split",
            self._parameters(),
            (self.source.name,),
            tuple(sink.name for sink in self.sinks),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.pixels)
        sinks = tuple(sink.name for sink in self.sinks)
        return HlsCall("frame_split", "sl_frame_split.hpp", arguments, (self.source.name,), sinks)

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        return {"one": 1, "count_bits": count_bits(sum(self.beats)), "word_bits": self.source.width}

    def timing(self) -> Model:
        return frame_split.model(*self.beats)
