"""Lowering of a planned network to its chain of streaming units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.pool import Pool, WindowReduceUnit
from shiftloom.codegen.dataflows.streaming.requantize import MultiplyShift, Thresholds
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.vector_buffer import VectorBuffer
from shiftloom.codegen.dataflows.streaming.width import Width
from shiftloom.codegen.dataflows.streaming.window import WindowUnit
from shiftloom.codegen.design import Stream
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.pe import PES
from shiftloom.codegen.plan import MacPlan, RequantPlan
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, QTensor, Requantize, WindowReduce
from shiftloom.codegen.values import IntType

MIN_FIFO_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Choices:
    """What the chain depends on, by node name."""

    macs: dict[str, MacPlan]
    requants: dict[str, RequantPlan]
    fifos: dict[str, int]


def build_chain(
    qgraph: QGraph, choices: Choices, serial: bool = True, elements: int | None = None
) -> tuple[Unit, ...]:
    """Units from a stream of input pixels to the last node's values, `serial`: one a beat.

    `elements` of a pixel come in a beat, all of them by default.
    """
    builder = _ChainBuilder(qgraph, choices, elements or qgraph.input.shape[2])
    builder.build()
    if serial:
        last = qgraph.nodes[-1].name
        builder.convert(last, 1, f"{last}_serial")
    return tuple(builder.units)


class _ChainBuilder:
    """Appends the units of each node; `self.stream` is the stream made last."""

    def __init__(self, qgraph: QGraph, choices: Choices, elements: int) -> None:
        self.qgraph = qgraph
        self.choices = choices
        self.units: list[Unit] = []
        tensor = qgraph.input
        self.stream = self._stream("pixels", "input", tensor, elements)

    def build(self) -> None:
        """Append the units of every node."""
        for node in self.qgraph.nodes:
            if isinstance(node.unit, Mac):
                self._mac(node, node.unit)
            elif isinstance(node.unit, WindowReduce):
                self._reduce(node, node.unit)
            else:
                self._requantize(node, node.unit)

    def _stream(self, name: str, node: str, tensor: QTensor, elements: int) -> Stream:
        return Stream(name, node, tensor.shape, elements, tensor.type.bits, tensor.type.signed)

    def _append(self, unit: Unit) -> None:
        self.units.append(unit)
        self.stream = unit.sink

    def convert(self, node: str, elements: int, name: str = "") -> None:
        """Change the elements a beat, over a common divisor where neither count divides."""
        now = self.stream.elements
        if now == elements:
            return
        if max(now, elements) % min(now, elements):
            common = int(np.gcd(now, elements))
            self.convert(node, common)
            return self.convert(node, elements)
        name = name or f"{node}_width{elements}"
        sink = Stream(
            name,
            self.stream.tensor,
            self.stream.shape,
            elements,
            self.stream.bits,
            self.stream.signed,
        )
        return self._append(Width(name, node, self.stream, sink))

    def _mac(self, node: QNode, mac: Mac) -> None:
        plan = self.choices.macs[node.name]
        kind = next((pe for pe in PES if pe.kind == plan.kind), None)
        if kind is None or not kind.supports(mac, plan.pe, plan.simd):
            raise ShiftloomError(
                node.name,
                f"PE {plan.kind} cannot run PE={plan.pe}, SIMD={plan.simd}",
                "see the folding rules in docs/architecture.md",
            )
        passes = int(mac.weights.data.shape[0]) // plan.pe
        if mac.window.kernel == (1, 1) and mac.window.stride == (1, 1):
            self._vector(node, mac, plan.simd, passes)
        else:
            self._window(node, mac, plan.simd, passes)
        sink = self._stream(f"{node.name}_sums", node.name, node.out, plan.pe)
        name = f"{node.name}_matrix"
        self._append(kind(name, node.name, self.stream, sink, mac, self.qgraph.name))

    def _vector(self, node: QNode, mac: Mac, simd: int, passes: int) -> None:
        self.convert(node.name, simd)
        if passes == 1:
            return
        height, width, _ = node.out.shape
        name = f"{node.name}_vector"
        shape = (height, width, mac.lanes * passes)
        sink = Stream(name, "", shape, simd, self.stream.bits, self.stream.signed)
        self._append(VectorBuffer(name, node.name, self.stream, sink, mac.lanes, passes))

    def _window(self, node: QNode, mac: Mac, simd: int, passes: int) -> None:
        source = self.qgraph.tensor(node.source)
        self.convert(node.name, source.shape[2])
        height, width, _ = node.out.shape
        name = f"{node.name}_window"
        shape = (height, width, mac.lanes * passes)
        sink = Stream(name, "", shape, simd, self.stream.bits, self.stream.signed)
        self._append(
            WindowUnit(
                name,
                node.name,
                self.stream,
                sink,
                mac.window,
                source.shape,
                (height, width),
                passes,
                mac.pad_value,
            )
        )

    def _reduce(self, node: QNode, reduce: WindowReduce) -> None:
        source = self.qgraph.tensor(node.source)
        if Pool.supports(reduce):
            sink = self._stream(f"{node.name}_pool", node.name, node.out, self.stream.elements)
            name = f"{node.name}_reduce"
            return self._append(Pool(name, node.name, self.stream, sink, reduce, source.shape))
        self.convert(node.name, source.shape[2])
        height, width, channels = node.out.shape
        taps = int(np.prod(reduce.window.kernel))
        name = f"{node.name}_window"
        shape = (height, width, taps * channels)
        windows = Stream(name, "", shape, taps * channels, self.stream.bits, self.stream.signed)
        fill = IntType(self.stream.bits, self.stream.signed).lo if reduce.kind == "max" else 0
        self._append(
            WindowUnit(
                name,
                node.name,
                self.stream,
                windows,
                reduce.window,
                source.shape,
                (height, width),
                1,
                fill,
            )
        )
        sink = self._stream(f"{node.name}_pool", node.name, node.out, channels)
        return self._append(
            WindowReduceUnit(f"{node.name}_reduce", node.name, self.stream, sink, reduce)
        )

    def _requantize(self, node: QNode, unit: Requantize) -> None:
        plan = self.choices.requants[node.name]
        self.convert(node.name, plan.lanes)
        sink = self._stream(node.name, node.name, node.out, plan.lanes)
        name, function = f"{node.name}_unit", unit.requantization
        if plan.method == "thresholds":
            self._append(Thresholds(name, node.name, self.stream, sink, function, self.qgraph.name))
        else:
            self._append(
                MultiplyShift(
                    name, node.name, self.stream, sink, function, plan.use_dsp, self.qgraph.name
                )
            )
        depth = self.choices.fifos.get(node.name, MIN_FIFO_DEPTH)
        queued = self._stream(f"{node.name}_queue", node.name, node.out, plan.lanes)
        self._append(Fifo(f"{node.name}_fifo", node.name, self.stream, queued, depth))
