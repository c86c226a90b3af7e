"""ArgMax: the index of the largest channel of each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream


@dataclass(frozen=True, slots=True)
class ArgMaxUnit(OneToOne):
    """`sl_argmax`: a tree over the channels of a beat, then the best so far of the pixel's."""

    name: str
    node: str
    source: Stream
    sink: Stream

    kind = "argmax"

    @property
    def lanes(self) -> int:
        """Channels a clock."""
        return self.source.elements

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("LANES", self.lanes),
            ("FOLDS", self.source.folds),
            ("BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("IS_SIGNED", int(self.source.signed)),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_argmax",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.pixels)
        return HlsCall("argmax", "sl_argmax.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        is_folded = self.source.folds > 1
        return {
            "one": 1,
            "fold_bits": count_bits(self.source.folds),
            "best_bits": is_folded * (self.source.bits + self.sink.bits),
            "index_bits": self.sink.bits,
            **self._tree(),
        }

    def _tree(self) -> dict[str, float]:
        """Registers of the tree's nodes, and what its comparisons choose and compare, in bits."""
        bits, terms = self.source.bits, self.lanes
        nodes = chosen = compared = level = alone = 0
        while terms > 1:
            pairs, odd = divmod(terms, 2)
            alone = alone + 1 if odd and level else 0
            terms, level = pairs + odd, level + 1
            nodes += terms * (bits + level)
            chosen += pairs * (bits + level)
            compared += pairs * bits
            if alone == 2:  # three registers in a row, which become a shift register in LUTs
                nodes -= 3 * (bits + 1)
        unread = 0 if self.source.folds > 1 or level == 0 else bits  # the root's element
        return {"node_bits": nodes - unread, "choice_luts": chosen, "compare_luts": compared}

    def timing(self) -> Model:
        return pipeline.model((self.lanes - 1).bit_length() + 1, self.source.folds)
