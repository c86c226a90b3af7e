"""Gather: the channels of each pixel in another order, left out or repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import count_bits, ram, rom_luts
from shiftloom.codegen.dataflows.streaming.timing import gather
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, Stream
from shiftloom.codegen.values import Array


@dataclass(frozen=True, slots=True)
class GatherUnit(OneToOne):
    """`sl_gather`: beat k of a pixel is beat order[k] of the source's, two pixels are held."""

    name: str
    node: str
    source: Stream
    sink: Stream
    order: tuple[int, ...]
    design: str

    kind = "gather"

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("WIDTH", self.source.width),
            ("IN_WORDS", self.source.folds),
            ("OUT_WORDS", len(self.order)),
        )

    def rom(self) -> Rom:
        """The order, one word a beat of the sink's pixel."""
        bits = max(1, (self.source.folds - 1).bit_length())
        fields = np.array(self.order).reshape(-1, 1)
        return Rom(f"{self.design}_{self.name}_order", Array(fields), bits)

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_gather",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (RomPort("o", self.rom(), "o"),),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.pixels)
        ctype = f"sl::uword<{self.rom().bits}>"
        array = HlsArray(f"{self.name}_order", ctype, Array(np.array(self.order)))
        return HlsCall(
            "gather", "sl_gather.hpp", arguments, (self.source.name,), (self.sink.name,), (array,)
        )

    def cycles(self) -> int:
        return max(self.source.beats, self.sink.beats)

    def features(self) -> Mapping[str, float]:
        words, width = self.source.folds, self.source.width
        memory = ram(width, 2 << max(1, (words - 1).bit_length()))
        return {
            "one": 1,
            "address_bits": count_bits(words, len(self.order)),
            "order_luts": self.rom().bits * rom_luts(len(self.order)),
            "word_bits": 0 if memory["block_rams"] else width,
            **memory,
        }

    def timing(self) -> Model:
        return gather.model(self.source.folds, len(self.order))
