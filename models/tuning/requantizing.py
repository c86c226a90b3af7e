"""From pending values to activations, as `shiftloom.codegen.lowering.requantizing` defines them.

y = clip(round_half_even((q + b)·M / 2^S), lo, hi) for sums with the bias b in steps of M / 2^S, and
the like for sums of two activations, tables and common scales. Scales are exp of trained numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from shiftloom.codegen.values import IntType
from shiftloom.models.tuning.straight import added, requantized, rounded, signs
from shiftloom.models.tuning.values import (
    Added,
    Function,
    Integers,
    Joined,
    Looked,
    Operand,
    over,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the configuration says of a layer's activations: width, and bits of M."""

    bits: int
    m_bits: int


class Requantizer:
    """Makes activations of operands, each value once; one for every pass over a batch.

    `log_ranges` are ln of the full scales by float node, `signed` says where integers are signed. A
    value that `is_quantized` denies stays real.
    """

    def __init__(
        self,
        log_ranges: Mapping[str, torch.Tensor],
        signed: Mapping[str, bool],
        choices: Callable[[str], Choice],
        is_quantized: Callable[[str], bool],
        dtype: torch.dtype,
    ) -> None:
        self.dtype = dtype
        self._log_ranges, self._signed = log_ranges, signed
        self._choices, self._is_quantized = choices, is_quantized
        self._made: dict[str, Operand] = {}
        self._settled: dict[str, torch.Tensor] = {}

    def activations(self, x: Operand) -> Operand:
        """Activations of x: itself, or on the integers that its range means."""
        bounded = x.lo is not None or x.hi is not None
        if isinstance(x.value, Integers) and x.value.ready and not bounded:
            return x
        if x.at not in self._made:
            made = self._calibrated(x) if self._is_quantized(x.at) else _as_real(x)
            self._made[x.at] = made
        return replace(self._made[x.at], flat=x.flat)

    def joined(self, x: Operand) -> Operand:
        """A concatenation, at once where its parts are activations of one scale."""
        assert isinstance(x.value, Joined)
        parts = x.value.parts
        scales = [
            part.value.scale
            for part in parts
            if isinstance(part.value, Integers) and part.value.ready and part.lo is part.hi is None
        ]
        if len(parts) == 1:
            return replace(parts[0], at=x.at)
        if len(scales) == len(parts) and all(scale is scales[0] for scale in scales):
            return _concatenated(x, parts)
        return x

    def quantize(self, node: str, x: Operand, scale: float, lo: float, hi: float) -> Operand:
        """The operand on the integers of an imported quantizer, counted from its zero."""
        if not self._is_quantized(node):
            return replace(_as_real(x), at=node)
        step = torch.tensor(scale, dtype=self.dtype)
        if lo != int(lo):
            return _ready(node, x, signs(_real(x) / step), step, lo, hi)
        lo, hi = _ends(x, scale, int(lo), int(hi))
        value = x.value
        if isinstance(value, Integers) and value.bias is not None and not value.given:
            q = self._multiplied(x.layer, value, step, (lo, hi))
        else:
            q = rounded((_real(x) / step).clamp(lo, hi))
        return _ready(node, x, q, step, lo, hi)

    def logits(self, x: Operand) -> torch.Tensor:
        """Real values of pending sums, by multipliers of few bits a channel."""
        value = x.value
        assert isinstance(value, Integers)
        if not self._is_quantized(x.layer):
            return _clipped(value.real(), x)
        unit, m = value.scale, torch.ones_like(value.scale)
        if unit.ndim:
            top, peak = (1 << self._choices(x.layer).m_bits) - 1, unit.max()
            m, unit = rounded(unit / peak * top).clamp(min=1), peak / top
        if value.bias is None or value.given:
            return _clipped(replace(value, scale=m * unit).real(), x)
        whole, rest = self._settle(x.layer, value.bias, m * unit)
        products = (value.q + over(whole)) * over(m)
        if value.scale.ndim == 0 and (rest == rest[0]).all():  # it stays a zero point
            return _clipped(products * unit, x) + rest[0] * unit
        return _clipped((products + over(rounded(rest * m))) * unit, x)

    def _calibrated(self, x: Operand) -> Operand:
        if isinstance(x.value, Joined):
            return self._on_common_scale(x, x.value)
        if isinstance(x.value, Integers) and x.value.ready:
            ends = _own_ends(x, x.value)
            if ends is not None:
                q = x.value.q.clamp(*ends)
                return _ready(x.at, x, q, x.value.scale, *ends)
        return self._onto(x.at, x, x)

    def _on_common_scale(self, x: Operand, value: Joined) -> Operand:
        parts = (p if not isinstance(p.value, Joined) else self.activations(p) for p in value.parts)
        return _concatenated(x, tuple(self._onto(part.at, part, x) for part in parts))

    def _onto(self, at: str, x: Operand, ranged: Operand) -> Operand:
        """The activations of x with the width and the range of `ranged`."""
        bits, signed = self._choices(ranged.layer).bits, self._signed[ranged.at]
        top = self._log_ranges[ranged.at].to(self.dtype).exp()
        if bits == 1 and signed:
            return _ready(at, x, signs(_real(x) / (2 * top)), 2 * top, -0.5, 0.5)
        out = IntType(bits, signed)
        step = top / out.hi
        lo, hi = _ends(x, float(step.detach()), out.lo, out.hi)
        value = x.value
        if isinstance(value, Integers) and not value.ready:
            q = self._multiplied(x.layer, value, step, (lo, hi))
        elif isinstance(value, Added):
            m_bits = self._choices(x.layer).m_bits
            q = _added(value, step, m_bits, (lo, hi))
        else:
            q = rounded((_real(x) / step).clamp(lo, hi))
        return _ready(at, x, q, step, lo, hi)

    def _multiplied(
        self, layer: str, value: Integers, step: torch.Tensor, ends: tuple[int, int]
    ) -> torch.Tensor:
        """Pending values in steps of an activation, by multipliers of few bits, rounded."""
        ratio = value.scale / step
        shift = _shift(float(ratio.detach().max()), self._choices(layer).m_bits)
        m = rounded(ratio * 2.0**shift).clamp(min=1)
        factor = m * 2.0**-shift
        offset = torch.zeros_like(factor)
        if value.bias is not None:
            whole, rest = self._settle(layer, value.bias, factor * step)
            offset = whole * factor + rounded(rest * m) * 2.0**-shift
        elif value.shift is not None:
            offset = rounded(value.shift / value.scale * m) * 2.0**-shift
        return requantized(value.q, factor, offset, *ends)

    def _settle(
        self, layer: str, bias: torch.Tensor, scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The bias in whole steps of `scale`, and what is left of it, in steps.

        The first requantization of a layer's sums decides the whole steps and leaves nothing.
        """
        if layer not in self._settled:
            self._settled[layer] = rounded(bias / scale)
            return self._settled[layer], torch.zeros_like(bias)
        whole = self._settled[layer]
        return whole, bias / scale - whole


def _shift(top: float, m_bits: int) -> int:
    """The largest shift at which a ratio of `top` fits `m_bits` bits, as `requant.fit` takes it."""
    shift = m_bits - math.floor(math.log2(top)) - 1
    while shift > 0 and np.rint(np.ldexp(top, shift)) > (1 << m_bits) - 1:
        shift -= 1
    return max(shift, 0)


def _added(value: Added, step: torch.Tensor, m_bits: int, ends: tuple[int, int]) -> torch.Tensor:
    """m1·a + m2·b over 2^shift, as `adding.approximate` takes them, rounded."""
    ratios = [
        sign * x.scale / step for sign, x in zip(value.signs, (value.a, value.b), strict=True)
    ]
    top = max(abs(float(ratio.detach())) for ratio in ratios)
    if top == 0:
        raise FloatingPointError("the scales of a sum are 0")
    shift = 0
    while round(top * (2 << shift)) < 1 << m_bits:
        shift += 1
    first, second = (rounded(ratio * 2.0**shift) * 2.0**-shift for ratio in ratios)
    return added(value.a.q, first, value.b.q, second, *ends)


def _real(x: Operand) -> torch.Tensor:
    """The real value of any operand, without its bounds."""
    value = x.value
    if isinstance(value, Integers):
        return value.real()
    if isinstance(value, Looked):
        made: torch.Tensor = _Elementwise.apply(value.x.real(), value.function)  # type: ignore[no-untyped-call]
        return made
    if isinstance(value, Added):
        first, second = value.signs
        return first * value.a.real() + second * value.b.real()
    return torch.cat([_clipped(_real(part), part) for part in value.parts], dim=1)


def _clipped(real: torch.Tensor, x: Operand) -> torch.Tensor:
    return real if x.lo is None and x.hi is None else real.clamp(x.lo, x.hi)


def _as_real(x: Operand) -> Operand:
    """The value as it is, in steps of 1."""
    real = _clipped(_real(x), x)
    one = torch.ones((), dtype=real.dtype)
    return Operand(x.at, x.layer, Integers(real, one, True, -math.inf, math.inf), flat=x.flat)


def _ready(
    at: str, x: Operand, q: torch.Tensor, step: torch.Tensor, lo: float, hi: float
) -> Operand:
    value = Integers(q, step, True, lo, hi)
    return Operand(at, x.layer, value, flat=x.flat)


def _ends(x: Operand, step: float, lo: int, hi: int) -> tuple[int, int]:
    """The integers within the bounds of x."""
    low = lo if x.lo is None else min(max(round(x.lo / step), lo), hi)
    high = hi if x.hi is None else min(max(round(x.hi / step), lo), hi)
    return low, high


def _own_ends(x: Operand, value: Integers) -> tuple[float, float] | None:
    """The ends of activations within bounds, where these are integers of theirs."""
    places = [b / float(value.scale.detach()) for b in (x.lo, x.hi) if b is not None]
    if any(place != round(place) for place in places):
        return None
    lo = value.lo if x.lo is None else max(value.lo, places[0])
    hi = value.hi if x.hi is None else min(value.hi, places[-1])
    return lo, hi


def _concatenated(x: Operand, parts: tuple[Operand, ...]) -> Operand:
    values = []
    for part in parts:
        assert isinstance(part.value, Integers)
        values.append(part.value)
    q = torch.cat([value.q for value in values], dim=1)
    lo, hi = min(v.lo for v in values), max(v.hi for v in values)
    made = replace(values[0], q=q, lo=lo, hi=hi)
    return Operand(x.at, x.layer, made, flat=x.flat)


class _Elementwise(torch.autograd.Function):
    """A NumPy function of single elements [N, C, H, W]; its slope is a difference quotient."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, function: Function) -> torch.Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.function = function
        return _called(function, x)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        width = 1e-3 * float(x.abs().max().clamp(min=1e-3))
        slope = _called(ctx.function, x + width) - _called(ctx.function, x - width)
        return gradient * slope / (2 * width), None


def _called(function: Function, x: torch.Tensor) -> torch.Tensor:
    values = function(x.detach().permute(0, 2, 3, 1).double().numpy())
    return torch.from_numpy(np.ascontiguousarray(values)).permute(0, 3, 1, 2).to(x.dtype)
