"""Pooling units: a running reduction for tiling windows, a tree for overlapping or padded ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits, ram
from shiftloom.codegen.dataflows.streaming.timing import pipeline, pool
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.qgraph import WindowReduce
from shiftloom.codegen.values import Shape


@dataclass(frozen=True, slots=True)
class Pool(OneToOne):
    """`sl_pool`: stride = kernel, no padding; a row memory holds the running maximum or sum."""

    name: str
    node: str
    source: Stream
    sink: Stream
    reduce: WindowReduce
    shape: Shape

    kind = "pool"

    @staticmethod
    def supports(reduce: WindowReduce) -> bool:
        """Windows that tile the map without padding."""
        return reduce.window.kernel == reduce.window.stride and reduce.window.padding == (0, 0)

    @property
    def folds(self) -> int:
        """Beats of a pixel."""
        return self.shape[2] // self.source.elements

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("H", self.shape[0]),
            ("W", self.shape[1]),
            ("FOLDS", self.folds),
            ("LANES", self.source.elements),
            ("BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("KH", self.reduce.window.kernel[0]),
            ("KW", self.reduce.window.kernel[1]),
            ("IS_SUM", int(self.reduce.kind == "sum")),
            ("IS_SIGNED", int(self.source.signed)),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_pool",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = tuple(value for _, value in self._parameters())
        return HlsCall("pool", "sl_pool.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        kh, kw = self.reduce.window.kernel
        height, width, _ = self.shape
        words = width // kw * self.folds
        memory = ram(self.sink.width, words)
        return {
            "one": 1,
            "position_bits": count_bits(height, width, kh, kw, self.folds) + 2 * count_bits(words),
            "source_bits": self.source.width,
            "sink_bits": self.sink.width,
            "bypass_bits": self.sink.width if self.folds == 1 else 0,
            "stored_bits": 0 if memory["block_rams"] else self.sink.width,
            **memory,
        }

    def timing(self) -> Model:
        return pool.model(self.shape, self.reduce.window.kernel, self.folds)


@dataclass(frozen=True, slots=True)
class WindowReduceUnit(OneToOne):
    """`sl_window_reduce`: one beat holds a whole window of all channels; a registered tree."""

    name: str
    node: str
    source: Stream
    sink: Stream
    reduce: WindowReduce

    kind = "window_reduce"

    @property
    def taps(self) -> int:
        """Elements reduced to one."""
        return self.source.elements // self.sink.elements

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        return (
            ("TAPS", self.taps),
            ("LANES", self.sink.elements),
            ("BITS", self.source.bits),
            ("OUT_BITS", self.sink.bits),
            ("IS_SUM", int(self.reduce.kind == "sum")),
            ("IS_SIGNED", int(self.source.signed)),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_window_reduce",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = (*(value for _, value in self._parameters()), self.source.beats)
        return HlsCall(
            "window_reduce",
            "sl_window_reduce.hpp",
            arguments,
            (self.source.name,),
            (self.sink.name,),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        nodes = (self.taps - 1) * self.sink.width
        is_sum = self.reduce.kind == "sum"
        levels = max(1, (self.taps - 1).bit_length())
        return {
            "one": 1,
            "sum_bits": nodes if is_sum else 0,
            "max_bits": 0 if is_sum else nodes,
            "delay_bits": self.sink.width if self.taps != 1 << levels else 0,
        }

    def timing(self) -> Model:
        return pipeline.model(max(1, (self.taps - 1).bit_length()))
