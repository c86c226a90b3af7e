"""Sliding window in a memory: the taps of every output pixel one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import count_bits, ram
from shiftloom.codegen.dataflows.streaming.timing import window_serial
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.timing.window_serial import WalkGeometry
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsCall, Instance, Stream
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.windows import Pair, Window


@dataclass(frozen=True, slots=True)
class WindowSerial(OneToOne):
    """`sl_window_serial`: for each output pixel and group of channels, `passes` times its taps.

    A beat of the sink is one of the source, or padding. Order (group, pass, kh, kw, channel).
    With `awaits` no beat of padding comes before the first beat of its frame has, which a reader
    with a quality needs: it takes K at its first beat. Raises ShiftloomError where a window has no
    pixel of the map.
    """

    name: str
    node: str
    source: Stream
    sink: Stream
    window: Window
    output: Pair
    passes: int
    groups: int
    pad_value: int
    awaits: bool = False

    kind = "window_serial"

    def __post_init__(self) -> None:
        height, width, _ = self.source.shape
        if not all(self._touches(axis, size) for axis, size in enumerate((height, width))):
            raise ShiftloomError(
                self.node,
                f"a window of kernel {self.window.kernel} and dilation {self.window.dilation} has "
                f"no pixel of the map of {height} × {width}",
                "use a dilation below the size of the map",
            )

    def _touches(self, axis: int, size: int) -> bool:
        """Whether every window has a row (axis 0) or a column (axis 1) of the map."""
        window = self.window
        starts = np.arange(self.output[axis]) * window.stride[axis] - window.padding[axis]
        taps = starts[:, None] + np.arange(window.kernel[axis]) * window.dilation[axis]
        return bool(((taps >= 0) & (taps < size)).any(axis=1).all())

    @property
    def geometry(self) -> WalkGeometry:
        """The walk over the taps."""
        return WalkGeometry.of(
            self.source.shape,
            self.window,
            self.output,
            self.source.elements,
            self.groups,
            self.passes,
        )

    @property
    def rows(self) -> int:
        """Rows of the ring: at a row's last output, all that the next row's first needs fit in."""
        row = self.source.shape[1] * self.source.folds
        return -(-(self.geometry.needed + max(self.geometry.window_moves)) // row)

    @property
    def capacity(self) -> int:
        """Words of the ring."""
        return self.geometry.capacity(self.rows * self.source.shape[1] * self.source.folds)

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        pairs = {
            "K": self.window.kernel,
            "S": self.window.stride,
            "D": self.window.dilation,
        }
        height, width, channels = self.source.shape
        return (
            *(("H", height), ("W", width), ("C", channels), ("BITS", self.source.bits)),
            *((f"{name}{axis}", pair[i]) for name, pair in pairs.items() for i, axis in _AXES),
            *(("PT", self.window.padding[0]), ("PL", self.window.padding[1])),
            *(("OH", self.output[0]), ("OW", self.output[1])),
            ("SIMD", self.source.elements),
            ("GROUPS", self.groups),
            ("NF", self.passes),
            ("ROWS", self.rows),
            ("PAD_VALUE", self.pad_value),
        )

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            "sl_window_serial",
            (*self._parameters(), ("AWAIT", int(self.awaits))),
            (self.source.name,),
            (self.sink.name,),
        )

    def call(self) -> HlsCall | None:
        arguments = tuple(value for _, value in self._parameters())
        return HlsCall(
            "window_serial",
            "sl_window_serial.hpp",
            arguments,
            (self.source.name,),
            (self.sink.name,),
        )

    def cycles(self) -> int:
        return max(self.source.beats, self.sink.beats)

    def features(self) -> Mapping[str, float]:
        memory = ram(self.source.width, self.capacity)
        return {
            "one": 1,
            "position_bits": count_bits(*self.geometry.counts),
            "border_bits": sum(
                (self.window.padding[axis] + self.window.end[axis])
                * count_bits(self.source.shape[axis])
                for axis in range(2)
            ),
            "address_bits": count_bits(self.capacity),
            "move_bits": self.geometry.move_bits(self.capacity),
            "stored_bits": 0 if memory["block_rams"] else self.source.width,
            **memory,
        }

    def timing(self) -> Model:
        shape, awaits = self.source.shape, self.awaits
        return window_serial.model(shape, self.window, self.geometry, self.capacity, awaits)


_AXES = ((0, "H"), (1, "W"))
