"""The serial line of a board: its rate, and what the shell needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.errors import ShiftloomError

RATES = (1_000_000, 500_000, 230_400, 115_200)
"""Rates in baud that bridge chips and hosts have, the best first."""
MOST_ERROR = 0.01
"""Of the length of a bit; sender and receiver stay together up to some 4 %."""
SILENCE = 0.02
"""Seconds without a byte that end a command; longer than a host pauses within one."""


@dataclass(frozen=True, slots=True)
class SerialLine:
    """`clocks` a bit, at `baud` bits a second; `gap` clocks are a silence."""

    baud: int
    clocks: int
    gap: int


def serial_line(node: str, clock_mhz: float) -> SerialLine:
    """The fastest line of a clock; raises ShiftloomError where it is too slow for any."""
    hertz = clock_mhz * 1e6
    for baud in RATES:
        clocks = round(hertz / baud)
        if clocks >= 4 and abs(clocks * baud / hertz - 1) <= MOST_ERROR:
            return SerialLine(baud, clocks, round(hertz * SILENCE))
    least = 4 * RATES[-1] / 1e6
    problem = f"a clock of {clock_mhz:g} MHz makes no rate of a serial line within 1 %"
    raise ShiftloomError(node, problem, f"use another, or one far above {least:.2g} MHz")
