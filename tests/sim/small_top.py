"""The small hand-written top of the simulation tests, and what makes mutants of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from shiftloom.rtl_sim.engine import Probe, SimTop

PLUS_TWO = Path(__file__).parent / "fixtures" / "plus_two.sv"
PROBES = tuple(Probe(name, 16) for name in ("first", "queue", "second"))
TOP = SimTop("plus_two", (PLUS_TWO,), 16, 12, 16, 12, PROBES)


class Mutant(Protocol):
    """Makes the small top with a text replaced in its source and other widths."""

    def __call__(self, old: str, new: str, in_width: int = 16, out_width: int = 16) -> SimTop:
        """Fail where `old` is not in the source."""
