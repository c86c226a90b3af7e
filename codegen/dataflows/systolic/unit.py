"""The systolic engine as a streaming unit: frames in, raw sums of its last layer out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import block_rams
from shiftloom.codegen.dataflows.engine import costs, roms
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.streaming.timing import engine
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.dataflows.systolic.compiled import Program
from shiftloom.codegen.dataflows.systolic.memory import BEAT
from shiftloom.codegen.dataflows.systolic.turns import LANE
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Memory, Stream
from shiftloom.codegen.plan import EnginePlan
from shiftloom.codegen.values import Array

BASE_PORTS = 2
"""Memory ports beside those of the weights."""
_QUEUE = 512
"""Beats that the queue of a memory port holds."""
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
        return BASE_PORTS + self.program.plan.weight_ports

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
            ("SPROGRAM", len(program.store.data)),
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
        depths = costs.Depths(
            len(program.prog.data), len(program.step.data), len(program.bias.data)
        )
        return measures(program.plan, program.widths, depths)

    def timing(self) -> Model:
        beats = (self.source.beats, self.sink.beats)
        return engine.model(beats, self.program.clocks, self.program.free)


def measures(plan: EnginePlan, widths: Arithmetic, depths: costs.Depths) -> Mapping[str, float]:
    """Size measures of an engine."""
    lanes, masters = Lanes(plan.rows, plan.columns), BASE_PORTS + plan.weight_ports
    word, results = plan.rows * LANE, plan.columns * LANE
    accumulators = 0 if plan.stationary == "output" else plan.pixels
    return {
        **costs.array(lanes, widths),
        **costs.memories(depths, plan.columns, widths),
        "array_bits": plan.rows * plan.columns * (widths.x_bits + widths.acc_bits),
        "weight_bits": 2 * plan.rows * plan.columns * widths.w_bits,
        "ports": masters,
        "buffer_rams": block_rams(word, 2 * plan.buffer),
        "sum_rams": _rams(plan.columns * widths.acc_bits, accumulators),
        "queue_rams": _rams(results, 2 * plan.pixels) + _rams(results, plan.pixels),
        "port_rams": masters * block_rams(BEAT * 8, _QUEUE),
    }


def _rams(width: int, depth: int) -> float:
    return block_rams(width, depth) if depth else 0
