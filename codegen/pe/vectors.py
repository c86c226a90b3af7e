"""What the PEs of short vectors share: QSQ weights β·α whose α stays a factor in hardware."""

from __future__ import annotations

from math import gcd

import numpy as np

from shiftloom.codegen.cost import block_rams, changing_bits, distinct_tables, rom_luts
from shiftloom.codegen.design import Rom, RomStyle
from shiftloom.codegen.formats.qsq import Axis, Qsq
from shiftloom.codegen.pe import memories
from shiftloom.codegen.pe.folding import Folding
from shiftloom.codegen.plan import Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import ROW_CODE_BITS
from shiftloom.codegen.values import Array, IntArray


def has_axis(mac: Mac, *axes: Axis) -> bool:
    """Whether quality cuts the α of a layer, and its vectors run along one of these axes."""
    made = mac.codes.format
    return mac.scalable == "alpha" and isinstance(made, Qsq) and made.axis in axes


def run_length(mac: Mac) -> int:
    """The most weights that every vector of the layer's axis is a whole number of.

    That is N where N divides the axis. Else the last vector is shorter, and runs of this length
    share no two α.
    """
    made, shape = mac.codes.format, mac.weights.data.shape
    assert isinstance(made, Qsq)
    length = {"output": mac.lanes, "filter": shape[0], "channel": shape[3]}[made.axis]
    return gcd(made.vector or length, length)


def code_beats(folding: Folding) -> IntArray:
    """Three-bit codes of β, [NF·SF, PE, SIMD] in the order of the beats."""
    codes = Qsq(phi=4).encode(folding.mac.codes.values.data)
    return folding.beats(codes.astype(np.int64))


def alpha_beats(folding: Folding, mantissa: IntArray) -> IntArray:
    """The α of every weight, of one α a vector, [NF·SF, PE, SIMD] in the order of the beats."""
    mac = folding.mac
    return folding.beats(mac.codes.format.spread(mantissa, mac.weights.data.shape))


def memory(module: str, fields: IntArray, bits: int, style: RomStyle) -> Rom:
    """A memory of words [depth, …] of `bits` bits a field; `auto` puts large ones in block RAM."""
    words = fields.reshape(len(fields), -1)
    depth, lanes = words.shape
    return Rom(module, Array(words), bits, memories.style(style, depth, lanes * bits))


def small(wanted: RomStyle) -> RomStyle:
    """How the memories beside that of β are kept: by their size, unless all go into LUTs."""
    return "distributed" if wanted == "distributed" else "auto"


def memory_features(name: str, rom: Rom) -> dict[str, float]:
    """Measures of a memory in LUTs: bits that differ, and the LUTs of all."""
    if rom.style == "block":
        return {f"{name}_bits": 0, f"{name}_luts": 0}
    bits = distinct_tables(rom.width, rom.depth)
    return {f"{name}_bits": bits, f"{name}_luts": bits * rom_luts(rom.depth)}


def rams(*roms: Rom) -> float:
    """Block RAMs of the memories that are there; bits that never change are in none."""
    large = [rom for rom in roms if rom.style == "block"]
    return sum(block_rams(changing_bits(rom.fields.data, rom.bits), rom.depth) for rom in large)


def gate_features(gate: Gate, multipliers: int, rows: int, bits: int) -> dict[str, float]:
    """Measures of `multipliers` units `sl_csd_multiply` of factors of `bits` bits, with their K."""
    factors = bits + ROW_CODE_BITS * rows
    return {
        "keep_luts": multipliers * rows * rows,
        "row_bits": multipliers * rows * bits,
        "row_adder_bits": multipliers * bits * (rows - 1),
        "operand_bits": multipliers * factors,
        "zero_luts": multipliers * factors / 6 if gate != "none" else 0,
        "own_registers": multipliers * bits * {"row": rows, "digit": 2 * rows}.get(gate, 0),
    }
