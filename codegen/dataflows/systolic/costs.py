"""Size measures of the systolic engine, counted as synthesis builds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from shiftloom.codegen.cost import LUT_DEPTH, block_rams, mux_luts, ram, rom_luts
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.program import WORD_BITS, Instruction
from shiftloom.codegen.dataflows.streaming.requantize_cost import dsp_blocks
from shiftloom.codegen.dataflows.systolic.memory import BEAT
from shiftloom.codegen.dataflows.systolic.turns import LANE, Turn
from shiftloom.codegen.pe.shift import PRODUCT_BITS
from shiftloom.codegen.pe.shift_cost import SRL_LENGTH
from shiftloom.codegen.plan import EnginePlan

BASE_PORTS = 2
"""Memory ports beside those of the weights."""
_BEAT_BITS = BEAT * 8
_QUEUE = 512
"""Beats that the queue of a memory port holds."""
_EMITTED = 32
"""Beats of sums that wait to leave."""
_SRL_DEPTH = 32
"""Longest shift register of a LUT."""
_STEP_BITS = 8
"""Bits of a step beside its place in the tile buffer."""
_TAG_BITS = 4
"""Bits beside an activation and its sum that stays."""
_MERGED_BITS = 3
"""Bits of a product of codes that are made in the LUTs of the adder behind it."""
_WORDS_A_LUT = 42
"""Words of a column of a deep program that Yosys spends a LUT on."""
_BITS_A_RAM = 258 * 64
"""Bits a block RAM of 36 kbit beyond which Yosys takes it for a constant memory."""


@dataclass(frozen=True, slots=True)
class Rom:
    """A constant memory in LUTs, with registers for the word read, or in block RAM."""

    luts: float = 0
    registers: int = 0
    rams: float = 0

    @staticmethod
    def program(program: Sequence[Instruction | None]) -> Rom:
        """The memory of a program, whose turns without an instruction are None."""
        rows = np.array([astuple(each) for each in program if each is not None], np.int64)
        if not len(rows):
            return Rom()
        bits = (rows[:, :, None] >> np.arange(WORD_BITS) & 1).reshape(len(rows), -1)
        changing = bits[:, (bits != bits[0]).any(axis=0)]
        return Rom.auto(np.unique(changing, axis=1).shape[1], len(rows))

    @staticmethod
    def auto(columns: int, depth: int) -> Rom:
        """Columns that change and differ from each other, where Yosys finds it best."""
        rams = block_rams(columns, depth) if columns else 0
        if columns * depth > rams * _BITS_A_RAM:
            return Rom(rams=rams)
        luts = max(rom_luts(min(depth, LUT_DEPTH)), depth / _WORDS_A_LUT)
        return Rom(columns * luts, columns)

    @staticmethod
    def constants(columns: int, depth: int) -> Rom:
        """Biases or scales, as `roms.constants` places them."""
        if depth > LUT_DEPTH:
            return Rom(rams=block_rams(columns, depth))
        return Rom(columns * rom_luts(depth), columns)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells that are counted."""

    luts: int
    registers: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """The constant memories of an engine, and the parts that its program uses."""

    roms: tuple[Rom, ...]
    has_residual: bool
    has_pool: bool


LEAST = Sizes((), False, False)
"""Those of no program."""


def sizes(
    plan: EnginePlan, widths: Arithmetic, turns: Sequence[Turn], steps: int, params: int
) -> Sizes:
    """Of a program of so many steps and rows of constants."""
    programs: tuple[Sequence[Instruction | None], ...] = (
        [turn.compute for turn in turns],
        [turn.load for turn in turns],
        [turn.weights for turn in turns],
        [turn.residual for turn in turns],
        [turn.store for turn in turns],
    )
    places = (plan.buffer - 1).bit_length()
    roms = (
        *map(Rom.program, programs),
        Rom.auto(places + _STEP_BITS, steps),
        Rom.constants(plan.columns * widths.acc_bits, params),
        Rom.constants(plan.columns * (widths.c_bits + widths.m_bits), params),
    )
    return Sizes(
        roms,
        any(turn.residual is not None for turn in turns),
        any(turn.compute.has("pool") for turn in turns),
    )


def measures(plan: EnginePlan, widths: Arithmetic, sizes: Sizes) -> Mapping[str, float]:
    """Size measures of an engine; the cells of the array, of words and of memories are counted."""
    array = _weight_cells if plan.stationary == "weight" else _output_cells
    cells, words = array(plan, widths), _word_cells(plan, widths, sizes)
    memories = _memories(plan, widths, sizes)
    held, held_luts = _unpack(plan, widths)
    constants = sum(rom.luts for rom in sizes.roms)
    sums, registers = plan.columns * widths.acc_bits, sum(rom.registers for rom in sizes.roms)
    return {
        "one": 1,
        "readers": _readers(plan, sizes),
        "scaled_bits": plan.columns * (widths.acc_bits + widths.m_bits),
        "pair_bits": plan.columns * _pair(widths) if sizes.has_residual else 0,
        "held_luts": held_luts,
        "counted_luts": cells.luts + sums + words.luts + memories["ram_luts"] + constants,
        "counted_registers": cells.registers + sums + words.registers + held + registers,
        "block_rams": memories["block_rams"],
        "dsp": _dsp(plan, widths, sizes),
    }


