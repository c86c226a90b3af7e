"""A way to build an engine, with what it takes of time and of the memory's bandwidth."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.plan import EnginePlan


@dataclass(frozen=True, slots=True)
class Candidate:
    """Clocks a frame and bytes of external memory a frame of a plan."""

    plan: EnginePlan
    cycles: int
    traffic: int = 0
