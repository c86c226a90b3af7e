"""The builder of the training: operators append to it as to the compiler's, and it computes.

It has the methods of `shiftloom.codegen.lowering.builder.IntegerBuilder`, and mirrors its rules
step by step, on tensors with gradients. In float64 and in eval mode its integers are those of the
golden model; a test compares them. What is not quantized goes on as a real number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy.typing as npt
import torch
from torch.nn import functional

from shiftloom.codegen.formats.given import GivenWeights
from shiftloom.codegen.values import IntType
from shiftloom.codegen.windows import Window
from shiftloom.models.tuning.layer import Layer
from shiftloom.models.tuning.requantizing import Requantizer
from shiftloom.models.tuning.values import Added, Integers, Joined, Looked, Operand


class TorchBuilder:
    """Computes a network on one batch; each method takes and returns Operands of tensors."""

    def __init__(
        self, layers: Mapping[str, Layer], requantizer: Requantizer, half: bool = False
    ) -> None:
        self._layers = layers
        self._requantizer = requantizer
        self._half = half

    def source(self, name: str, frames: torch.Tensor, scale: float, zero: int) -> Operand:
        """A network input: raw integers [N, H, W, C], real value = scale · (q − zero)."""
        q = frames.permute(0, 3, 1, 2).to(self._requantizer.dtype) - zero
        step = torch.tensor(scale, dtype=q.dtype)
        value = Integers(q, step, True, -math.inf, math.inf)
        return Operand(name, name, value)

    def mac(
        self,
        node: str,
        x: Operand,
        weights: npt.NDArray[Any],
        bias: npt.NDArray[Any],
        window: Window,
        groups: int = 1,
        given: GivenWeights | None = None,
    ) -> Operand:
        """A convolution or fully connected layer; the layer's trained weights count."""
        x = self.activations(x)
        value, layer = _integers(x), self._layers[node]
        kernel, step = layer.weights.integers()
        inputs = _vector(value.q) if x.flat else value.q
        q = self._convolved(inputs, kernel, window, groups)
        scale, real_bias = layer.meaning(q, step * value.scale)
        made = Integers(q, scale, False, bias=real_bias, given=layer.weights.given)
        return Operand(node, node, made)

    def reduce(self, node: str, x: Operand, kind: Literal["max", "sum"], window: Window) -> Operand:
        """Pooling; a maximum works on pending sums as well, a sum (mean) on activations only."""
        x = self._as_integers(x) if kind == "max" else self.activations(x)
        value = _integers(x)
        if kind == "max":
            padded = _padded(value.q, window, -math.inf)
            q = functional.max_pool2d(padded, window.kernel, window.stride, 0, window.dilation)
            return replace(x, at=node, value=replace(value, q=q))
        padded, taps = _padded(value.q, window, 0.0), math.prod(window.kernel)
        sums = functional.avg_pool2d(padded, window.kernel, window.stride, divisor_override=1)
        made = Integers(sums, value.scale / taps, False)
        return Operand(node, x.layer, made)

    def affine(
        self, node: str, x: Operand, scale: npt.NDArray[Any], shift: npt.NDArray[Any]
    ) -> Operand:
        """Map to x · scale + shift per channel; by a table where that is no new meaning."""
        uniform = (scale == scale.flat[0]).all() and (shift == shift.flat[0]).all()
        bounded = x.lo is not None or x.hi is not None
        if not isinstance(x.value, Integers) or (scale <= 0).any() or (bounded and not uniform):
            return self.table(node, x, lambda real: real * scale + shift)
        lo, hi = (
            None if b is None else b * float(scale.flat[0]) + float(shift.flat[0])
            for b in (x.lo, x.hi)
        )
        dtype = self._requantizer.dtype
        factor, added = (torch.from_numpy(v.copy()).to(dtype) for v in (scale, shift))
        return replace(x, at=node, value=_mapped(x.value, factor, added), lo=lo, hi=hi)

    def clip(self, node: str, x: Operand, lo: float, hi: float) -> Operand:
        """Bounds on the value: the requantization to come keeps them."""
        if isinstance(x.value, Looked):
            function = x.value.function
            return self.table(node, x, lambda real: function(real).clip(lo, hi))
        first = lo if x.lo is None else max(x.lo, lo)
        last = hi if x.hi is None else min(x.hi, hi)
        first, last = min(first, hi), max(last, lo)
        bounds = [b if math.isfinite(b) else None for b in (first, last)]
        return replace(x, at=node, lo=bounds[0], hi=bounds[1])

    def quantize(
        self, node: str, x: Operand, scale: float, zero: Any, kind: IntType, narrow: bool = False
    ) -> Operand:
        """An imported quantizer, y = clip(round_half_even(x / scale) + zero)."""
        lo = kind.lo + (narrow and kind.signed) - zero
        hi = kind.hi - (narrow and not kind.signed) - zero
        return self._requantizer.quantize(node, x, scale, lo, hi)

    def add(self, node: str, a: Operand, b: Operand, signs: tuple[int, int] = (1, 1)) -> Operand:
        """The sum a · signs[0] + b · signs[1] of two activations."""
        a, b = self.activations(a), self.activations(b)
        value = Added(_integers(a), _integers(b), signs)
        return Operand(node, node, value, flat=a.flat or b.flat)

    def concat(self, node: str, *xs: Operand) -> Operand:
        """The channels of all operands, one behind the other."""
        return self._requantizer.joined(Operand(node, node, Joined(tuple(xs))))

    def table(
        self, node: str, x: Operand, function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    ) -> Operand:
        """A function of each activation (it may depend on the channel)."""
        if isinstance(x.value, Looked):
            before = x.value.function
            return replace(x, at=node, value=Looked(x.value.x, lambda real: function(before(real))))
        x = self.activations(x)
        return Operand(node, x.layer, Looked(_integers(x), function), flat=x.flat)

    def permute(self, node: str, x: Operand, order: tuple[int, ...]) -> Operand:
        """Channel k of the output is channel order[k] of the input."""
        x = self._routed(x)
        value, picked = _integers(x), list(order)
        scale = value.scale if value.scale.ndim == 0 else value.scale[picked]
        shift = value.shift
        shift = shift if shift is None or shift.ndim == 0 else shift[picked]
        made = replace(value, q=value.q[:, picked], scale=scale, shift=shift)
        return replace(x, at=node, value=made)

    def insert(
        self,
        node: str,
        x: Operand,
        pad: tuple[int, int, int, int],
        gaps: tuple[int, int],
        value: float,
    ) -> Operand:
        """`gaps` rows and columns of a real `value` between pixels, then `pad` around."""
        x = self.activations(x)
        held = _integers(x)
        fill = round(value / float(held.scale))
        n, c, height, width = held.q.shape
        rows, columns = (height - 1) * (gaps[0] + 1) + 1, (width - 1) * (gaps[1] + 1) + 1
        top, left, bottom, right = pad
        q = held.q.new_full((n, c, rows + top + bottom, columns + left + right), float(fill))
        q[:, :, top : top + rows : gaps[0] + 1, left : left + columns : gaps[1] + 1] = held.q
        return replace(x, at=node, value=replace(held, q=q))

    def upsample(self, node: str, x: Operand, factors: tuple[int, int]) -> Operand:
        """Each pixel `factors` (vertical, horizontal) times."""
        x = self._routed(x)
        q = _integers(x).q.repeat_interleave(factors[0], 2).repeat_interleave(factors[1], 3)
        return replace(x, at=node, value=replace(_integers(x), q=q))

    def crop(self, node: str, x: Operand, top: int, left: int, height: int, width: int) -> Operand:
        """`height` rows and `width` columns from (top, left) on."""
        x = self._routed(x)
        q = _integers(x).q[:, :, top : top + height, left : left + width]
        return replace(x, at=node, value=replace(_integers(x), q=q))

    def flatten(self, node: str, x: Operand) -> Operand:
        """Read a feature map as a vector of its elements in NHWC order."""
        return replace(x, flat=True)

    def argmax(self, node: str, x: Operand) -> Operand:
        """The values whose largest is asked for: training works on them."""
        return x

    def activations(self, x: Operand) -> Operand:
        """Activations of few bits with one scale: x itself, or its requantization."""
        return self._requantizer.activations(x)

    def output(self, x: Operand) -> torch.Tensor:
        """Real values [N, …] of a network output, sums as their logits."""
        value = x.value
        if isinstance(value, Integers) and not value.ready:
            return _vector(self._requantizer.logits(x)).flatten(1)
        return _vector(_integers(self.activations(x)).real()).flatten(1)

    def _as_integers(self, x: Operand) -> Operand:
        return x if isinstance(x.value, Integers) else self.activations(x)

    def _routed(self, x: Operand) -> Operand:
        """Pending sums become activations before their elements move."""
        x = self._as_integers(x)
        return self.activations(x) if _integers(x).bias is not None else x

    def _convolved(
        self, x: torch.Tensor, kernel: torch.Tensor, window: Window, groups: int
    ) -> torch.Tensor:
        """Sums [N, C_out, OH, OW]; of few bits, products in bfloat16 are exact."""
        weights = kernel.permute(0, 3, 1, 2)
        if self._half:
            x, weights = x.to(torch.bfloat16), weights.to(torch.bfloat16)
        if x.shape[2:] == (1, 1) and window.kernel == (1, 1) and groups == 1:
            made = functional.linear(x.flatten(1), weights.flatten(1))[:, :, None, None]
        else:
            padded, at = _symmetric(x, window)
            made = functional.conv2d(
                padded, weights, None, window.stride, at, window.dilation, groups
            )
        return made.to(self._requantizer.dtype)


