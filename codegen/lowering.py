"""Lowering: the float graph's ops append integer units here, in the network's order.

An op sees an `Operand`, a value in integers with its real scale. Raw sums stay `pending` until an
op needs activations; then one requantization absorbs α, the scales, ReLU and the poolings between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import qgraph, requant
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import Mac, QNode, QTensor, Requantize, Unit, WindowReduce
from shiftloom.codegen.quantizers.qsq import QsqWeights
from shiftloom.codegen.requant import Certificate
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Window

Scale = npt.NDArray[np.float64]

OUTPUT_BITS = 32
"""Width of a logit."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A layer's sums before its bias: the range of each channel's, and the real bias to add.

    `correction` is the share of the input's zero point, already inside [lo, hi].
    """

    bias: npt.NDArray[np.float32]
    correction: IntArray
    lo: IntArray
    hi: IntArray

    @staticmethod
    def of(bias: npt.NDArray[np.float32], beta: IntArray, x: Operand) -> Sums:
        """Sums of the weights β on the activations x."""
        flat = beta.reshape(beta.shape[0], -1)
        correction: IntArray = -x.zero * flat.sum(axis=1)
        lo: IntArray = np.where(flat > 0, flat * x.lo, flat * x.hi).sum(axis=1)
        hi: IntArray = np.where(flat > 0, flat * x.hi, flat * x.lo).sum(axis=1)
        return Sums(bias, correction, lo + correction, hi + correction)


@dataclass(frozen=True, slots=True)
class Operand:
    """The value of float node `at`, made by integer node `source`; real = scale · (q − zero).

    `scale` has shape (C,) or (); [lo, hi] covers every reachable q. `layer` is the layer whose
    settings rule its requantization; `rectified` marks a ReLU that the requantization will do,
    `flat` a feature map that the next layer reads as one vector. `sums` is there while the value
    is a layer's pending sums.
    """

    source: str
    at: str
    layer: str
    shape: Shape
    lo: int
    hi: int
    scale: Scale
    zero: int = 0
    pending: bool = False
    rectified: bool = False
    flat: bool = False
    sums: Sums | None = None


class LayerSettings(Protocol):
    """What the builder asks of the configuration and the calibration, by node name."""

    def weights(self, node: str, weights: npt.NDArray[np.float32]) -> QsqWeights:
        """Quantize the weights [C_out, KH, KW, C_in] of a layer."""

    def activation_bits(self, node: str) -> int:
        """Width of the activations a layer makes."""

    def multiplier_bits(self, node: str) -> int:
        """Width of the multiplier M of a layer's requantization."""

    def full_scale(self, node: str, out: IntType) -> float:
        """Real value that the largest integer of `out` stands for, by calibration at `node`."""


def _integer_bias(node: str, bias: npt.NDArray[np.float32], scale: Scale) -> IntArray:
    """The bias in units of each channel's scale; refuses what no accumulator could hold."""
    offset: Scale = np.rint(bias.astype(np.float64) / scale)
    if not (np.abs(offset) < 1 << qgraph.MAX_SUM_BITS).all():
        worst = int(np.argmin(np.abs(offset) < 1 << qgraph.MAX_SUM_BITS))
        raise ShiftloomError(
            node,
            f"channel {worst}: bias {bias[worst]} is {offset[worst]:.3g} steps of its weights",
            f"sums have at most {qgraph.MAX_SUM_BITS} bits; check the model",
        )
    return offset.astype(np.int64)


def _pending_type(x: Operand) -> IntType:
    """The type of sums, with room above the largest for a threshold that none reaches."""
    return IntType.covering(x.lo, x.hi + 1)


