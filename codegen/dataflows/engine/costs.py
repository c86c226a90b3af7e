"""Size measures that both engines share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shiftloom.codegen.cost import LUT_DEPTH, block_rams, rom_luts
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.program import WORD_BITS
from shiftloom.codegen.dataflows.engine.roms import STEP_BITS

INSTRUCTION_BITS = 32 * WORD_BITS
STEP_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Plain:
    """Measures of a unit that is not made."""

    kind: str
    measures: Mapping[str, float]

    def features(self) -> Mapping[str, float]:
        """The measures."""
        return self.measures


@dataclass(frozen=True, slots=True)
class Depths:
    """Words of the memories of an engine: instructions, steps, constants of a tile of outputs."""

    program: int
    steps: int
    params: int


def memories(depths: Depths, columns: int, widths: Arithmetic) -> Mapping[str, float]:
    """Memories of the program, the steps and the constants."""
    sizes = (
        (INSTRUCTION_BITS, depths.program),
        (STEP_FIELDS * STEP_BITS, depths.steps),
        (columns * widths.acc_bits, depths.params),
        (columns * (widths.c_bits + widths.m_bits), depths.params),
    )
    in_luts = [size for size in sizes if size[1] <= LUT_DEPTH]
    deep = [size for size in sizes if size[1] > LUT_DEPTH]
    return {
        "constant_luts": sum(width * rom_luts(depth) for width, depth in in_luts),
        "constant_rams": sum(block_rams(width, depth) for width, depth in deep),
    }
