"""The foldings of a matrix product: how many outputs and terms a clock, on which kind of PE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from shiftloom.codegen.config import LayerConfig
from shiftloom.codegen.dataflows.streaming.stages import Stage, divisors
from shiftloom.codegen.design import RomStyle
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.csd import digits_of
from shiftloom.codegen.pe import PES, ConstantMatrix
from shiftloom.codegen.plan import MacPlan, WindowKind
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import IntType
from shiftloom.codegen.windows import Window

MAX_BEAT_BITS = 4096
"""Widest stream between a window and its matrix unit."""
MAX_BURNT_IN = 4096
"""Signed digits in the weights of the largest layer considered for an adder network of its own."""
BLOCK_RAM_DEPTH = 9
"""Least words of a weight memory considered for block RAM; it may be in LUTs at any depth."""


def of(stage: Stage) -> tuple[tuple[int, MacPlan], ...]:
    """Clocks a frame and plan of every folding, the slowest first.

    Raises ShiftloomError where the configuration of the layer leaves none.
    """
    mac = stage.node.unit
    assert isinstance(mac, Mac)
    x = stage.head.inputs[0].tensor.type
    found = [(_clocks(stage, mac, plan, x.bits), plan) for plan in _plans(stage, mac, x)]
    if not found:
        raise ShiftloomError(stage.name, *_impossible(mac, stage.config, x.bits))
    return tuple(sorted(found, key=lambda row: -row[0]))


def pace(mac: Mac, plan: MacPlan, bits: int) -> int:
    """Clocks that the matrix unit of a plan takes a pixel, for activations of `bits` bits."""
    return outputs(mac) // plan.pe * (mac.lanes // plan.simd) * plan.digits(bits)


def _clocks(stage: Stage, mac: Mac, plan: MacPlan, bits: int) -> int:
    """Clocks a frame of the matrix unit, or of what takes the activations apart for it."""
    height, width, _ = stage.node.out.shape
    pixels = stage.head.inputs[0].tensor.shape[:2] if plan.digit else (1, 1)
    return max(height * width * pace(mac, plan, bits), prod(pixels) * plan.digits(bits))


def outputs(mac: Mac) -> int:
    """Output channels of a matrix product."""
    return int(mac.weights.data.shape[0])


def family(kind: str) -> str:
    """What the configuration calls a kind of PE: shift, dsp, xnor or constant."""
    return kind.rpartition("_")[2]


def is_depthwise(plan: MacPlan) -> bool:
    """Whether the PE works on channels one by one: each lane has an activation of its own."""
    return plan.kind.startswith("dw_")


def _plans(stage: Stage, mac: Mac, x: IntType) -> Iterator[MacPlan]:
    config = stage.config
    for kind in PES:
        if config.pe not in ("auto", family(kind.kind)):
            continue
        if kind is ConstantMatrix and config.pe == "auto" and not may_be_burnt_in(mac):
            continue
        for pe in divisors(outputs(mac)):
            for simd in divisors(mac.lanes):
                if config.folding not in (None, (pe, simd)):
                    continue
                if config.folding is None and simd * x.bits > MAX_BEAT_BITS:
                    continue
                if kind.supports(mac, pe, simd, x):
                    plan = MacPlan(stage.name, kind.kind, pe, simd)
                    yield from _variants(plan, mac, x.bits, config.digit)


def may_be_burnt_in(mac: Mac) -> bool:
    """Whether a layer has so few signed digits that an adder network of its own is considered."""
    return mac.groups == 1 and int(digits_of(mac.weights.data).sum()) <= MAX_BURNT_IN


def _variants(plan: MacPlan, mac: Mac, bits: int, wanted: int | None) -> Iterator[MacPlan]:
    """A folding with each window, weight memory and digit that it can have."""
    digits: tuple[int, ...] = (0,)
    memories: tuple[RomStyle, ...] = ("auto",)
    if plan.kind == ConstantMatrix.kind:
        allowed = (*ConstantMatrix.digits_of(mac, bits), 0)
        digits = allowed if wanted is None else (wanted % bits,) if _fits(mac, bits, wanted) else ()
    elif outputs(mac) // plan.pe * (mac.lanes // plan.simd) >= BLOCK_RAM_DEPTH:
        memories = ("distributed", "block")
    for window in windows(plan, mac):
        for memory in memories:
            for digit in digits:
                yield replace(plan, window=window, memory=memory, digit=digit)


def windows(plan: MacPlan, mac: Mac) -> tuple[WindowKind, ...]:
    """The windows that can feed a folding; which one stands in the plan of a 1×1 is no matter."""
    window = mac.window
    if mac.groups == 1 and window == Window((1, 1)):
        return ("parallel",)
    channels = int(mac.weights.data.shape[3])
    can_be_serial = is_depthwise(plan) or channels % plan.simd == 0
    can_be_parallel = mac.groups == 1 and not is_depthwise(plan) and window.dilation == (1, 1)
    found: list[WindowKind] = ["serial"] if can_be_serial else []
    return (*found, "parallel") if can_be_parallel else tuple(found)


def _fits(mac: Mac, bits: int, digit: int) -> bool:
    """Whether an adder network can take `digit` bits of each activation a clock."""
    return digit == bits or (digit < bits and bool(ConstantMatrix.digits_of(mac, bits)))


def _impossible(mac: Mac, config: LayerConfig, bits: int) -> tuple[str, str]:
    """Problem and hint for a layer that no PE can run as it is configured."""
    count, lanes = outputs(mac), mac.lanes
    if config.digit is not None and not _fits(mac, bits, config.digit):
        problem = f"digit {config.digit} does not fit activations of {bits} bits"
        fewer = " or fewer" if ConstantMatrix.digits_of(mac, bits) else ""
        return problem, f"use digit {bits}{fewer}"
    if config.folding is None:
        return f"no PE of kind {config.pe!r} can run it", "use pe: auto"
    pe, simd = config.folding
    if count % pe == 0 and lanes % simd == 0:
        problem = f"PE {config.pe} cannot fold the layer to PE={pe}, SIMD={simd}"
        return problem, f"use PE={count}, SIMD={lanes} or pe: shift"
    problem = f"folding PE={pe}, SIMD={simd} does not divide {count} outputs × {lanes} terms"
    return problem, (
        f"use PE of {', '.join(map(str, divisors(count)))} and "
        f"SIMD of {', '.join(map(str, divisors(lanes)))}"
    )