def _integers(x: Operand) -> Integers:
    assert isinstance(x.value, Integers)
    return x.value


def _vector(x: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W] as vectors [N, H·W·C, 1, 1] in NHWC order."""
    return x.permute(0, 2, 3, 1).reshape(len(x), -1, 1, 1)


def _padded(x: torch.Tensor, window: Window, fill: float) -> torch.Tensor:
    (top, left), (bottom, right) = window.padding, window.end
    if not (top or left or bottom or right):
        return x
    return functional.pad(x, (left, right, top, bottom), value=fill)


def _symmetric(x: torch.Tensor, window: Window) -> tuple[torch.Tensor, tuple[int, int]]:
    """The input, and the padding that the convolution itself does where both ends are alike."""
    if window.padding == window.end:
        return x, window.padding
    return _padded(x, window, 0.0), (0, 0)


def _mapped(x: Integers, scale: torch.Tensor, shift: torch.Tensor) -> Integers:
    """The same integers with their real values times `scale`, plus `shift`."""
    scale, shift = (v[0] if v.numel() == 1 else v for v in (scale, shift))
    if x.bias is not None:
        return replace(x, scale=x.scale * scale, bias=x.bias * scale + shift)
    if x.ready and scale.ndim == shift.ndim == 0:
        return replace(x, q=x.q + shift / (x.scale * scale), scale=x.scale * scale)
    moved = shift if x.shift is None else x.shift * scale + shift
    return replace(x, scale=x.scale * scale, shift=moved, ready=False)
