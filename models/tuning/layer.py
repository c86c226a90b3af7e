"""The trained numbers of one layer: weights in steps of their α, α itself, bias, normalization."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from shiftloom.codegen.formats import Given
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.quantizers.fixed_point import mantissas
from shiftloom.codegen.values import Array
from shiftloom.models.tuning.straight import nearest, rounded, statistics

MOMENTUM = 0.1
"""Share of a batch in the running statistics."""
_LEAST = 1e-5
"""Added to a variance."""


class Weights(nn.Module):
    """W ≈ α·β: `latent` holds W/α, whose nearest levels are β; ln α is trained, too.

    It starts from the α of `codes` and real weights [C_out, KH, KW, C_in / groups]; with `real`
    None it does not learn, and is held at `codes`. Where `pruned`, weights that are 0 stay 0. With
    `quantized` False they are used as real numbers.
    """

    index: torch.Tensor
    levels: torch.Tensor
    mask: torch.Tensor

    def __init__(
        self, codes: QuantizedWeights, real: torch.Tensor | None, alpha_bits: int, pruned: bool
    ) -> None:
        super().__init__()
        shape = codes.values.data.shape
        self.format, self.alpha_bits, self.quantized = codes.format, alpha_bits, True
        self._held = codes if real is None else None
        if real is None:
            real = torch.tensor(codes.real, dtype=torch.float32)
        count = codes.format.vectors(shape)
        spread = np.ascontiguousarray(codes.format.spread(np.arange(count), shape))
        alpha = torch.tensor(codes.alpha, dtype=torch.float32).expand(count).clone()
        self.register_buffer("index", torch.from_numpy(spread))
        self.register_buffer("levels", torch.tensor(codes.format.levels, dtype=torch.float32))
        kept = real != 0 if pruned else torch.ones_like(real, dtype=torch.bool)
        self.register_buffer("mask", kept.float())
        self.latent = nn.Parameter(real / alpha[self.index])
        self.log_alpha = nn.Parameter(alpha.log())
        self.given = isinstance(codes.format, Given)
        self.folded = bool((self.index == self.index[:, :1, :1, :1]).all())

    def integers(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Integers that sums are made of, and the real value of their step, (C_out,) or ()."""
        if not self.quantized:
            return self.real(), torch.ones((), dtype=self.latent.dtype)
        beta = nearest(self.latent * self.mask, self.levels)
        mantissa, unit = self._scales()
        if not self.folded:
            return beta * mantissa[self.index], torch.tensor(unit, dtype=beta.dtype)
        step = mantissa * unit
        return beta, step[self.index[:, 0, 0, 0]] if len(step) > 1 else step[0]

    def real(self) -> torch.Tensor:
        """The weights before rounding."""
        return self.latent * self.mask * self.log_alpha.exp()[self.index]

    def clamp(self) -> None:
        """Keep the latent weights within the levels, so that none is lost beyond them."""
        with torch.no_grad():
            self.latent.clamp_(float(self.levels[0]), float(self.levels[-1]))

    def codes(self, factor: torch.Tensor | None) -> QuantizedWeights:
        """β and α as the compiler holds them; α times `factor` [C_out] where one is given."""
        if self._held is not None and factor is None:
            return self._held
        with torch.no_grad():
            beta = nearest(self.latent * self.mask, self.levels)
            alpha = self.log_alpha.double().exp()
            alpha = alpha if factor is None else alpha * factor.double()
            mantissa, exponent = mantissas(alpha.numpy(), self.alpha_bits)
        values = Array(np.rint(beta.numpy()).astype(np.int64))
        return QuantizedWeights(self.format, values, Array(np.maximum(mantissa, 1)), exponent)

    def _scales(self) -> tuple[torch.Tensor, float]:
        """Mantissas of α, and the real value of their step."""
        if self._held is not None:
            mantissa = torch.tensor(self._held.mantissa.data, dtype=self.latent.dtype)
            return mantissa.expand(len(self.log_alpha)), 2.0**self._held.exponent
        alpha = self.log_alpha.exp()
        exponent = int(np.floor(np.log2(float(alpha.detach().max())))) + 1 - self.alpha_bits
        unit: float = 2.0**exponent
        return rounded(alpha / unit).clamp(1, (1 << self.alpha_bits) - 1), unit


class Norm(nn.Module):
    """Batch normalization (Ioffe & Szegedy, arXiv:1502.03167), put back behind a folded layer.

    In real units. `gain` is positive, so that folding keeps the signs of weights. The first batch
    sets it up as the identity, with `bias` as the layer's own.
    """

    mean: torch.Tensor
    variance: torch.Tensor
    started: torch.Tensor

    def __init__(self, bias: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros_like(bias))
        self.register_buffer("variance", torch.ones_like(bias))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self.log_gain = nn.Parameter(torch.zeros_like(bias))
        self.offset = nn.Parameter(bias.clone())

    def folded(self, q: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Factor of the step and bias, (C,) each, for sums q [N, C, H, W] of real value q·step."""
        if not self.training and self.started:
            return self.constants()
        mean, variance = statistics(q)
        variance, mean = variance * step**2, mean * step
        self._observe(mean.detach(), variance.detach())
        return self._constants(mean, variance)

    def constants(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The same by the running statistics."""
        return self._constants(self.mean, self.variance)

    def _constants(
        self, mean: torch.Tensor, variance: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        factor = self.log_gain.exp() / torch.sqrt(variance + _LEAST)
        return factor, self.offset - mean * factor

    def _observe(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if not self.started:
            with torch.no_grad():
                self.log_gain.copy_(0.5 * torch.log(variance + _LEAST))
                self.offset.add_(mean)
            self.mean.copy_(mean)
            self.variance.copy_(variance)
            self.started.fill_(True)
        self.mean.lerp_(mean, MOMENTUM)
        self.variance.lerp_(variance, MOMENTUM)


class Layer(nn.Module):
    """Weights and bias of a convolution or a fully connected layer, perhaps normalized."""

    def __init__(self, weights: Weights, bias: torch.Tensor, normalized: bool) -> None:
        super().__init__()
        self.weights = weights
        one_each = weights.folded and len(weights.log_alpha) == len(bias)
        self.norm = Norm(bias) if normalized and one_each else None
        self.bias = None if self.norm else nn.Parameter(bias.clone())

    def meaning(self, q: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale and real bias, (C,) or () and (C,), of sums q [N, C, H, W] whose step is `step`."""
        if self.norm is None:
            assert self.bias is not None
            return step, self.bias
        factor, bias = self.norm.folded(q, step)
        return step * factor, bias

    def fitted(self) -> tuple[QuantizedWeights, Array]:
        """Codes and bias [C_out] as the compiler holds them, the normalization folded in."""
        with torch.no_grad():
            factor, bias = self._constants()
            return self.weights.codes(factor), Array(bias.numpy())

    def real(self) -> tuple[npt.NDArray[np.float32], Array]:
        """Weights before rounding and bias, the normalization folded in."""
        with torch.no_grad():
            factor, bias = self._constants()
            weights = self.weights.real()
            if factor is not None:
                weights = weights * factor[:, None, None, None]
            return weights.numpy(), Array(bias.numpy())

    def _constants(self) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Factor of the weights and bias, (C_out,) each."""
        if self.norm is not None:
            return self.norm.constants()
        assert self.bias is not None
        return None, self.bias
