"""The systolic engine as a streaming unit: frames in, raw sums of its last layer out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine import roms
from shiftloom.codegen.dataflows.streaming.timing import engine
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.dataflows.systolic import costs
from shiftloom.codegen.dataflows.systolic.compiled import Program
from shiftloom.codegen.dataflows.systolic.memory import BEAT
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Memory, Stream
from shiftloom.codegen.values import Array

_MEMORIES = ("prog", "load", "weight", "res", "store")


@dataclass(frozen=True, slots=True)
class Systolic(OneToOne):
    """`sl_systolic`: an array of R × C products, maps and weights in external memory."""

    name: str
    node: str
    source: Stream
    sink: Stream
    program: Program
    design: str

    kind = "systolic"

    @property
    def masters(self) -> int:
        """AXI4 masters: tiles and results; residuals and input; weights."""
        return costs.BASE_PORTS + self.program.plan.weight_ports

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        program, plan, layout = self.program, self.program.plan, self.program.layout
        source = program.operations.map(program.operations.source.name)
        return (
            ("R", plan.rows),
            ("C", plan.columns),
            ("STATIONARY", int(plan.stationary == "output")),
            *program.widths.parameters(),
            ("PIXELS", plan.pixels),
            ("BUFFER", plan.buffer),
            ("PROGRAM", len(program.prog.data)),
            ("LOADS", len(program.load.data)),
            ("WPROGRAM", len(program.weight.data)),
            ("RPROGRAM", sum(turn.residual is not None for turn in program.turns)),
            ("SPROGRAM", sum(turn.store is not None for turn in program.turns)),
            ("STEPS", len(program.step.data)),
            ("PARAMS", len(program.bias.data)),
            ("WPORTS", plan.weight_ports),
            ("IN_E", self.source.elements),
            ("IN_BEATS", self.source.folds),
            ("IN_PIXELS", source.plane),
            ("IN_BASE", layout.start[source.name]),
            ("IN_STRIDE", layout.stride),
            ("IN_BLOCKS", -(-self.source.shape[2] // plan.rows)),
        )

    def _programs(self) -> tuple[Array, ...]:
        program = self.program
        return program.prog, program.load, program.weight, program.res, program.store

    def instance(self) -> Instance:
        program, module = self.program, f"{self.design}_{self.name}"
        pairs = zip(_MEMORIES, self._programs(), strict=True)
        return Instance(
            self.name,
            self.node,
            "sl_systolic",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (
                *(roms.program(module, prefix, rows) for prefix, rows in pairs),
                roms.steps(module, program.step),
                *roms.constants(module, program.bias, program.m, program.c, program.widths),
            ),
            reports_bad_code=True,
            masters=self.masters,
        )

    def call(self) -> HlsCall | None:
        program = self.program
        pairs = zip(_MEMORIES, self._programs(), strict=True)
        return HlsCall(
            "systolic",
            "sl_systolic.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            (
                *(HlsArray(f"{self.name}_{name}", "uint32_t", rows) for name, rows in pairs),
                HlsArray(f"{self.name}_step", "uint16_t", program.step),
                *roms.hls_constants(self.name, program.bias, program.m, program.c, program.widths),
            ),
            masters=self.masters,
        )

    def external_memory(self) -> Memory:
        """The workspace, which begins with the weights."""
        size = self.program.layout.size * BEAT
        return Memory(size, self.program.image.data.tobytes(), self.masters)

    def cycles(self) -> int:
        return self.program.clocks

    def features(self) -> Mapping[str, float]:
        program = self.program
        depths = len(program.step.data), len(program.bias.data)
        sizes = costs.sizes(program.plan, program.widths, program.turns, *depths)
        return costs.measures(program.plan, program.widths, sizes)

    def timing(self) -> Model:
        beats = (self.source.beats, self.sink.beats)
        pace = self.program.plan.rows // (BEAT * self.source.folds)
        return engine.model(beats, self.program.clocks, self.program.free, max(1, pace))
