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
        ctx.save_for_backward(q, factor, offset, (t > lo) & (t < hi))
        return t.clamp_(lo, hi).round_()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, factor, offset, inside = ctx.saved_tensors
        passed = gradient * inside
        return (
            passed * _over(factor),
            _summed(passed * q, factor),
            _summed(passed, offset),
            None,
            None,
        )


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


def signs(x: torch.Tensor) -> torch.Tensor:
    """1/2 for x ≥ 0, −1/2 below; the gradient is that of x where |x| ≤ 1/2."""
    inside = x.clamp(-0.5, 0.5)
    return inside + (torch.where(x >= 0, 0.5, -0.5).to(x.dtype) - inside).detach()


def _over(values: torch.Tensor) -> torch.Tensor:
    return values if values.ndim == 0 else values[:, None, None]


def _summed(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return x.sum() if like.ndim == 0 else x.sum(dim=(0, 2, 3))