def _readers(plan: EnginePlan, sizes: Sizes) -> int:
    """Ports that read: of tiles, of weights, of residuals."""
    return 1 + plan.weight_ports + sizes.has_residual


def _pair(widths: Arithmetic) -> int:
    return max(widths.f_bits + LANE + 2, widths.k_bits)


def _dsp(plan: EnginePlan, widths: Arithmetic, sizes: Sizes) -> int:
    """Multipliers of a column, two more for residuals, and one a product without codes."""
    products = 0 if widths.shift_w else plan.rows * plan.columns
    scale, pair = dsp_blocks(widths.acc_bits, widths.m_bits), 2 * sizes.has_residual
    return plan.columns * (scale + pair) + products


def _product(widths: Arithmetic) -> int:
    return widths.x_bits + (PRODUCT_BITS if widths.shift_w else widths.w_bits)


def _weight_cells(plan: EnginePlan, widths: Arithmetic) -> Cells:
    """Partial sums that grow row by row; DSP blocks hold those of multipliers and their weights."""
    rows, columns, bits = plan.rows, plan.columns, _product(widths)
    sums = columns * sum(bits + row.bit_length() for row in range(rows))
    products = rows * columns
    skews = (
        _skew(columns, widths.w_bits)
        + _skew(rows, widths.x_bits)
        + _skew(columns, bits + (rows - 1).bit_length())
    )
    if not widths.shift_w:
        return Cells(skews, products * (widths.x_bits + widths.w_bits + 1))
    registers = products * (widths.x_bits + 2 * widths.w_bits + 1) + sums
    return Cells(skews + products * (bits - _MERGED_BITS) + sums - columns * bits, registers)


def _output_cells(plan: EnginePlan, widths: Arithmetic) -> Cells:
    """A chain takes the sums out, which DSP blocks hold of multipliers; words go lane by lane."""
    products, acc = plan.rows * plan.columns, widths.acc_bits
    words = plan.rows * plan.rows * widths.x_bits
    skews = _skew(plan.columns, widths.w_bits) + _skew(plan.columns, acc)
    registers = products * (widths.x_bits + widths.w_bits + _TAG_BITS + acc) + words
    if not widths.shift_w:
        return Cells(skews + words + products * acc, registers)
    return Cells(
        skews + words + products * (_product(widths) - _MERGED_BITS + 2 * acc),
        registers + products * acc,
    )


def _word_cells(plan: EnginePlan, widths: Arithmetic, sizes: Sizes) -> Cells:
    """Operands with padding, input words, parts of words of several beats, the pool's maximum."""
    word, is_wide = plan.rows * LANE, plan.rows * LANE > _BEAT_BITS
    registers = word * (1 + is_wide * (3 + sizes.has_residual) + sizes.has_pool)
    luts = word * (1 + 2 * is_wide + 2 * sizes.has_pool)
    operands = plan.rows * widths.x_bits
    return Cells(luts + operands, registers + operands)


def _skew(fields: int, bits: int) -> int:
    """LUTs of shift registers of `sl_triangle`."""
    return bits * sum(-(-clocks // _SRL_DEPTH) for clocks in range(SRL_LENGTH, fields))


def _unpack(plan: EnginePlan, widths: Arithmetic) -> tuple[int, int]:
    """Bits that `sl_weight_unpack` holds, and LUTs that put a beat behind what is left of them."""
    beat, row = plan.weight_ports * _BEAT_BITS, plan.columns * widths.w_bits
    spare = -plan.rows * row % beat
    grains, held = beat | row | spare, beat + row + spare
    return held, held * (1 + mux_luts(beat // (grains & -grains)))


def _memories(plan: EnginePlan, widths: Arithmetic, sizes: Sizes) -> Mapping[str, float]:
    """Queues, tiles and accumulators, in block RAM or in LUTs."""
    word, queues = plan.rows * LANE, plan.columns // plan.rows
    sums = plan.columns * widths.acc_bits
    is_output = plan.stationary == "output"
    made = [
        *([ram(_BEAT_BITS, _QUEUE)] * _readers(plan, sizes)),
        *([ram(word, 2 * plan.pixels)] * queues),
        *([ram(word, plan.pixels)] * (queues if sizes.has_residual else 0)),
        *([] if is_output else [ram(sums, plan.pixels)]),
        ram(word, 2 * plan.buffer),
        ram(sums, _EMITTED),
        ram(plan.columns * widths.w_bits, 2 * plan.rows),
        {"block_rams": sum(rom.rams for rom in sizes.roms)},
    ]
    luts = sum(each.get("ram_luts", 0) + each.get("ram_mux", 0) for each in made)
    return {"ram_luts": luts, "block_rams": sum(each["block_rams"] for each in made)}
