"""The memories of an engine's program and constants, for RTL and for HLS C++."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.cost import LUT_DEPTH
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic, scale_words
from shiftloom.codegen.dataflows.engine.program import WORD_BITS
from shiftloom.codegen.design import HlsArray, Rom, RomPort, RomStyle
from shiftloom.codegen.values import Array

STEP_BITS = 16
"""Bits of a field of a step entry."""


def program(module: str, prefix: str, rows: Array) -> RomPort:
    """A program memory on the ports `<prefix>_*`."""
    return RomPort(prefix, Rom(f"{module}_{prefix}", rows, WORD_BITS), prefix)


def steps(module: str, rows: Array) -> RomPort:
    """The step memory."""
    return RomPort("step", Rom(f"{module}_step", rows, STEP_BITS), "step")


def constants(
    module: str, bias: Array, m: Array, c: Array, widths: Arithmetic
) -> tuple[RomPort, RomPort]:
    """The memories of initial sums and of requantizations, a row for a tile of outputs.

    Deep ones lie in block RAM: their bits have no pattern, LUTs would hold few words each.
    """
    scale = Array(scale_words(m.data, c.data, widths))
    style: RomStyle = "block" if len(bias.data) > LUT_DEPTH else "auto"
    return (
        RomPort("bias", Rom(f"{module}_bias", bias, widths.acc_bits, style), "bias"),
        RomPort("scale", Rom(f"{module}_scale", scale, 1, style), "scale"),
    )


def hls_constants(
    name: str, bias: Array, m: Array, c: Array, widths: Arithmetic
) -> tuple[HlsArray, HlsArray]:
    """The same as arrays of integers; a scale is C · 2^M_BITS + M."""
    scale = (c.data.astype(np.int64) << widths.m_bits) + m.data
    return (
        HlsArray(f"{name}_bias", "int64_t", bias),
        HlsArray(f"{name}_scale", "int64_t", Array(scale)),
    )
