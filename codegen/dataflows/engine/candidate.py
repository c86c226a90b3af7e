"""A way to build an engine, with what it takes of time, of the memory's bandwidth and the board."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.plan import EnginePlan

RESOURCES = ("lut", "ff", "dsp", "bram36")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Clocks and bytes of external memory a frame of a plan, and its predicted resources."""

    plan: EnginePlan
    cycles: int
    resources: Resources
    traffic: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part to find an engine for, the settings, and what it may take of the board."""

    part: Found
    config: Config
    board: Board
    limits: Resources

    @property
    def clock_mhz(self) -> float:
        """The assumed clock."""
        return self.config.target.clock_mhz or self.board.clock_mhz

    @property
    def allowed(self) -> float | None:
        """Clocks a frame that the rate to reach allows, if there is one."""
        fps = self.config.target.fps
        return None if fps is None else self.clock_mhz * 1e6 / fps

    def over(self, used: Resources) -> str | None:
        """The first resource of which more is used than it may take, with both numbers."""
        for name in RESOURCES:
            amount, limit = getattr(used, name), getattr(self.limits, name)
            if amount > limit:
                return f"{amount:.0f} {name} or more, the limit is {limit:.0f}"
        return None

    def fits(self, candidate: Candidate) -> bool:
        """Whether a candidate takes no more than it may."""
        return self.over(candidate.resources) is None
