"""What follows the head of a stage: fewest lanes that keep up with the pixels as they come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from shiftloom.codegen.config import LayerConfig
from shiftloom.codegen.dataflows.streaming.pool import Pool
from shiftloom.codegen.dataflows.streaming.requantize import MultiplyShift, Thresholds
from shiftloom.codegen.dataflows.streaming.stages import Stage, channels, divisors
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import LanePlan, RequantPlan
from shiftloom.codegen.qgraph import QGraph, QNode, Requantize, WindowReduce

TailPlan = RequantPlan | LanePlan


def of(stage: Stage, pace: int) -> Iterator[tuple[TailPlan, ...]]:
    """The ways to build a stage's tail for pixels that come every `pace` clocks."""
    choices: list[tuple[TailPlan, ...]] = []
    for node in stage.followers:
        assert stage.tail is not None
        lanes, pace = keeping(stage.tail, node, pace)
        choices.append(plans(stage.tail, node, lanes, stage.config))
    yield from product(*choices)


def keeping(part: QGraph, node: QNode, pace: int) -> tuple[int, int]:
    """Fewest lanes for pixels every `pace` clocks, and the clocks between pixels behind them."""
    widest = channels(part, node)
    if isinstance(node.unit, WindowReduce):
        return _reducing(part, node, node.unit, pace)
    elements = max(node.out.shape[2], *(part.tensor(name).shape[2] for name in node.sources))
    lanes = next(d for d in divisors(widest) if elements // d <= pace or d == widest)
    return lanes, max(pace, elements // lanes)


def _reducing(part: QGraph, node: QNode, reduce: WindowReduce, pace: int) -> tuple[int, int]:
    """Windows that tile the map take pixels as they come; others read every tap of an output."""
    source, out = part.tensor(node.sources[0]).shape, node.out.shape
    width = out[2]
    if Pool.supports(reduce):
        lanes = next(d for d in divisors(width) if width // d <= pace or d == width)
        return lanes, pace * reduce.window.stride[1]
    taps = reduce.window.kernel[0] * reduce.window.kernel[1]
    allowed = pace * source[0] * source[1] // (out[0] * out[1])
    lanes = next(d for d in divisors(width) if taps * width // d <= allowed or d == width)
    return lanes, taps * width // lanes


def plans(part: QGraph, node: QNode, lanes: int, config: LayerConfig) -> tuple[TailPlan, ...]:
    """The ways to build a unit that is no matrix product on some lanes.

    Raises ShiftloomError if DSP blocks are asked for that cannot multiply its values.
    """
    if not isinstance(node.unit, Requantize):
        return (LanePlan(node.name, lanes),)
    function, method = node.unit.requantization, _method(node.unit, config)
    if method != "mult_shift":
        return (RequantPlan(node.name, method, lanes, False),)
    source = part.tensor(node.sources[0]).type
    can_use_dsp = MultiplyShift.supports_dsp(function, source)
    if config.requant_dsp and not can_use_dsp:
        raise ShiftloomError(
            node.name,
            f"two DSP blocks cannot multiply {source} by {function.m_bits} bits",
            "use requant_dsp: false",
        )
    uses = (False, True)[: 1 + can_use_dsp] if config.requant_dsp is None else (config.requant_dsp,)
    return tuple(RequantPlan(node.name, method, lanes, use_dsp) for use_dsp in uses)


def _method(unit: Requantize, config: LayerConfig) -> str:
    """How a requantization is computed: as its function demands, or else as the layer asks."""
    function = unit.requantization
    if function.steps is not None:
        return "thresholds"
    if unit.is_scalable:
        return "csd"
    is_counted = config.requant == "thresholds" and Thresholds.supports(function)
    return "thresholds" if is_counted else "mult_shift"
