"""Size measures that both engines share."""

from __future__ import annotations

from collections.abc import Mapping

from shiftloom.codegen.cost import block_rams, rom_luts
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.program import WORD_BITS
from shiftloom.codegen.dataflows.engine.roms import STEP_BITS
from shiftloom.codegen.pe.shift import PRODUCT_BITS
from shiftloom.codegen.values import Array

LUT_DEPTH = 64
"""Words up to which a program or constant lies in LUTs."""


def array(lanes: Lanes, widths: Arithmetic) -> Mapping[str, float]:
    """Products, their sums, and the post-processing of all outputs."""
    products = lanes.rows * lanes.columns
    bits = widths.x_bits + PRODUCT_BITS if widths.shift_w else widths.x_bits + widths.w_bits
    shift_bits = products * bits if widths.shift_w else 0
    return {
        "one": 1,
        "lane_bits": lanes.rows * widths.x_bits,
        "shift_bits": shift_bits,
        "multipliers": 0 if widths.shift_w else products,
        "adder_bits": products * (bits + 2),
        "sum_bits": lanes.columns * widths.acc_bits,
        "post_lanes": lanes.columns,
        "residual_lanes": lanes.columns if widths.f_bits > 1 else 0,
    }


def memories(prog: Array, step: Array, bias: Array, widths: Arithmetic) -> Mapping[str, float]:
    """Memories of the program, the steps and the constants of a tile of outputs."""
    columns = bias.data.shape[1]
    sizes = (
        (prog.data.shape[1] * WORD_BITS, len(prog.data)),
        (step.data.shape[1] * STEP_BITS, len(step.data)),
        (columns * widths.acc_bits, len(bias.data)),
        (columns * (widths.c_bits + widths.m_bits), len(bias.data)),
    )
    in_luts = [size for size in sizes if size[1] <= LUT_DEPTH]
    deep = [size for size in sizes if size[1] > LUT_DEPTH]
    return {
        "constant_luts": sum(width * rom_luts(depth) for width, depth in in_luts),
        "constant_rams": sum(block_rams(width, depth) for width, depth in deep),
    }
