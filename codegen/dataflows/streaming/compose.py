"""Composition of a planned network: its graph of integer units as streaming units.

A value that several units read goes through forks, each copy into a FIFO of its own, so that the
readers need not run in step. `composers.py` holds how each integer unit is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd, prod

from shiftloom.codegen.dataflows.streaming import composers
from shiftloom.codegen.dataflows.streaming.concat import ConcatUnit
from shiftloom.codegen.dataflows.streaming.extend import Extend
from shiftloom.codegen.dataflows.streaming.fifo import MIN_DEPTH, Fifo
from shiftloom.codegen.dataflows.streaming.fork import Fork
from shiftloom.codegen.dataflows.streaming.frame_split import FrameSplit
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.width import Width
from shiftloom.codegen.design import Stream
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, FifoPlan, LanePlan, MacPlan, RequantPlan
from shiftloom.codegen.qgraph import QGraph, Requantize, ScaledAdd

MIN_FIFO_DEPTH = 2
INPUT_ELEMENTS = 8
"""Most elements of an input beat."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the units depend on beside the network: plans of its nodes and of their FIFOs."""

    macs: tuple[MacPlan, ...] = ()
    requants: tuple[RequantPlan, ...] = ()
    lanes: tuple[LanePlan, ...] = ()
    fifos: tuple[FifoPlan, ...] = ()
    engines: tuple[EnginePlan, ...] = ()

    def engine(self, node: str) -> EnginePlan:
        """The engine that a `Part` node stands for."""
        return next(plan for plan in self.engines if plan.sums == node)

    def mac(self, node: str) -> MacPlan:
        """Folding of a `Mac` node."""
        return next(plan for plan in self.macs if plan.node == node)

    def requant(self, node: str) -> RequantPlan:
        """Hardware of a `Requantize` node."""
        return next(plan for plan in self.requants if plan.node == node)

    def lane(self, node: str, default: int) -> int:
        """Elements a beat of another node."""
        return next((plan.lanes for plan in self.lanes if plan.node == node), default)

    def depth(self, fifo: str) -> int:
        """Depth of a FIFO by its unit's name."""
        return next((plan.depth for plan in self.fifos if plan.fifo == fifo), MIN_DEPTH)


def compose(qgraph: QGraph, choices: Choices) -> tuple[Unit, ...]:
    """All units in topological order, from one stream of input frames to one of output frames.

    Several inputs come one behind the other in a frame, several outputs likewise; outputs one
    element a beat, in whole bytes. Raises ShiftloomError where a plan or a name does not fit.
    """
    composer = Composer(qgraph, choices)
    composer.open_inputs()
    composer.add_nodes()
    composer.close_outputs()
    return tuple(composer.units)


def compose_part(qgraph: QGraph, choices: Choices, elements: int) -> tuple[Unit, ...]:
    """The units of a part of a network, whose inputs and outputs are streams of their own.

    Every input has `elements` a beat.
    """
    composer = Composer(qgraph, choices)
    for source in qgraph.inputs:
        composer.give(source.name, composer.stream(source.name, source.name, elements))
    composer.add_nodes()
    return tuple(composer.units)


def input_elements(qgraph: QGraph) -> int:
    """Elements of an input beat: as many as divide the channels of every input."""
    common = gcd(*(source.tensor.shape[2] for source in qgraph.inputs))
    return max(n for n in range(1, INPUT_ELEMENTS + 1) if common % n == 0)


