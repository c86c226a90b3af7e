"""The constant PE: weights burnt into a network of shared shifts and adders, one vector a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shiftloom.codegen.adder_graph import AdderGraph, build
from shiftloom.codegen.dataflows.streaming.timing import Pipeline
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
from shiftloom.codegen.values import IntType


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
    narrowed: tuple[Place, ...]


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
        layout = Layout(self.graph, self.stages, self.source, self.sink)
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
            latency=self.stages + 1,
            last=self.stages,
            adders=len(self.graph.adders),
            inputs=tuple(Input(i, i * bits) for i in range(self.graph.inputs) if layout.used(i)),
            stages=tuple(layout.stage(s) for s in range(self.stages)),
            results=tuple(
                layout.result(i, term, int(self.mac.bias.data[i]))
                for i, term in enumerate(self.graph.outputs)
            ),
            narrowed=layout.narrowed(),
        )
