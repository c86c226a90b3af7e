"""The plan: every choice the scheduler makes, explicit; the build is a function of it."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.boards import Board


@dataclass(frozen=True, slots=True)
class MacPlan:
    """Folding of a `Mac` node: `pe` outputs × `simd` terms a clock on PE kind `kind`."""

    node: str
    kind: str
    pe: int
    simd: int


@dataclass(frozen=True, slots=True)
class RequantPlan:
    """Hardware of a `Requantize` node: channels a clock, and how they are computed."""

    node: str
    method: str
    lanes: int
    use_dsp: bool


@dataclass(frozen=True, slots=True)
class FifoPlan:
    """Depth of the FIFO behind a node."""

    node: str
    depth: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A scheduled network: board, clock, the folding of each node, FIFO depths, predicted timing.

    `interval` and `latency` are clocks of the token simulation: between frames back to back, and
    from the first input beat to the last output beat of a single frame.
    """

    dataflow: str
    board: Board
    clock_mhz: float
    macs: tuple[MacPlan, ...]
    requants: tuple[RequantPlan, ...]
    fifos: tuple[FifoPlan, ...]
    interval: int
    latency: int

    def mac(self, node: str) -> MacPlan:
        """Folding of a node."""
        return next(plan for plan in self.macs if plan.node == node)

    def requant(self, node: str) -> RequantPlan:
        """Requantization hardware of a node."""
        return next(plan for plan in self.requants if plan.node == node)