class Composer:
    """Appends units; every value waits as streams, one for each of its readers."""

    def __init__(self, qgraph: QGraph, choices: Choices) -> None:
        self.qgraph = qgraph
        self.choices = choices
        self.units: list[Unit] = []
        self._waiting: dict[str, list[Stream]] = {}
        self._claimed: dict[str, str] = {}

    def open_inputs(self) -> None:
        """The input's stream and, of several inputs, the units that take it apart."""
        elements, names = input_elements(self.qgraph), [s.name for s in self.qgraph.inputs]
        self._claim("stream 'pixels'", names[0])
        if len(names) == 1:
            return self.give(names[0], self.stream("pixels", names[0], elements))
        parts = [self.stream(f"{name}_pixels", name, elements) for name in names]
        rest = _together("pixels", parts)
        for i, name in enumerate(names[:-1]):
            last = i == len(names) - 2
            sinks = (parts[i], parts[-1] if last else _together(f"{name}_rest", parts[i + 1 :]))
            self.append(FrameSplit(f"{name}_split", name, (rest,), sinks))
            rest = sinks[1]
        for name, part in zip(names, parts, strict=True):
            self.give(name, self.queue(part, name))
        return None

    def add_nodes(self) -> None:
        """The units of every node."""
        for node in self.qgraph.nodes:
            sources = [self._waiting[name].pop(0) for name in node.sources]
            stream = composers.add(self, node, *sources)
            is_buffered = isinstance(node.unit, Requantize | ScaledAdd)
            if is_buffered and self._readers(node.name) == 1:
                stream = self.queue(stream, node.name)
            self.give(node.name, stream)

    def close_outputs(self) -> None:
        """One element a beat of every output, in bytes, several joined to one stream."""
        tensors = [self.qgraph.tensor(name) for name in self.qgraph.outputs]
        bits = max(-(-tensor.type.bits // 8) * 8 for tensor in tensors)
        streams = []
        for name in self.qgraph.outputs:
            stream = self.convert(self._waiting[name].pop(0), name, 1, f"{name}_serial")
            if stream.bits != bits:
                wide = replace(stream, name=f"{name}_bytes", bits=bits)
                stream = self.append(Extend(f"{name}_extend", name, stream, wide))
            streams.append(stream)
        joined = streams[0]
        for name, stream in zip(self.qgraph.outputs[1:], streams[1:], strict=True):
            pair = (self.buffered(joined, name), self.buffered(stream, name))
            sink = _together(f"{name}_frame", pair)
            joined = self.append(ConcatUnit(f"{name}_join", name, pair, (sink,)))

    def give(self, value: str, stream: Stream) -> None:
        """Hand out a value to its readers, through forks if there are several."""
        copies: list[Stream] = []
        for i in range(1, self._readers(value)):
            pair = [replace(stream, name=f"{value}_copy{2 * i + k}") for k in range(2)]
            self.append(Fork(f"{value}_fork{i}", value, (stream,), (pair[0], pair[1])))
            copies.append(self.queue(pair[0], value))
            stream = pair[1]
        if copies:
            stream = self.queue(stream, value)
        self._waiting[value] = [*copies, stream]

    def append(self, unit: Unit) -> Stream:
        """Add a unit; returns its first sink. Refuses names that another unit has."""
        self._claim(f"unit {unit.name!r}", unit.node)
        for sink in unit.sinks:
            self._claim(f"stream {sink.name!r}", unit.node)
        self.units.append(unit)
        return unit.sinks[0]

    def _claim(self, name: str, node: str) -> None:
        if name in self._claimed:
            problem = f"its {name} has the name of one of {self._claimed[name]!r}"
            raise ShiftloomError(node, problem, "rename one of the two")
        self._claimed[name] = node

    def stream(self, name: str, tensor: str, elements: int) -> Stream:
        """A stream of the values of an input or node."""
        found = self.qgraph.tensor(tensor)
        kind = found.type
        return Stream(name, tensor, found.shape, elements, kind.bits, kind.signed)

    def convert(self, stream: Stream, node: str, elements: int, name: str = "") -> Stream:
        """Change the elements a beat, over a common divisor where neither count divides."""
        now = stream.elements
        if now == elements:
            return stream
        if max(now, elements) % min(now, elements):
            stream = self.convert(stream, node, gcd(now, elements))
        name = name or f"{stream.name}_width{elements}"
        sink = replace(stream, name=name, elements=elements)
        return self.append(Width(name, node, stream, sink))

    def queue(self, stream: Stream, node: str) -> Stream:
        """Put a FIFO behind a stream."""
        name = f"{stream.name}_fifo"
        sink = replace(stream, name=f"{stream.name}_queue")
        return self.append(Fifo(name, node, stream, sink, self.choices.depth(name)))

    def buffered(self, stream: Stream, node: str) -> Stream:
        """A stream that comes out of a FIFO, at most a width converter behind it."""
        makers = {sink.name: unit for unit in self.units for sink in unit.sinks}
        maker = makers.get(stream.name)
        if isinstance(maker, Width):
            maker = makers.get(maker.source.name)
        return stream if isinstance(maker, Fifo) else self.queue(stream, node)

    def _readers(self, value: str) -> int:
        return len(self.qgraph.readers(value)) + self.qgraph.outputs.count(value)


def _together(name: str, streams: tuple[Stream, ...] | list[Stream]) -> Stream:
    """Frames of like beats one behind the other as one stream."""
    elements = sum(prod(stream.shape) for stream in streams)
    return replace(streams[0], name=name, tensor="", shape=(1, 1, elements))