class IntegerBuilder:
    """Collects the integer units of a network; each method appends and returns an Operand."""

    def __init__(self, settings: LayerSettings) -> None:
        self.settings = settings
        self.nodes: list[QNode] = []
        self.certificates: list[Certificate] = []

    def mac(
        self,
        node: str,
        x: Operand,
        weights: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32],
        window: Window,
    ) -> Operand:
        """A convolution or fully connected layer on activations; makes pending sums."""
        x = self.activations(x)
        codes = self.settings.weights(node, weights)
        if codes.format.axis != "output" or codes.mantissa.data.size != weights.shape[0]:
            raise ShiftloomError(
                node,
                f"QSQ axis {codes.format.axis!r} with vectors of {codes.format.vector}",
                "the streaming dataflow takes axis output with vector null (one α a channel)",
            )
        beta: IntArray = codes.beta.data
        scale = codes.alpha * x.scale
        offset = _integer_bias(node, bias, scale)
        sums = Sums.of(bias, beta, x)
        lo, hi = int((sums.lo + offset).min()), int((sums.hi + offset).max())
        source = (1, 1, math.prod(x.shape)) if x.flat else x.shape
        shape = (*window.output(node, source), beta.shape[0])
        unit = Mac(codes.beta, Array(offset + sums.correction), window, x.zero, codes)
        out = Operand(node, node, node, shape, lo, hi, scale, pending=True, sums=sums)
        return self._append(node, unit, x, out)

    def reduce(self, node: str, x: Operand, kind: Literal["max", "sum"], window: Window) -> Operand:
        """Pooling; a maximum works on pending sums as well, a sum (mean) on activations only."""
        shape = (*window.output(node, x.shape), x.shape[2])
        if kind == "max":
            out = replace(x, source=node, at=node, shape=shape)
            return self._append(node, WindowReduce(kind, window), x, out)
        x = self.activations(x)
        if x.zero:
            raise ShiftloomError(
                node, f"averages an input with zero point {x.zero}", "use an input with zero 0"
            )
        taps = int(np.prod(window.kernel))
        lo, hi = min(0, x.lo * taps), x.hi * taps
        out = replace(
            x, source=node, at=node, shape=shape, lo=lo, hi=hi, scale=x.scale / taps, pending=True
        )
        return self._append(node, WindowReduce(kind, window), x, out)

    def rectify(self, node: str, x: Operand) -> Operand:
        """ReLU: the requantization to come clips at zero."""
        if not x.pending and x.lo >= x.zero:
            return replace(x, at=node)
        if x.zero:
            raise ShiftloomError(
                node, f"rectifies an input with zero point {x.zero}", "use an input with zero 0"
            )
        return replace(x, at=node, pending=True, rectified=True)

    def flatten(self, node: str, x: Operand) -> Operand:
        """Read a feature map as a vector; the stream of its elements does not change."""
        return replace(x, flat=True)

    def activations(self, x: Operand) -> Operand:
        """Requantize pending sums to the layer's activation type; others pass unchanged."""
        if not x.pending:
            return x
        signed = not x.rectified and x.lo < 0
        out = IntType(self.settings.activation_bits(x.layer), signed)
        scale = np.float64(self.settings.full_scale(x.at, out) / out.hi)
        ratios = np.broadcast_to(x.scale / scale, (x.shape[2],))
        name = f"{x.at}_requant"
        bits = self.settings.multiplier_bits(x.layer)
        function = requant.fit(name, ratios, bits, out, out.lo, out.hi)
        x = self._rescaled(x, np.ldexp(function.m.data * scale, -function.shift))
        result = replace(
            x,
            source=name,
            lo=out.lo,
            hi=out.hi,
            scale=np.asarray(scale),
            pending=False,
            rectified=False,
            sums=None,
        )
        return self._requantize(name, function, x, result)

    def logits(self, x: Operand) -> Operand:
        """The network's output: integers times their channel's α in 32 bits, with no rounding."""
        ratios = np.broadcast_to(x.scale, (x.shape[2],))
        uniform = bool((ratios == ratios[0]).all())
        room = OUTPUT_BITS - 2 - int(x.hi - x.lo).bit_length()
        bits = 4 if uniform else min(self.settings.multiplier_bits(x.layer), room)
        top = 1 if uniform else (1 << max(bits, 1)) - 1
        m = np.maximum(np.rint(ratios / ratios.max() * top).astype(np.int64), 1)
        x = self._rescaled(x, m * ratios.max() / top)
        name, out = f"{x.at}_requant", IntType(OUTPUT_BITS, signed=True)
        lo = 0 if x.rectified else min(0, x.lo * int(m.max()))
        hi = max(0, x.hi * int(m.max()))
        if hi - lo >= out.hi:
            raise ShiftloomError(
                name, f"logits reach {lo} to {hi}, a span beyond {out}", "use a smaller layer"
            )
        function = requant.Requantization(Array(m), 0, bits, out, lo, hi)
        scale = np.asarray(ratios.max() / top)
        result = replace(x, source=name, lo=lo, hi=hi, scale=scale, pending=False)
        return self._requantize(name, function, x, result)

    def _rescaled(self, x: Operand, scale: Scale) -> Operand:
        """Pending sums with their bias in steps of `scale`, what the multipliers really give.

        A multiplier of few bits is a coarse copy of the scale of a faint channel, and would carry
        its error over to a bias that may be far from faint.
        """
        if x.sums is None:
            return x
        offset = _integer_bias(x.layer, x.sums.bias, scale)
        lo, hi = int((x.sums.lo + offset).min()), int((x.sums.hi + offset).max())
        out = replace(x, lo=lo, hi=hi, scale=scale)
        first = next(i for i, node in enumerate(self.nodes) if node.name == x.layer)
        for i, node in enumerate(self.nodes[first:], first):
            unit = node.unit
            if isinstance(unit, Mac):
                unit = replace(unit, bias=Array(offset + x.sums.correction))
            made = replace(node.out, type=_pending_type(out), scale=Array(scale))
            self.nodes[i] = replace(node, unit=unit, out=made)
        return out

    def _requantize(
        self, name: str, function: requant.Requantization, x: Operand, result: Operand
    ) -> Operand:
        reference = tuple(function.ratio(c) for c in range(x.shape[2]))
        self.certificates.append(requant.certify(name, function, reference, x.lo, x.hi))
        return self._append(name, Requantize(function), x, result)

    def _append(self, name: str, unit: Unit, x: Operand, out: Operand) -> Operand:
        if isinstance(unit, Requantize):
            kind = unit.requantization.out
        elif out.pending:
            kind = _pending_type(out)
        else:
            kind = IntType.covering(out.lo, out.hi, signed=out.lo < 0)
        tensor = QTensor(out.shape, kind, Array(out.scale), out.zero)
        self.nodes.append(QNode(name, unit, x.source, tensor, out.layer))
        return replace(out, source=name)
