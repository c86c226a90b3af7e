"""The constant PE: weights burnt into a network of shared shifts and adders, one vector a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shiftloom.codegen.adder_graph import AdderGraph, Term, build
from shiftloom.codegen.dataflows.streaming.timing import Pipeline
from shiftloom.codegen.design import Generated, HlsCall, Instance, Stream
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.render import ranges
from shiftloom.codegen.values import IntType

LEVELS_PER_STAGE = 2
"""Adders between two registers."""


@dataclass(frozen=True, slots=True)
class Value:
    """Input or sum `index` times 2^shift."""

    index: int
    is_input: bool
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Register:
    """A value carried over the end of a pipeline stage."""

    index: int
    is_input: bool
    range: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum `index` = left (+ or −) right in `width` bits; `work` bits hold the operands as well."""

    index: int
    width: int
    work: int
    range: str
    left: Value
    right: Value
    operator: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Additions of one pipeline stage and the registers at its end."""

    index: int
    next: int
    sums: tuple[Sum, ...]
    registers: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One output: `sign` value `operator` bias; where `is_zero`, only `sign` bias."""

    index: int
    lsb: int
    work: int
    is_zero: bool
    value: Value
    sign: str
    operator: str
    bias: int


@dataclass(frozen=True, slots=True)
class Input:
    """An input that is used, and its place in the beat."""

    index: int
    lsb: int


@dataclass(frozen=True, slots=True)
class ConstantContext:
    """What the RTL and HLS templates of a constant matrix unit are rendered with."""

    banner: str
    module: str
    guard: str
    source_width: int
    sink_width: int
    source_range: str
    sink_range: str
    blank: str
    in_elements: int
    out_elements: int
    x_bits: int
    x_width: int
    x_range: str
    x_signed: bool
    x_sign: int
    acc_bits: int
    latency: int
    last: int
    adders: int
    inputs: tuple[Input, ...]
    stages: tuple[Stage, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True)
