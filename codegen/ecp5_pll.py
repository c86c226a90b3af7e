"""The dividers of an ECP5's clock synthesizer, EHXPLLL, for a clock of any rate.

The reference is divided by `reference` and compared with the output divided by `feedback`; the
oscillator inside runs `output` times as fast as the output.
"""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError

INPUT_MHZ = 8.0, 400.0
COMPARED_MHZ = 3.125, 400.0
INSIDE_MHZ = 400.0, 800.0
OUTPUT_MHZ = 3.125, 400.0
DIVIDERS = 128
"""The largest of each."""
MOST_ERROR = 0.005
"""Of the rate that is asked for."""


@dataclass(frozen=True, slots=True)
class Pll:
    """Dividers, and the clock rate that they make."""

    reference: int
    feedback: int
    output: int
    mhz: float

    @property
    def phase(self) -> int:
        """CLKOP_CPHASE of an output in phase with the reference."""
        return self.output - 1


def synthesize(node: str, oscillator_mhz: float, wanted_mhz: float) -> Pll:
    """The dividers whose clock is nearest to the wanted one; of equal ones the smallest.

    Raises ShiftloomError where none is within `MOST_ERROR` of it.
    """
    if not INPUT_MHZ[0] <= oscillator_mhz <= INPUT_MHZ[1]:
        low, high = INPUT_MHZ
        hint = f"use one of {low:g} to {high:g} MHz"
        raise ShiftloomError(node, f"an oscillator of {oscillator_mhz:g} MHz", hint)
    found = [
        Pll(reference, feedback, output, mhz)
        for reference in range(1, DIVIDERS + 1)
        if COMPARED_MHZ[0] <= oscillator_mhz / reference
        for feedback in range(1, DIVIDERS + 1)
        if _within(mhz := oscillator_mhz * feedback / reference, OUTPUT_MHZ)
        and (output := _output(mhz)) is not None
    ]
    nearest = min(found, key=lambda pll: (abs(pll.mhz - wanted_mhz), pll.reference))
    if abs(nearest.mhz / wanted_mhz - 1) > MOST_ERROR:
        problem = f"no clock of {wanted_mhz:g} MHz comes from {oscillator_mhz:g} MHz"
        hint = f"ask for {nearest.mhz:.6g} MHz, or another of {OUTPUT_MHZ[0]:g} to"
        raise ShiftloomError(node, problem, f"{hint} {OUTPUT_MHZ[1]:g} MHz")
    return nearest


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _output(mhz: float) -> int | None:
    """The divider that puts the oscillator nearest to the middle of what it can do."""
    middle = sum(INSIDE_MHZ) / 2
    divider = min(DIVIDERS, max(1, round(middle / mhz)))
    return divider if _within(mhz * divider, INSIDE_MHZ) else None
