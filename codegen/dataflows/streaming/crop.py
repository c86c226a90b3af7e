"""Crop: a rectangle of a frame, or a range of the channels of each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import crop
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.windows import Pair


@dataclass(frozen=True, slots=True)
class CropUnit(OneToOne):
    """`sl_crop`: of `size` rows and columns, `kept` ones from `corner` on.

    A range of channels is a crop too: of a row for each pixel, with a column for each beat of it.
    """

    name: str
    node: str
    source: Stream
    sink: Stream
    size: Pair
    corner: Pair
    kept: Pair

    kind = "crop"

    @property
    def folds(self) -> int:
        """Beats of a column in a row."""
        return self.source.beats // (self.size[0] * self.size[1])

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("H", self.size[0]),
            ("W", self.size[1]),
            ("FOLDS", self.folds),
            ("WIDTH", self.source.width),
            ("TOP", self.corner[0]),
            ("LEFT", self.corner[1]),
            ("OH", self.kept[0]),
            ("OW", self.kept[1]),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_crop",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = tuple(value for _, value in self._parameters())
        return HlsCall("crop", "sl_crop.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        position = count_bits(*self.size, self.folds)
        return {"one": 1, "position_bits": position, "word_bits": self.source.width}

    def timing(self) -> Model:
        return crop.model(self.size, self.corner, self.kept, self.folds)
