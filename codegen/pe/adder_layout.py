"""An adder network laid out in pipeline stages, as the templates of the constant PE write it."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.adder_graph import AdderGraph, Term
from shiftloom.codegen.design import Stream
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
class Place:
    """A value in one of the stages it lives in."""

    index: int
    is_input: bool
    stage: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Additions of one pipeline stage and the registers at its end."""

    index: int
    next: int
    sums: tuple[Sum, ...]
    registers: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One output: value `operator` |bias|, or with `sign` before: bias − value, or bias alone.

    For a sum made digit by digit, the bias comes in two parts: `low`, of as many bits as the digits
    have together, enters along with them; `top`, modulo 2^`top_bits`, stands above the first one.
    """

    index: int
    lsb: int
    work: int
    is_zero: bool
    is_negative: bool
    value: Value
    sign: str
    operator: str
    bias: int
    top: int
    low: int


@dataclass(frozen=True, slots=True)
class Input:
    """An input that is used, and its place in the beat."""

    index: int
    lsb: int
    msb: int


def range_of(width: int) -> str:
    """`[width-1:0]`."""
    return ranges(width)[0]


def width_of(lo: int, hi: int) -> int:
    """Bits of a signed word for [lo, hi]."""
    return IntType.covering(lo, hi).bits


class Layout:
    """Places every adder in a stage and keeps the values alive up to their last use."""

    def __init__(self, graph: AdderGraph, stages: int, source: Stream, sink: Stream) -> None:
        self.graph = graph
        self.stages = stages
        self.acc_bits = sink.bits
        self.top_bits = max(1, sink.bits - source.bits)
        self.low_bits = source.beats // sink.beats * source.bits
        self.widths = [width_of(graph.lo, graph.hi)] * graph.inputs
        self.widths += [width_of(a.lo, a.hi) for a in graph.adders]
        self.low = [graph.lo] * graph.inputs + [a.lo for a in graph.adders]
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
            Register(i, i < self.graph.inputs, range_of(self.widths[i]))
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
            range_of(width),
            self._value(left),
            self._value(right),
            "-" if right.negative else "+",
        )

    def narrowed(self) -> tuple[Place, ...]:
        """Values wider than a result they go into, whose top bits it does not need."""
        first = self.graph.inputs
        uses = [
            (term.index, self.widths[first + i], self.born[first + i])
            for i, adder in enumerate(self.graph.adders)
            for term in (adder.left, adder.right)
        ]
        uses += [(t.index, self.acc_bits, self.stages) for t in self.graph.outputs if t is not None]
        found = sorted({(i, stage) for i, width, stage in uses if width < self.widths[i]})
        return tuple(Place(i, i < first, stage) for i, stage in found)

    def result(self, index: int, term: Term | None, bias: int) -> Result:
        """One output behind the last stage."""
        value = Value(0, is_input=True) if term is None else self._value(term)
        return Result(
            index,
            index * self.acc_bits,
            self.acc_bits if term is None else self._work(self.acc_bits, term),
            is_zero=term is None,
            is_negative=term is not None and term.negative,
            value=value,
            sign="-" if bias < 0 else "",
            operator="-" if bias < 0 else "+",
            bias=abs(bias),
            top=(bias >> self.low_bits) % (1 << self.top_bits),
            low=bias % (1 << self.low_bits),
        )
