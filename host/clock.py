"""The clock of the programmable logic: that of the plan, or the next one below that a board makes.

A design is right at the clock that it was planned for, and below it. pynq sets the divider that is
nearest to a rate, which may be above it.
"""

from __future__ import annotations

import warnings
from typing import Protocol

from shiftloom.host.errors import HardwareError

TOLERANCE = 0.001
"""Of the rate: what oscillators differ by is no faster clock."""
_STEP = 0.98
_TRIES = 80


class Clocks(Protocol):
    """`pynq.Clocks`, as far as the one clock of a design goes."""

    fclk0_mhz: float


def settle(clocks: Clocks, planned: float) -> float:
    """Set the clock for a plan of so many MHz; the rate that it has now, in MHz.

    Raises HardwareError where the board makes no rate from a fifth of that on.
    """
    asked = planned
    for _ in range(_TRIES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is another one than was asked for
            clocks.fclk0_mhz = asked
        found = float(clocks.fclk0_mhz)
        if found <= planned * (1 + TOLERANCE):
            return found
        asked *= _STEP
    hint = f"build for a target.clock_mhz of {found:g} or more"
    raise HardwareError(f"the clock stays at {found:g} MHz, the plan is for {planned:g}; {hint}")
