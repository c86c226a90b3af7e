"""Reconstruction: weights quantized layer by layer so that each makes up for those before it.

Every layer sees the calibration frames twice: as the float network has them there (x), and as the
layers quantized so far leave them (z). Its levels and its bias are chosen to give for z what the
float layer gives for x: with w* = w + H⁻¹(C − H)w, the covariances H of z and C of z with x, and
without its mean, the error is (w* − αβ)ᵀ H (w* − αβ) and a constant. No label is used. A weight
that is exactly 0, as pruning leaves it, keeps the level that it has.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import quantizers
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, kernel
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Frames, Graph, Node
from shiftloom.codegen.ops import Conv2d, Linear
from shiftloom.codegen.quantizers import calibrated
from shiftloom.codegen.quantizers.fixed_point import of_channels
from shiftloom.codegen.values import Array, FloatArray
from shiftloom.codegen.windows import Window

MAX_FRAMES = 256
"""Frames that are evaluated, from the first."""
MAX_SAMPLES = 1 << 14
"""Output pixels that the statistics of a layer are taken from."""
MAX_VALUES = 1 << 24
"""Most numbers in the samples of a layer."""
DAMPING = 0.01
"""Added to the diagonal of a covariance, as a part of its mean..."""
FEW = 10
"""... and as much again for every time that the terms are this part of the samples."""

Reals = npt.NDArray[np.float64]
Layer = Conv2d | Linear
Pair = tuple[FloatArray, FloatArray]
"""A tensor in the float network and in the quantized one."""


def is_wanted(graph: Graph, config: Config) -> bool:
    """Whether any layer asks for the calibrated quantizer."""
    return any(config.layer(node.name).quantizer == "calibrated" for node in graph.nodes)


def reconstruct(graph: Graph, frames: Frames, config: Config) -> Fitted:
    """Quantize the layers of `graph` in order, those that ask for it by the calibrated quantizer.

    Raises ShiftloomError naming a layer whose format has not one α an output channel.
    """
    random = np.random.default_rng(config.calibration.seed)
    tensors = _Tensors(graph, frames)
    weights: dict[str, QuantizedWeights] = {}
    biases: dict[str, Array] = {}
    for node in graph.nodes:
        op, settings = node.op, config.layer(node.name)
        if isinstance(op, Conv2d | Linear) and not (op.given and settings.format == "auto"):
            pair = tensors.pairs[node.sources[0]]
            op, weights[node.name] = _quantized(node.name, op, settings, pair, random)
            biases[node.name] = op.bias
        tensors.add(node, replace(node, op=op))
    return Fitted(weights, biases)


class _Tensors:
    """What the frames give in both networks; a tensor is kept until its last reader is through."""

    def __init__(self, graph: Graph, frames: Frames) -> None:
        self.pairs: dict[str, Pair] = {}
        for source, x in zip(graph.inputs, graph.frames(frames), strict=True):
            real = (x[:MAX_FRAMES].astype(np.float32) - source.zero) * np.float32(source.scale)
            self.pairs[source.name] = real, real
        self._last = {name: node.name for node in graph.nodes for name in node.sources}

    def add(self, exact: Node, quantized: Node) -> None:
        """Evaluate a node in both networks."""
        pairs = [self.pairs[name] for name in exact.sources]
        self.pairs[exact.name] = (
            exact.op.run(*(x for x, _ in pairs)),
            quantized.op.run(*(z for _, z in pairs)),
        )
        for name in set(exact.sources):
            if self._last[name] == exact.name:
                del self.pairs[name]


def _quantized(
    node: str, op: Layer, settings: LayerConfig, pair: Pair, random: np.random.Generator
) -> tuple[Layer, QuantizedWeights]:
    """The layer with its quantized weights as real numbers, and these."""
    weights, bias = kernel(op), op.bias.data
    made = quantizers.quantize(node, weights, settings.weight_format, settings.quantizing)
    if settings.quantizer == "calibrated":
        if made.format.vectors(weights.shape) != len(weights):
            raise ShiftloomError(
                node,
                f"{made.format.vectors(weights.shape)} scales for {len(weights)} output channels",
                "the calibrated quantizer needs one a channel",
            )
        made, shift = _calibrated(op, made, settings.alpha_bits, _samples(op, pair, random))
        bias = bias + shift
    real = Array(made.real.reshape(op.weights.data.shape).astype(np.float32))
    shifted = Array(bias.astype(op.bias.data.dtype))
    return replace(op, weights=real, bias=shifted, given=None), made


def _calibrated(
    op: Layer, start: QuantizedWeights, alpha_bits: int, samples: Pair
) -> tuple[QuantizedWeights, Reals]:
    """Weights fitted to the outputs of the float layer, and what its bias is shifted by."""
    groups = samples[0].shape[0]
    exact = kernel(op).astype(np.float64).reshape(groups, -1, samples[0].shape[2])
    beta = start.values.data.reshape(exact.shape)
    made, scales, shifts = [], [], []
    for x, z, w, b in zip(*samples, exact, beta, strict=True):
        covariance, target = _problem(x - x.mean(axis=0), z - z.mean(axis=0), w)
        levels, alpha = calibrated.fit(target, covariance, start.format.levels, b, w == 0)
        made.append(levels)
        scales.append(alpha)
        shifts.append(w @ x.mean(axis=0) - alpha * (levels @ z.mean(axis=0)))
    values = np.concatenate(made).reshape(start.values.data.shape)
    weights = of_channels(start.format, values, np.concatenate(scales), alpha_bits)
    return weights, np.concatenate(shifts)


def _problem(x: FloatArray, z: FloatArray, w: Reals) -> tuple[Reals, Reals]:
    """The damped covariance of z, and the real weights that give for z what `w` gives for x."""
    h, c = ((z.T @ y / len(z)).astype(np.float64) for y in (z, x))
    share = DAMPING * (1 + FEW * len(h) / len(z))
    damped = h + (share * np.trace(h) / len(h) + 1e-12) * np.eye(len(h))
    target: Reals = w + np.linalg.solve(damped, (c - h) @ w.T).T
    return damped, target


def _samples(op: Layer, pair: Pair, random: np.random.Generator) -> Pair:
    """Operands of the same random output pixels in both networks, [groups, samples, terms]."""
    if isinstance(op, Linear):
        exact, now = (x.reshape(1, -1, op.weights.data.shape[1]) for x in pair)
        return exact, now
    exact, now = pair
    frames, *source = exact.shape
    height, width = op.window.output("", (source[0], source[1], source[2]))
    terms = op.groups * int(np.prod(op.weights.data.shape[1:]))
    count = min(MAX_SAMPLES, MAX_VALUES // terms, frames * height * width)
    places = random.choice(frames * height * width, count, replace=False)
    index = np.unravel_index(np.sort(places), (frames, height, width))
    return _operands(op, exact, index), _operands(op, now, index)


def _operands(op: Conv2d, x: FloatArray, index: tuple[npt.NDArray[np.intp], ...]) -> FloatArray:
    """What the output pixels `index` (frame, row, column) are computed of."""
    window: Window = op.window
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    margins = zip(window.padding, window.end, strict=True)
    padded = np.pad(x, ((0, 0), *margins, (0, 0)))
    rows = (index[1] * sh)[:, None] + np.arange(kh) * dh
    columns = (index[2] * sw)[:, None] + np.arange(kw) * dw
    taps = padded[index[0][:, None, None], rows[:, :, None], columns[:, None, :]]
    split = taps.reshape(len(taps), kh * kw, op.groups, -1).transpose(2, 0, 1, 3)
    operands: FloatArray = split.reshape(op.groups, len(taps), -1)
    return operands
