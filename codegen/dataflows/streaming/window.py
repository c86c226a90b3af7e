"""Sliding window: a stream of pixels becomes the dot-product operands of every output pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import count_bits, mux_luts, ram
from shiftloom.codegen.dataflows.streaming.timing import window
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.timing.window import ScanGeometry
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.values import Shape
from shiftloom.codegen.windows import Window


@dataclass(frozen=True, slots=True)
class WindowUnit(OneToOne):
    """`sl_window`: NF passes over each window in beats of SIMD elements, order (kh, kw, c).

    A source of digits, as from `Digits`, makes windows of digits.
    """

    name: str
    node: str
    source: Stream
    sink: Stream
    window: Window
    shape: Shape
    output: tuple[int, int]
    passes: int
    pad_value: int

    kind = "window"

    @property
    def rows(self) -> int:
        """Rows of the circular buffer: the kernel's, and those that arrive while one is read."""
        return self.window.kernel[0] + self.window.stride[0]

    @property
    def digits(self) -> int:
        """Beats of a pixel, and windows of an output pixel."""
        return self.source.beats // (self.shape[0] * self.shape[1])

    @property
    def folds(self) -> int:
        """Output beats of one window, SF · NF."""
        return self.sink.beats // (self.output[0] * self.output[1] * self.digits)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        height, width, channels = self.shape
        (kh, kw), (sh, sw), (pt, pl) = self.window.kernel, self.window.stride, self.window.padding
        return (
            ("H", height),
            ("W", width),
            ("C", channels),
            ("BITS", self.source.bits),
            ("KH", kh),
            ("KW", kw),
            ("SH", sh),
            ("SW", sw),
            ("PT", pt),
            ("PL", pl),
            ("OH", self.output[0]),
            ("OW", self.output[1]),
            ("SIMD", self.sink.elements),
            ("NF", self.passes),
            ("ROWS", self.rows),
            ("PAD_VALUE", self.pad_value),
            ("DIGITS", self.digits),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_window",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = tuple(value for _, value in self._parameters())
        return HlsCall("window", "sl_window.hpp", arguments, (self.source.name,), (self.sink.name,))

    def cycles(self) -> int:
        slots = ScanGeometry.of(self.shape, self.window, self.output, self.digits).slots
        row = max(slots, self.output[1] * self.digits * self.folds)
        return max(self.source.beats, self.output[0] * row)

    def features(self) -> Mapping[str, float]:
        (kh, kw), (sh, sw), digits = self.window.kernel, self.window.stride, self.digits
        height, columns = self.shape[0], self.shape[1] * digits
        pixel, slices = self.source.width, self.folds // self.passes
        bank = ram(pixel, columns)
        windows = (self.output[0], self.output[1] * digits)
        counted = count_bits(columns, *windows, slices, self.passes, sh, sw * digits)
        return {
            "one": 1,
            "position_bits": counted + count_bits(columns, height, self.rows),
            "bank_bits": 0 if bank["block_rams"] else self.rows * pixel,
            "rotate_luts": kh * pixel * mux_luts(self.rows),
            "column_bits": kh * pixel,
            "window_bits": (kh * kw + (kw - 1) * kh * digits) * pixel,
            "slice_luts": self.sink.width * mux_luts(slices),
            "slice_bits": self.sink.width if slices > 1 else 0,
            **{name: self.rows * measure for name, measure in bank.items()},
        }

    def timing(self) -> Model:
        beats = (self.folds // self.passes, self.folds)
        return window.model(self.shape, self.window, self.output, self.rows, beats, self.digits)
