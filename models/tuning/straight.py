"""Functions of steps whose gradients pass straight through (Bengio et al., arXiv:1308.3432)."""

from __future__ import annotations

from typing import Any

import torch


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


class _Nearest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        edges = (levels[1:] + levels[:-1]) / 2
        return levels[torch.bucketize(x, edges)]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None


class _Requantized(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: torch.Tensor,
        factor: torch.Tensor,
        offset: torch.Tensor,
        lo: float,
        hi: float,
    ) -> torch.Tensor:
        t = torch.addcmul(_over(offset), q, _over(factor))
        ctx.save_for_backward(q, factor, offset, t)
        ctx.ends = lo, hi
        return t.clamp(lo, hi).round_()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, factor, offset, t = ctx.saved_tensors
        passed = _inside(gradient, t, *ctx.ends)
        to_factor, to_offset = _summed(passed * q, factor), _summed(passed, offset)
        return passed.mul_(_over(factor)), to_factor, to_offset, None, None


class _Added(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: torch.Tensor,
        first: torch.Tensor,
        b: torch.Tensor,
        second: torch.Tensor,
        lo: float,
        hi: float,
    ) -> torch.Tensor:
        t = torch.addcmul(a * first, b, second)
        ctx.save_for_backward(a, first, b, second, t)
        ctx.ends = lo, hi
        return t.clamp(lo, hi).round_()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        a, first, b, second, t = ctx.saved_tensors
        passed = _inside(gradient, t, *ctx.ends)
        to_factors = (passed * a).sum(), (passed * b).sum()
        return passed * first, to_factors[0], passed.mul_(second), to_factors[1], None, None


class _Statistics(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.save_for_backward(q)
        count = q.numel() // q.shape[1]
        return q.sum(dim=(0, 2, 3)) / count, q.square().sum(dim=(0, 2, 3)) / count

    @staticmethod
    def backward(ctx: Any, to_mean: torch.Tensor, to_square: torch.Tensor) -> torch.Tensor:
        (q,) = ctx.saved_tensors
        count = q.numel() // q.shape[1]
        return torch.addcmul(_over(to_mean / count), q, _over(to_square * (2 / count)))


def rounded(x: torch.Tensor) -> torch.Tensor:
    """The nearest integers, half to even; the gradient is that of x."""
    made: torch.Tensor = _Rounded.apply(x)  # type: ignore[no-untyped-call]
    return made


def nearest(x: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """The nearest of ascending `levels`; the gradient is that of x."""
    made: torch.Tensor = _Nearest.apply(x, levels)  # type: ignore[no-untyped-call]
    return made


def requantized(
    q: torch.Tensor, factor: torch.Tensor, offset: torch.Tensor, lo: float, hi: float
) -> torch.Tensor:
    """round(clip(q·factor + offset, lo, hi)) of [N, C, H, W]; factor and offset (C,) or ().

    Gradients pass where nothing is clipped: with learned steps on both sides that is LSQ (Esser et
    al., arXiv:1902.08153).
    """
    made: torch.Tensor = _Requantized.apply(q, factor, offset, lo, hi)  # type: ignore[no-untyped-call]
    return made


def added(
    a: torch.Tensor,
    first: torch.Tensor,
    b: torch.Tensor,
    second: torch.Tensor,
    lo: float,
    hi: float,
) -> torch.Tensor:
    """round(clip(a·first + b·second, lo, hi)), with single numbers as factors."""
    made: torch.Tensor = _Added.apply(a, first, b, second, lo, hi)  # type: ignore[no-untyped-call]
    return made


def statistics(q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of each channel of [N, C, H, W]."""
    mean, square = _Statistics.apply(q)  # type: ignore[no-untyped-call]
    return mean, (square - mean.square()).clamp(min=0)


def signs(x: torch.Tensor) -> torch.Tensor:
    """1/2 for x ≥ 0, −1/2 below; the gradient is that of x where |x| ≤ 1/2."""
    inside = x.clamp(-0.5, 0.5)
    return inside + (torch.where(x >= 0, 0.5, -0.5).to(x.dtype) - inside).detach()


def _inside(gradient: torch.Tensor, t: torch.Tensor, lo: float, hi: float) -> torch.Tensor:
    """The gradient where lo < t < hi, 0 elsewhere."""
    made: torch.Tensor = torch.ops.aten.hardtanh_backward(gradient, t, lo, hi)
    return made


def _over(values: torch.Tensor) -> torch.Tensor:
    return values if values.ndim == 0 else values[:, None, None]


def _summed(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return x.sum() if like.ndim == 0 else x.sum(dim=(0, 2, 3))
