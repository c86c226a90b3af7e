"""The clock manager of the 7 series, MMCME2: factors that make a clock from an oscillator."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError

VCO_MHZ = (600.0, 1200.0)
"""Of the slowest speed grade (DS181)."""
MULTIPLY = (2, 64)
DIVIDE = (2, 128)
"""Factors, in steps of an eighth (UG472)."""
MOST_ERROR = 0.01
"""What a serial line allows for."""


@dataclass(frozen=True, slots=True)
class Mmcm:
    """`multiply` and `divide` give a clock of `mhz`."""

    multiply: float
    divide: float
    mhz: float


def synthesize(node: str, oscillator_mhz: float, clock_mhz: float) -> Mmcm:
    """The nearest clock that is not above `clock_mhz`; raises ShiftloomError where none is near."""
    found: list[Mmcm] = []
    for eighths in range(8 * MULTIPLY[0], 8 * MULTIPLY[1] + 1):
        vco = oscillator_mhz * eighths / 8
        divide = math.ceil(8 * vco / clock_mhz - 1e-9)
        if VCO_MHZ[0] <= vco <= VCO_MHZ[1] and 8 * DIVIDE[0] <= divide <= 8 * DIVIDE[1]:
            found.append(Mmcm(eighths / 8, divide / 8, 8 * vco / divide))
    best = max(found, key=lambda each: (round(each.mhz, 9), each.multiply), default=None)
    if best is None or best.mhz < clock_mhz * (1 - MOST_ERROR):
        problem = f"no clock of {clock_mhz:g} MHz from an oscillator of {oscillator_mhz:g} MHz"
        low, high = VCO_MHZ[0] / DIVIDE[1], VCO_MHZ[1] / DIVIDE[0]
        raise ShiftloomError(node, problem, f"use one of {low:.3g} to {high:g} MHz")
    return best
