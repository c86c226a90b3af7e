"""What every unit of the streaming dataflow offers: RTL, HLS, cycles, cost and timing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shiftloom.codegen.dataflows.streaming.timing import Timing
from shiftloom.codegen.design import HlsCall, Instance, Stream


class Unit(Protocol):
    """One streaming unit between two streams. A new kind is one file with a dataclass like this."""

    @property
    def name(self) -> str:
        """Instance name, unique in the design."""

    @property
    def node(self) -> str:
        """The integer node it belongs to."""

    @property
    def kind(self) -> str:
        """Key of its cost model."""

    @property
    def source(self) -> Stream:
        """Stream it reads."""

    @property
    def sink(self) -> Stream:
        """Stream it makes."""

    def instance(self) -> Instance:
        """Its RTL module, parameters and memories."""

    def call(self) -> HlsCall | None:
        """Its HLS function, or None where HLS has no such unit (a FIFO is a stream's depth)."""

    def cycles(self) -> int:
        """Clocks a frame takes when no stream ever stalls: its initiation interval."""

    def features(self) -> Mapping[str, float]:
        """Size measures that the fitted cost model weighs."""

    def timing(self) -> Timing:
        """A fresh clock-exact model of its handshakes."""
