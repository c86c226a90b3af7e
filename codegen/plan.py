"""The plan: every choice the scheduler makes, explicit; the build is a function of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from shiftloom.codegen.boards import Board
from shiftloom.codegen.design import RomStyle

WindowKind = Literal["parallel", "serial", "transposed"]
"""How operands meet. `parallel`: any slice of a window a clock; `serial`: part of one pixel, from a
row memory; `transposed`: no window, a pixel meets all taps, and the sums of outputs move on."""

Gate = Literal["none", "product", "row", "digit"]
"""Which registers of a signed-digit multiplier hold where an operand, a row or a digit is zero."""
GATES = get_args(Gate)
ClockGate = Literal["enable", "bufgce", "asic"]
"""What stops the clock of multipliers: enables of registers, a BUFGCE, or a latch and an AND."""
CLOCK_GATES = get_args(ClockGate)


@dataclass(frozen=True, slots=True)
class MacPlan:
    """Folding of a `Mac` node: `pe` outputs × `simd` terms a clock on PE kind `kind`.

    A depthwise PE of L lanes has pe = L, simd = 1. A `transposed` one has `pe` channels × `simd`
    channels × all taps of the kernel a clock. `memory` holds the weights; `window` makes the
    operands of a kernel larger than 1×1. `digit` bits of every activation come a beat, 0 for all.
    `gate` and `clock_gate` are of signed-digit PEs only.
    """

    node: str
    kind: str
    pe: int
    simd: int
    window: WindowKind = "parallel"
    memory: RomStyle = "auto"
    digit: int = 0
    gate: Gate = "none"
    clock_gate: ClockGate = "enable"

    def digits(self, bits: int) -> int:
        """Beats in which an activation of `bits` bits comes."""
        return -(-bits // self.digit) if self.digit else 1


@dataclass(frozen=True, slots=True)
class RequantPlan:
    """Hardware of a `Requantize` node: channels a clock, and how they are computed."""

    node: str
    method: str
    lanes: int
    use_dsp: bool


@dataclass(frozen=True, slots=True)
class LanePlan:
    """Elements a clock of a node that is neither `Mac` nor `Requantize`: pooling, sum, table, …"""

    node: str
    lanes: int


@dataclass(frozen=True, slots=True)
class FifoPlan:
    """Depth of a FIFO, by the name of its unit."""

    fifo: str
    depth: int


@dataclass(frozen=True, slots=True)
class OpPlan:
    """How an engine runs one operation, by the name of the value it makes.

    Its output comes in tiles of `rows` × `columns` pixels; `is_split` runs all of them for one tile
    of outputs after the other, else all outputs of one tile of pixels come one after the other.
    `loops` is the order of the loops over the kernel, the outermost first.
    """

    name: str
    rows: int
    columns: int
    loops: tuple[str, ...]
    is_split: bool = False


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """An engine that runs `nodes` on an array of `rows` inputs × `columns` outputs.

    `sums` names the `Mac` whose sums leave it. Of `systolic` only: what is `stationary` in the
    array, the memory ports for weights, the depth of the accumulators (`pixels`) and of a tile
    buffer in words, and the clocks a frame where the memory's bandwidth makes it slower.
    """

    kind: str
    nodes: tuple[str, ...]
    sums: str
    rows: int
    columns: int
    ops: tuple[OpPlan, ...]
    stationary: Literal["weight", "output"] = "weight"
    weight_ports: int = 0
    pixels: int = 0
    buffer: int = 0
    memory_clocks: int = 0


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
    lanes: tuple[LanePlan, ...]
    fifos: tuple[FifoPlan, ...]
    interval: int
    latency: int
    engines: tuple[EnginePlan, ...] = ()

    def mac(self, node: str) -> MacPlan:
        """Folding of a node."""
        return next(plan for plan in self.macs if plan.node == node)

    def requant(self, node: str) -> RequantPlan:
        """Requantization hardware of a node."""
        return next(plan for plan in self.requants if plan.node == node)
