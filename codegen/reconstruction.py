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

from shiftloom.codegen import operands, quantizers
from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, Layer, kernel, with_kernel
from shiftloom.codegen.formats.format import spread_channels
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.graph import Frames, Graph, Node
from shiftloom.codegen.operands import Pair
from shiftloom.codegen.quantizers import adaround, calibrated
from shiftloom.codegen.quantizers.fixed_point import in_fixed_point
from shiftloom.codegen.repair import bias_correction
from shiftloom.codegen.values import Array, FloatArray

MAX_FRAMES = 256
"""Frames that are evaluated, from the first."""
DAMPING = 0.01
"""Added to the diagonal of a covariance, as a part of its mean..."""
FEW = 10
"""... and as much again for every time that the terms are this part of the samples."""

Reals = npt.NDArray[np.float64]


def is_wanted(graph: Graph, config: Config) -> bool:
    """Whether the configuration asks for anything that depends on the layers' outputs."""
    asked = any(config.layer(node.name).quantizer in quantizers.FITTED for node in graph.nodes)
    return asked or config.repair.bias_correction


def is_ours(node: Node, config: Config) -> bool:
    """Whether a node has weights that are quantized here: none, or not an imported model's."""
    if not isinstance(node.op, Layer):
        return False
    return node.op.given is None or config.layer(node.name).format != "auto"


def reconstruct(graph: Graph, frames: Frames, config: Config) -> Fitted:
    """Quantize the layers of `graph` in order, each by its quantizer, and correct their biases.

    Raises ShiftloomError naming a layer whose format does not suit its quantizer.
    """
    random = np.random.default_rng(config.calibration.seed)
    tensors = _Tensors(graph, frames)
    weights: dict[str, QuantizedWeights] = {}
    biases: dict[str, Array] = {}
    for node in graph.nodes:
        if not is_ours(node, config):
            tensors.add(node, node)
            continue
        pair = tensors.pairs[node.sources[0]]
        op, weights[node.name] = _quantized(node, config.layer(node.name), pair, random)
        exact, now = tensors.add(node, replace(node, op=op))
        if config.repair.bias_correction:
            shift = bias_correction.shift(exact, now)
            op = _shifted(op, shift)
            tensors.pairs[node.name] = exact, np.asarray(now + shift, dtype=now.dtype)
        biases[node.name] = op.bias
    return Fitted(weights, biases)


class _Tensors:
    """What the frames give in both networks; a tensor is kept until its last reader is through."""

    def __init__(self, graph: Graph, frames: Frames) -> None:
        self.pairs: dict[str, Pair] = {}
        for source, x in zip(graph.inputs, graph.frames(frames), strict=True):
            real = (x[:MAX_FRAMES].astype(np.float32) - source.zero) * np.float32(source.scale)
            self.pairs[source.name] = real, real
        self._last = {name: node.name for node in graph.nodes for name in node.sources}

    def add(self, exact: Node, quantized: Node) -> Pair:
        """Evaluate a node in both networks."""
        pairs = [self.pairs[name] for name in exact.sources]
        made = (
            exact.op.run(*(x for x, _ in pairs)),
            quantized.op.run(*(z for _, z in pairs)),
        )
        self.pairs[exact.name] = made
        for name in set(exact.sources):
            if self._last[name] == exact.name:
                del self.pairs[name]
        return made


def _quantized(
    node: Node, settings: LayerConfig, pair: Pair, random: np.random.Generator
) -> tuple[Layer, QuantizedWeights]:
    """The layer with its quantized weights as real numbers, and these."""
    op = node.op
    assert isinstance(op, Layer)
    weights = kernel(op)
    made = quantizers.quantize(node.name, weights, settings.weight_format, settings.quantizing)
    shift = np.zeros(len(weights))
    if settings.quantizer in quantizers.FITTED:
        if settings.quantizer == "calibrated":
            _check_scales(node.name, made)
        made, shift = _fitted(op, made, settings, operands.sample(op, pair, random))
    return _shifted(with_kernel(op, made.real), shift), made


def _check_scales(node: str, codes: QuantizedWeights) -> None:
    """Refuse a format that does not have one α for each output channel."""
    shape, count = codes.values.data.shape, codes.mantissa.data.size
    vector = codes.format.spread(np.arange(count), shape)
    if not np.array_equal(vector, spread_channels(np.arange(shape[0]), shape)):
        raise ShiftloomError(
            node,
            f"{count} scales are not one for each of {shape[0]} output channels",
            "the calibrated quantizer needs that; use adaround",
        )


def _shifted(op: Layer, shift: Reals) -> Layer:
    return replace(op, bias=Array((op.bias.data + shift).astype(op.bias.data.dtype)))


def _fitted(
    op: Layer, start: QuantizedWeights, settings: LayerConfig, samples: Pair
) -> tuple[QuantizedWeights, Reals]:
    """Weights fitted to the outputs of the float layer, and what its bias is shifted by."""
    groups, _, terms = samples[0].shape
    shape = start.values.data.shape
    exact = kernel(op).astype(np.float64).reshape(groups, -1, terms)
    beta = start.values.data.reshape(exact.shape)
    alpha = start.format.spread(start.alpha, shape).reshape(exact.shape)
    levels, values, scales = start.format.levels, np.empty_like(beta), np.empty(exact.shape[:2])
    for group, (x, z) in enumerate(zip(*samples, strict=True)):
        covariance, target = _problem(x - x.mean(axis=0), z - z.mean(axis=0), exact[group])
        if settings.quantizer == "adaround":
            chosen = adaround.fit(target, covariance, levels, alpha[group])
            values[group] = np.where(exact[group] == 0, beta[group], chosen)
        else:
            values[group], scales[group] = calibrated.fit(
                target, covariance, levels, beta[group], exact[group] == 0
            )
    made = replace(start, values=Array(values.reshape(shape)))
    if settings.quantizer == "calibrated":
        made = in_fixed_point(
            start.format,
            exact.reshape(shape),
            values.reshape(shape),
            scales.ravel(),
            settings.alpha_bits,
        )
    real = made.real.reshape(exact.shape)
    shifts = [
        w @ x.mean(axis=0) - r @ z.mean(axis=0)
        for w, r, x, z in zip(exact, real, *samples, strict=True)
    ]
    return made, np.concatenate(shifts)


def _problem(x: FloatArray, z: FloatArray, w: Reals) -> tuple[Reals, Reals]:
    """The damped covariance of z, and the real weights that give for z what `w` gives for x."""
    h, c = ((z.T @ y / len(z)).astype(np.float64) for y in (z, x))
    share = DAMPING * (1 + FEW * len(h) / len(z))
    damped = h + (share * np.trace(h) / len(h) + 1e-12) * np.eye(len(h))
    target: Reals = w + np.linalg.solve(damped, (c - h) @ w.T).T
    return damped, target
