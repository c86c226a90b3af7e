"""The dadiannao engine as a streaming unit: frames in, raw sums of its last layer out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.cost import block_rams, ram, rom_luts
from shiftloom.codegen.dataflows.dadiannao import cycles
from shiftloom.codegen.dataflows.dadiannao.compiled import Program
from shiftloom.codegen.dataflows.engine import costs, roms
from shiftloom.codegen.dataflows.engine.arithmetic import LEAST_FACTOR_BITS, Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.streaming.timing import engine
from shiftloom.codegen.dataflows.streaming.timing.model import Model
from shiftloom.codegen.dataflows.streaming.unit import OneToOne
from shiftloom.codegen.design import HlsArray, HlsCall, Instance, Rom, RomPort, RomStyle, Stream
from shiftloom.codegen.pe.shift import PRODUCT_BITS
from shiftloom.codegen.pe.shift_cost import Tree
from shiftloom.codegen.values import Array

_BLOCK_RAM_DEPTH = 33
"""Least words of a weight memory in block RAM."""


@dataclass(frozen=True, slots=True)
class DadianNao(OneToOne):
    """`sl_dadiannao`: R neurons of R products a clock, maps in a neuron buffer."""

    name: str
    node: str
    source: Stream
    sink: Stream
    program: Program
    design: str

    kind = "dadiannao"

    def _parameters(self) -> tuple[tuple[str, int], ...]:
        program, lanes = self.program, self.program.operations.lanes
        source = program.operations.map(program.operations.source.name)
        return (
            ("R", lanes.rows),
            ("LANE", program.widths.lane),
            *program.widths.parameters(),
            ("DEPTH", program.depth),
            ("PROGRAM", len(program.prog.data)),
            ("STEPS", len(program.step.data)),
            ("WEIGHTS", len(program.weights.data)),
            ("PARAMS", len(program.bias.data)),
            ("IN_E", self.source.elements),
            ("IN_BEATS", self.source.folds),
            ("IN_PIXELS", source.plane),
            ("IN_BASE", 0),
            ("IN_BLOCKS", -(-self.source.shape[2] // lanes.rows)),
        )

    def _weights(self) -> Rom:
        fields, bits = self.program.weights.data, self.program.widths.w_bits
        style: RomStyle = "block" if len(fields) >= _BLOCK_RAM_DEPTH else "distributed"
        return Rom(self._module("weights"), Array(fields.reshape(len(fields), -1)), bits, style)

    def _module(self, memory: str) -> str:
        return f"{self.design}_{self.name}_{memory}"

    def instance(self) -> Instance:
        program, module = self.program, f"{self.design}_{self.name}"
        return Instance(
            self.name,
            self.node,
            "sl_dadiannao",
            self._parameters(),
            (self.source.name,),
            (self.sink.name,),
            (
                roms.program(module, "prog", program.prog),
                roms.steps(module, program.step),
                RomPort("w", self._weights(), "w"),
                *roms.constants(module, program.bias, program.m, program.c, program.widths),
            ),
        )

    def call(self) -> HlsCall | None:
        program = self.program
        weights = program.weights.data.reshape(len(program.weights.data), -1).astype(np.int8)
        return HlsCall(
            "dadiannao",
            "sl_dadiannao.hpp",
            tuple(value for _, value in self._parameters()),
            (self.source.name,),
            (self.sink.name,),
            (
                HlsArray(f"{self.name}_prog", "uint32_t", program.prog),
                HlsArray(f"{self.name}_step", "uint16_t", program.step),
                HlsArray(f"{self.name}_weights", "int8_t", Array(weights)),
                *roms.hls_constants(self.name, program.bias, program.m, program.c, program.widths),
            ),
        )

    def cycles(self) -> int:
        return cycles.of_frame(self.program.operations, self.program.widths).total

    def features(self) -> Mapping[str, float]:
        program = self.program
        depths = costs.Depths(
            len(program.prog.data), len(program.step.data), len(program.bias.data)
        )
        sizes = Sizes(depths, len(program.weights.data), program.depth)
        return measures(program.operations.lanes, program.widths, sizes)

    def timing(self) -> Model:
        clocks = cycles.of_frame(self.program.operations, self.program.widths)
        beats = (self.source.beats, self.sink.beats)
        return engine.model(beats, clocks.total, clocks.free)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Depths of all memories: of the program, of the weights, and of the neuron buffer."""

    depths: costs.Depths
    weights: int
    buffer: int


def measures(lanes: Lanes, widths: Arithmetic, sizes: Sizes) -> Mapping[str, float]:
    """Size measures of an engine."""
    products, columns = lanes.rows * lanes.columns, lanes.columns
    bits = widths.x_bits + (PRODUCT_BITS if widths.shift_w else widths.w_bits)
    tree, has_sum = Tree.of(lanes.rows, bits), widths.f_bits > LEAST_FACTOR_BITS
    pair_bits = max(widths.f_bits + widths.lane + 2, widths.k_bits) if has_sum else 0
    constants = costs.memories(sizes.depths, columns, widths)
    weight_bits = products * widths.w_bits
    in_block = sizes.weights >= _BLOCK_RAM_DEPTH
    buffer = ram(lanes.rows * widths.lane, sizes.buffer)
    rams = block_rams(weight_bits, sizes.weights) if in_block else 0
    return {
        "one": 1,
        "lane_bits": lanes.rows * widths.x_bits,
        "array_luts": columns * tree.adders + (products * bits if widths.shift_w else 0),
        "tree_bits": columns * tree.registers,
        "scaled_bits": columns * (widths.acc_bits + widths.m_bits),
        "pair_bits": columns * pair_bits,
        "constant_luts": constants["constant_luts"],
        "weight_luts": 0 if in_block else weight_bits * rom_luts(sizes.weights),
        **buffer,
        "block_rams": buffer["block_rams"] + rams + constants["constant_rams"],
        "dsp": columns * (3 if has_sum else 1) + (0 if widths.shift_w else products),
    }
