"""The constant PE: weights burnt into a network of shared shifts and adders.

It takes a vector a clock, or one in digits of a few bits of every element, which makes the network
as many times narrower: y = W·x = Σ_d 2^(b·(D−1−d)) · W·x_d for D digits of b bits. The digits come
highest first, and the sums are shifted by a digit before the next one is added. The bias enters
at their low end along with the digits, where the shift leaves room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from shiftloom.codegen.adder_graph import AdderGraph, build
from shiftloom.codegen.cost import count_bits
from shiftloom.codegen.dataflows.streaming.timing import pipeline
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import Generated, HlsCall, Instance, Stream
from shiftloom.codegen.pe.adder_layout import (
    LEVELS_PER_STAGE,
    Input,
    Layout,
    Place,
    Result,
    Stage,
    range_of,
)
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.render import ranges
from shiftloom.codegen.values import Array, IntType


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
    acc_range: str
    top_bits: int
    top_range: str
    low_bits: int
    low_range: str
    digits: int
    in_digits: bool
    digit_range: str
    latency: int
    last: int
    adders: int
    inputs: tuple[Input, ...]
    stages: tuple[Stage, ...]
    results: tuple[Result, ...]
    narrowed: tuple[Place, ...]


@lru_cache(maxsize=64)
def _network(node: str, weights: Array, lo: int, hi: int) -> AdderGraph:
    """The network of a layer; a scheduler asks for the same one many times."""
    return build(node, weights.data.reshape(weights.data.shape[0], -1).T, lo, hi)


@dataclass(frozen=True, slots=True)
class ConstantMatrix(OneToOne):
    """A generated module: one element or digit of all terms a beat in, all sums in one beat out."""

    name: str
    node: str
    source: Stream
    sink: Stream
    mac: Mac
    design: str

    kind = "constant"

    @staticmethod
    def supports(mac: Mac, pe: int, simd: int, x: IntType) -> bool:
        """Fully unrolled layers of one group only."""
        return mac.groups == 1 and mac.weights.data.shape[0] == pe and mac.lanes == simd

    @staticmethod
    def digits_of(mac: Mac, bits: int) -> tuple[int, ...]:
        """Bits a digit that activations of `bits` bits may come in, the narrowest for each count.

        None where there is padding with other values than 0, which is 0 in every digit.
        """
        if mac.pad_value and any((*mac.window.padding, *mac.window.end)):
            return ()
        return tuple(sorted({-(-bits // count) for count in range(2, bits + 1)}))

    @property
    def digits(self) -> int:
        """Beats of a vector."""
        return self.source.beats // self.sink.beats

    @property
    def graph(self) -> AdderGraph:
        """The shared adder network of the layer's weights."""
        kind = IntType(self.source.bits, self.source.signed)
        lower_digits = IntType(self.source.bits, signed=False)
        hi = kind.hi if self.digits == 1 else lower_digits.hi
        return _network(self.node, self.mac.weights, kind.lo, hi)

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
            (self.source.name,),
            (self.sink.name,),
            generated=Generated("constant", self.module, self),
        )

    def call(self) -> HlsCall | None:
        return HlsCall(
            self.module,
            f"{self.module}.hpp",
            (self.source.beats,),
            (self.source.name,),
            (self.sink.name,),
            generated=Generated("constant", self.module, self),
        )

    def cycles(self) -> int:
        return self.source.beats

    def features(self) -> Mapping[str, float]:
        layout = Layout(self.graph, self.stages, self.source, self.sink)
        return {
            "one": 1,
            "adder_bits": layout.adder_bits(),
            "register_bits": layout.register_bits(),
            "sum_bits": self.sink.width,
            "digit_bits": self.sink.width if self.digits > 1 else 0,
        }

    def timing(self) -> Model:
        return pipeline.model(self.stages + 1, self.digits)

    def context(self, banner: str) -> ConstantContext:
        """The network laid out in pipeline stages."""
        layout = Layout(self.graph, self.stages, self.source, self.sink)
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
            x_range=range_of(layout.widths[0]),
            x_signed=self.source.signed,
            x_sign=int(self.source.signed),
            acc_bits=self.sink.bits,
            acc_range=range_of(self.sink.bits),
            top_bits=layout.top_bits,
            top_range=range_of(layout.top_bits),
            low_bits=layout.low_bits,
            low_range=range_of(layout.low_bits),
            digits=self.digits,
            in_digits=self.digits > 1,
            digit_range=range_of(max(1, count_bits(self.digits))),
            latency=self.stages + 1,
            last=self.stages,
            adders=len(self.graph.adders),
            inputs=tuple(
                Input(i, i * bits, (i + 1) * bits - 1)
                for i in range(self.graph.inputs)
                if layout.used(i)
            ),
            stages=tuple(layout.stage(s) for s in range(self.stages)),
            results=tuple(
                layout.result(i, term, int(self.mac.bias.data[i]))
                for i, term in enumerate(self.graph.outputs)
            ),
            narrowed=layout.narrowed(),
        )
