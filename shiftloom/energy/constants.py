"""Energy of single events, as parameters with their sources; docs/energy.md says what they are for.

Each is a figure of another chip and process than the reader's: a proxy, good for ratios.
"""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.energy import PICOJOULE_PER_WORD


@dataclass(frozen=True, slots=True)
class Constant:
    """Picojoule of an event, and where the figure is from."""

    name: str
    picojoule: float
    source: str


_HOROWITZ = "M. Horowitz, Computing's energy problem, ISSCC 2014: 45 nm, 0.9 V"
_HAN = "S. Han et al., Learning both weights and connections, NIPS 2015, table 1: 45 nm"

ADD_8 = Constant("addition of 8 bits", 0.03, _HOROWITZ)
MULTIPLY_8 = Constant("multiplication of 8 by 8 bits", 0.2, _HOROWITZ)
SRAM_WORD = Constant("32 bits out of a memory on the chip", 5.0, _HAN)
DRAM_WORD = Constant("32 bits out of DRAM", 640.0, _HAN)
PAPER_WORD = Constant(
    "32 bits out of DRAM, the paper's", PICOJOULE_PER_WORD, "Khaliq & Hafiz, section V, reference 8"
)
FPGA_OVER_ASIC = 14
"""Dynamic power of LUTs against standard cells: I. Kuon, J. Rose, IEEE TCAD 26 (2007) 2, 203."""
TOGGLES_OF_PRODUCT = 116
"""Toggles with glitches of Yosys' 8 × 8 multiplier in LUTs, on random operands."""
TOGGLE = Constant(
    "one net of an FPGA that toggles",
    round(MULTIPLY_8.picojoule * FPGA_OVER_ASIC / TOGGLES_OF_PRODUCT, 3),
    "the 8-bit multiplication above, times Kuon & Rose's 14, over its toggles in LUTs",
)
CONSTANTS = (ADD_8, MULTIPLY_8, SRAM_WORD, DRAM_WORD, PAPER_WORD, TOGGLE)


def nanojoule(events: float, picojoule: float) -> float:
    """Energy of so many events."""
    return events * picojoule / 1000
