"""What every unit of the streaming dataflow offers: RTL, HLS, cycles, cost and timing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.design import HlsCall, Instance, Stream


class Unit(Protocol):
    """One streaming unit. A new kind is one file with a frozen dataclass like this.

    It reads one or two streams and makes one or two. `OneToOne` gives `sources` and `sinks` to a
    unit that has one of each.
    """

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
    def sources(self) -> tuple[Stream, ...]:
        """Streams it reads."""

    @property
    def sinks(self) -> tuple[Stream, ...]:
        """Streams it makes."""

    def instance(self) -> Instance:
        """Its RTL module, parameters and memories."""

    def call(self) -> HlsCall | None:
        """Its HLS function, or None where HLS has no such unit (a FIFO is a stream's depth)."""

    def cycles(self) -> int:
        """Clocks a frame takes when no stream ever stalls: its initiation interval."""

    def features(self) -> Mapping[str, float]:
        """Size measures that the fitted cost model weighs."""

    def timing(self) -> Model:
        """The clock-exact model of its handshakes, after reset."""


class OneToOne:
    """A unit with the fields `source` and `sink`."""

    __slots__ = ()
    source: Stream
    sink: Stream

    @property
    def sources(self) -> tuple[Stream, ...]:
        """The stream it reads."""
        return (self.source,)

    @property
    def sinks(self) -> tuple[Stream, ...]:
        """The stream it makes."""
        return (self.sink,)
