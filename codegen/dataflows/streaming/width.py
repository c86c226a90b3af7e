"""Width converter: the same elements in the same order, more or fewer a beat."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import FOREVER, Timing
from shiftloom.codegen.design import HlsCall, Instance, Stream


class Splitter:
    """Timing of a down-converter: `ratio` output beats for each input beat."""

    __slots__ = ("_left", "_ratio")

    def __init__(self, ratio: int) -> None:
        self._ratio = ratio
        self._left = 0

    def valid(self) -> bool:
        return self._left > 0

    def ready(self, downstream: bool) -> bool:
        return self._left == 0 or (self._left == 1 and downstream)

    def steady(self, taken: bool, given: bool) -> int:
        if given and not taken:
            return max(1, self._left - 1)
        return 1 if taken else FOREVER

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        if taken:
            self._left = self._ratio
        elif given:
            self._left -= clocks

    def state(self) -> Hashable:
        return self._left


class Joiner:
    """Timing of an up-converter: one output beat from each `ratio` input beats."""

    __slots__ = ("_count", "_full", "_ratio")

    def __init__(self, ratio: int) -> None:
        self._ratio = ratio
        self._count = 0
        self._full = False

    def valid(self) -> bool:
        return self._full

    def ready(self, downstream: bool) -> bool:
        return not self._full or downstream

    def steady(self, taken: bool, given: bool) -> int:
        if given:
            return 1
        return self._ratio - self._count if taken else FOREVER

    def step(self, taken: bool, given: bool, clocks: int) -> None:
        if given:
            self._full = False
        if taken:
            self._count += clocks
            if self._count == self._ratio:
                self._count = 0
                self._full = True

    def state(self) -> Hashable:
        return self._count, self._full


@dataclass(frozen=True, slots=True)
class Width:
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
            self.name, self.node, "sl_width", self._parameters(), self.source.name, self.sink.name
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.beats)
        return HlsCall("width", "sl_width.hpp", arguments, self.source.name, self.sink.name)

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

    def timing(self) -> Timing:
        if self.source.elements > self.sink.elements:
            return Splitter(self.source.elements // self.sink.elements)
        return Joiner(self.sink.elements // self.source.elements)