class ConstantMatrix:
    """A generated module: the whole vector in one beat, all accumulators in one beat."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str

    kind = "constant"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int) -> bool:
        """Fully unrolled layers only."""
        return mac.weights.data.shape[0] == pe and mac.lanes == simd

    @cached_property
    def graph(self) -> AdderGraph:
        """The shared adder network of the layer's weights."""
        kernel = self.mac.weights.data.reshape(self.mac.weights.data.shape[0], -1).T
        kind = IntType(self.source.bits, self.source.signed)
        return build(self.node, kernel, kind.lo, kind.hi)

    @property
    def module(self) -> str:
        """Name of the generated module."""
        return f"{self.design}_{self.name}"

    @property
    def stages(self) -> int:
        """Pipeline stages of the adder network, at least 1."""
        return max(1, -(-self.graph.depth // LEVELS_PER_STAGE))

    def instance(self) -> Instance:
        return Instance(
            self.name,
            self.node,
            self.module,
            (),
            self.source.name,
            self.sink.name,
            generated=Generated("constant", self.module, self),
        )

    def call(self) -> HlsCall | None:
        return HlsCall(
            self.module,
            f"{self.module}.hpp",
            (self.source.beats,),
            self.source.name,
            self.sink.name,
            generated=Generated("constant", self.module, self),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        layout = _Layout(self.graph, self.stages, self.source, self.sink)
        return {
            "one": 1,
            "adder_bits": layout.adder_bits(),
            "register_bits": layout.register_bits(),
            "sum_bits": self.sink.width,
        }

    def timing(self) -> Pipeline:
        return Pipeline(self.stages + 1)

    def context(self, banner: str) -> ConstantContext:
        """The network laid out in pipeline stages."""
        layout = _Layout(self.graph, self.stages, self.source, self.sink)
        source_range, sink_range, blank = ranges(self.source.width, self.sink.width)
        bits = self.source.bits
        return ConstantContext(
            banner=banner,
            module=self.module,
            guard=f"{self.module.upper()}_HPP",
            source_width=self.source.width,
            sink_width=self.sink.width,
            source_range=source_range,
            sink_range=sink_range,
            blank=blank,
            in_elements=self.source.elements,
            out_elements=self.sink.elements,
            x_bits=bits,
            x_width=layout.widths[0],
            x_range=_range(layout.widths[0]),
            x_signed=self.source.signed,
            x_sign=int(self.source.signed),
            acc_bits=self.sink.bits,
            latency=self.stages + 1,
            last=self.stages,
            adders=len(self.graph.adders),
            inputs=tuple(Input(i, i * bits) for i in range(self.graph.inputs) if layout.used(i)),
            stages=tuple(layout.stage(s) for s in range(self.stages)),
            results=tuple(
                layout.result(i, term, int(self.mac.bias.data[i]))
                for i, term in enumerate(self.graph.outputs)
            ),
        )


def _range(width: int) -> str:
    return ranges(width)[0]


def _width(lo: int, hi: int) -> int:
    return IntType.covering(lo, hi).bits


class _Layout:
    """Places every adder in a stage and keeps the values alive up to their last use."""

    def __init__(self, graph: AdderGraph, stages: int, source: Stream, sink: Stream) -> None:
        kind = IntType(source.bits, source.signed)
        self.graph = graph
        self.stages = stages
        self.acc_bits = sink.bits
        self.widths = [_width(kind.lo, kind.hi)] * graph.inputs
        self.widths += [_width(a.lo, a.hi) for a in graph.adders]
        self.low = [kind.lo] * graph.inputs + [a.lo for a in graph.adders]
        self.born = [0] * graph.inputs
        self.born += [(a.depth - 1) // LEVELS_PER_STAGE for a in graph.adders]
        self.last = [-1] * len(self.born)
        for index, adder in enumerate(graph.adders):
            for term in (adder.left, adder.right):
                at = self.born[graph.inputs + index]
                self.last[term.index] = max(self.last[term.index], at)
        for output in graph.outputs:
            if output is not None:
                self.last[output.index] = stages

    def used(self, index: int) -> bool:
        """Whether anything reads the value."""
        return self.last[index] >= 0

    def adder_bits(self) -> int:
        """Bits where both terms of an adder have one; elsewhere the carry chain takes a wire."""
        return sum(self._overlap(index) for index in range(len(self.graph.adders)))

    def _overlap(self, index: int) -> int:
        adder = self.graph.adders[index]
        top = self.widths[self.graph.inputs + index]
        for term in (adder.left, adder.right):
            if self.low[term.index] >= 0:
                top = min(top, self.widths[term.index] - 1 + term.shift)
        return max(0, top - max(adder.left.shift, adder.right.shift))

    def register_bits(self) -> int:
        """Bits of the registers between the stages."""
        kept = zip(self.widths, self.born, self.last, strict=True)
        return sum(width * (last - born) for width, born, last in kept if last > born)

    def stage(self, stage: int) -> Stage:
        """Additions of a stage and the values registered at its end."""
        sums = tuple(
            self._sum(self.graph.inputs + i)
            for i in range(len(self.graph.adders))
            if self.born[self.graph.inputs + i] == stage
        )
        registers = tuple(
            Register(i, i < self.graph.inputs, _range(self.widths[i]))
            for i in range(len(self.born))
            if self.born[i] <= stage < self.last[i]
        )
        return Stage(stage, stage + 1, sums, registers)

    def _value(self, term: Term) -> Value:
        return Value(term.index, term.index < self.graph.inputs, term.shift)

    def _work(self, width: int, *terms: Term) -> int:
        """Bits that hold a result of `width` and its shifted terms."""
        return max(width, *(self.widths[t.index] + t.shift for t in terms))

    def _sum(self, index: int) -> Sum:
        adder, width = self.graph.adders[index - self.graph.inputs], self.widths[index]
        left, right = adder.left, adder.right
        return Sum(
            index,
            width,
            self._work(width, left, right),
            _range(width),
            self._value(left),
            self._value(right),
            "-" if right.negative else "+",
        )

    def result(self, index: int, term: Term | None, bias: int) -> Result:
        """One output behind the last stage."""
        lsb, minus = index * self.acc_bits, bias < 0
        if term is None:
            nothing = Value(0, is_input=True)
            sign = "-" if minus else ""
            return Result(index, lsb, self.acc_bits, True, nothing, sign, "", abs(bias))
        return Result(
            index,
            lsb,
            self._work(self.acc_bits, term),
            False,
            self._value(term),
            "-" if term.negative else "",
            "-" if minus else "+",
            abs(bias),
        )
