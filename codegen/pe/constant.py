"""The constant PE: weights burnt into a network of shared shifts and adders, one vector a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shiftloom.codegen.adder_graph import AdderGraph, Term, build
from shiftloom.codegen.dataflows.streaming.timing import Pipeline
from shiftloom.codegen.design import Generated, HlsCall, Instance, Stream
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import IntType

LEVELS_PER_STAGE = 2
"""Adders between two registers."""


@dataclass(frozen=True, slots=True)
class Register:
    """A value carried over the end of a pipeline stage."""

    name: str
    source: str
    width: int


@dataclass(frozen=True, slots=True)
class Sum:
    """`name` = left · 2^left_shift (+ or −) right · 2^right_shift in `width` bits."""

    name: str
    width: int
    left: str
    left_shift: int
    right: str
    right_shift: int
    operator: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Additions of one pipeline stage and the registers at its end."""

    index: int
    sums: tuple[Sum, ...]
    registers: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One output: a value shifted and signed, plus its bias."""

    index: int
    value: str
    shift: int
    negative: bool
    zero: bool
    bias: str


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the network, with its name in the first stage."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class ConstantContext:
    """What the RTL and HLS templates of a constant matrix unit are rendered with."""

    banner: str
    module: str
    guard: str
    source_width: int
    sink_width: int
    x_bits: int
    x_width: int
    x_signed: bool
    acc_bits: int
    latency: int
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
        widths = [_width(a.lo, a.hi) for a in self.graph.adders]
        return {"one": 1, "adder_bits": sum(widths), "acc_bits": self.sink.width}

    def timing(self) -> Pipeline:
        return Pipeline(self.stages + 1)

    def context(self, banner: str) -> ConstantContext:
        """The network laid out in pipeline stages."""
        layout = _Layout(self.graph, self.stages, self.source)
        inputs = tuple(Input(i, f"v{i}_s0") for i in range(self.graph.inputs) if layout.used(i))
        return ConstantContext(
            banner=banner,
            module=self.module,
            guard=f"{self.module.upper()}_HPP",
            source_width=self.source.width,
            sink_width=self.sink.width,
            x_bits=self.source.bits,
            x_width=layout.widths[0],
            x_signed=self.source.signed,
            acc_bits=self.sink.bits,
            latency=self.stages + 1,
            adders=len(self.graph.adders),
            inputs=inputs,
            stages=tuple(layout.stage(s) for s in range(self.stages)),
            results=tuple(
                layout.result(i, term, int(self.mac.bias.data[i]))
                for i, term in enumerate(self.graph.outputs)
            ),
        )


def _width(lo: int, hi: int) -> int:
    return IntType.covering(lo, hi).bits


class _Layout:
    """Places every adder in a stage and keeps the values alive up to their last use."""

    def __init__(self, graph: AdderGraph, stages: int, source: Stream) -> None:
        kind = IntType(source.bits, source.signed)
        self.graph = graph
        self.stages = stages
        self.widths = [_width(kind.lo, kind.hi)] * graph.inputs
        self.widths += [_width(a.lo, a.hi) for a in graph.adders]
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

    def stage(self, stage: int) -> Stage:
        """Additions of a stage and the values registered at its end."""
        sums = tuple(
            self._sum(self.graph.inputs + i, stage)
            for i in range(len(self.graph.adders))
            if self.born[self.graph.inputs + i] == stage
        )
        registers = tuple(
            Register(f"v{i}_s{stage + 1}", f"v{i}_s{stage}", self.widths[i])
            for i in range(len(self.born))
            if self.born[i] <= stage < self.last[i]
        )
        return Stage(stage, sums, registers)

    def _sum(self, index: int, stage: int) -> Sum:
        adder = self.graph.adders[index - self.graph.inputs]
        left, right = adder.left, adder.right
        return Sum(
            f"v{index}_s{stage}",
            self.widths[index],
            f"v{left.index}_s{stage}",
            left.shift,
            f"v{right.index}_s{stage}",
            right.shift,
            "-" if right.negative else "+",
        )

    def result(self, index: int, term: Term | None, bias: int) -> Result:
        """One output behind the last stage."""
        if term is None:
            return Result(index, "", 0, False, True, str(bias))
        name = f"v{term.index}_s{self.stages}"
        return Result(index, name, term.shift, term.negative, False, str(bias))
