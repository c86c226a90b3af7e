"""The foldings of a matrix product: how many outputs and terms a clock, on which kind of PE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod

from shiftloom.codegen.dataflows.pipeline import transposed
from shiftloom.codegen.dataflows.streaming.composers import is_dot
from shiftloom.codegen.dataflows.streaming.stages import Stage, divisors
from shiftloom.codegen.dataflows.streaming.timing.taps import TapsGeometry
from shiftloom.codegen.design import RomStyle
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.pe import PES, ConstantMatrix
from shiftloom.codegen.pe.families import SCALABLE, family, serves
from shiftloom.codegen.plan import MacPlan, WindowKind
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.signed_digits import digits_of
from shiftloom.codegen.values import IntType
from shiftloom.codegen.windows import Window

MAX_BEAT_BITS = 4096
"""Widest stream between a window, or a chain of taps, and its matrix unit."""
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
        raise ShiftloomError(stage.name, *_impossible(stage, mac, x))
    return tuple(sorted(found, key=lambda row: -row[0]))


def pace(mac: Mac, plan: MacPlan, bits: int) -> int:
    """Clocks that the matrix unit of a plan takes a pixel, for activations of `bits` bits.

    An output pixel, or an input pixel in transposed form.
    """
    terms = transposed.terms(mac) if plan.window == "transposed" else mac.lanes
    return outputs(mac) // plan.pe * (terms // plan.simd) * plan.digits(bits)


def _clocks(stage: Stage, mac: Mac, plan: MacPlan, bits: int) -> int:
    """Clocks a frame of the matrix unit, or of what reads or takes apart the activations for it."""
    height, width, _ = stage.node.out.shape
    source = stage.head.inputs[0].tensor.shape
    if plan.window == "transposed":
        walk = TapsGeometry.of(source, mac.window, (height, width))
        return max(prod(source[:2]) * pace(mac, plan, bits), walk.pixels * outputs(mac) // plan.pe)
    pixels = source[:2] if plan.digit else (1, 1)
    return max(height * width * pace(mac, plan, bits), prod(pixels) * plan.digits(bits))


def outputs(mac: Mac) -> int:
    """Output channels of a matrix product."""
    return int(mac.weights.data.shape[0])


def is_depthwise(plan: MacPlan) -> bool:
    """Whether the PE works on channels one by one: each lane has an activation of its own."""
    return plan.kind.startswith("dw_")


def _plans(stage: Stage, mac: Mac, x: IntType) -> Iterator[MacPlan]:
    config, is_chain = stage.config, is_transposed(stage, mac)
    form: WindowKind = "transposed" if is_chain else "parallel"
    for kind in PES:
        if config.pe not in ("auto", family(kind.kind)):
            continue
        if kind is ConstantMatrix and config.pe == "auto" and not may_be_burnt_in(mac):
            continue
        for pe in divisors(outputs(mac)):
            for simd in divisors(transposed.terms(mac) if is_chain else mac.lanes):
                if config.folding not in (None, (pe, simd)):
                    continue
                if config.folding is None and simd * x.bits > MAX_BEAT_BITS:
                    continue
                plan = _gated(MacPlan(stage.name, kind.kind, pe, simd, form), stage)
                if supports(kind.supports, mac, plan, x):
                    yield from _variants(plan, mac, x.bits, config.digit)


def _gated(plan: MacPlan, stage: Stage) -> MacPlan:
    """A plan with the gates that its stage asks for, if it is for signed digits."""
    if family(plan.kind) != SCALABLE:
        return plan
    return replace(plan, gate=stage.config.gate, clock_gate=stage.clock_gate)


def is_transposed(stage: Stage, mac: Mac) -> bool:
    """Whether a layer is built in transposed form: all with a kernel in the `pipeline` dataflow."""
    return stage.dataflow == "pipeline" and not is_dot(mac)


def supports(
    can_build: Callable[[Mac, int, int, IntType], bool], mac: Mac, plan: MacPlan, x: IntType
) -> bool:
    """Whether a kind of PE can build a folding: in transposed form that of the tap sums."""
    if not serves(plan.kind, mac):
        return False
    if plan.window != "transposed":
        return can_build(mac, plan.pe, plan.simd, x)
    is_full = transposed.divides(mac, plan.pe)
    if is_depthwise(plan) or not is_full or _beat_bits(mac, plan.pe, x) > MAX_BEAT_BITS:
        return False
    products, beat = transposed.products(mac, plan.pe), transposed.taps(mac) * plan.pe
    return can_build(products, beat, plan.simd, x)


def _beat_bits(mac: Mac, pe: int, x: IntType) -> int:
    """Bits of a beat with the sums of all taps of `pe` channels."""
    return transposed.taps(mac) * pe * transposed.sum_type(mac, x).bits


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
    elif pace(mac, plan, bits) >= BLOCK_RAM_DEPTH:
        memories = ("distributed", "block")
    for window in windows(plan, mac):
        for memory in memories:
            for digit in digits:
                yield replace(plan, window=window, memory=memory, digit=digit)


def windows(plan: MacPlan, mac: Mac) -> tuple[WindowKind, ...]:
    """The windows that can feed a folding; which one stands in the plan of a 1×1 is no matter."""
    window = mac.window
    if plan.window == "transposed":
        return (plan.window,)
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


def _impossible(stage: Stage, mac: Mac, x: IntType) -> tuple[str, str]:
    """Problem and hint for a layer that no PE can run as it is configured."""
    config, bits, is_chain = stage.config, x.bits, is_transposed(stage, mac)
    count, lanes = outputs(mac), transposed.terms(mac) if is_chain else mac.lanes
    if config.digit is not None and not _fits(mac, bits, config.digit):
        problem = f"digit {config.digit} does not fit activations of {bits} bits"
        fewer = " or fewer" if ConstantMatrix.digits_of(mac, bits) else ""
        return problem, f"use digit {bits}{fewer}"
    width = _beat_bits(mac, config.folding[0] if config.folding else 1, x)
    if is_chain and width > MAX_BEAT_BITS:
        problem = f"the sums of all taps make beats of {width} bits, the limit is {MAX_BEAT_BITS}"
        return problem, "use a smaller PE, or dataflow: streaming for this layer"
    if config.folding is None:
        other = "dataflow: streaming for this layer, or " if is_chain and mac.scalable else ""
        return f"no PE of kind {config.pe!r} can run it", f"use {other}pe: auto"
    pe, simd = config.folding
    if count % pe == 0 and lanes % simd == 0:
        problem = f"PE {config.pe} cannot fold the layer to PE={pe}, SIMD={simd}"
        if mac.scalable:
            return problem, "see the folding of short vectors in docs/architecture.md"
        return problem, f"use PE={count}, SIMD={lanes} or pe: shift"
    problem = f"folding PE={pe}, SIMD={simd} does not divide {count} outputs × {lanes} terms"
    return problem, (
        f"use PE of {', '.join(map(str, divisors(count)))} and "
        f"SIMD of {', '.join(map(str, divisors(lanes)))}"
    )
