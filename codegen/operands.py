"""What output pixels are computed of: samples of the operands of a layer with weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.ops import ConvTranspose2d, Linear
from shiftloom.codegen.values import FloatArray
from shiftloom.codegen.windows import Window, insert

MAX_SAMPLES = 1 << 14
"""Output pixels that the statistics of a layer are taken from."""
MAX_VALUES = 1 << 24
"""Most numbers in the samples of a layer."""

Pair = tuple[FloatArray, FloatArray]
"""A tensor in the float network and in the quantized one."""


def sample(op: Layer, pair: Pair, random: np.random.Generator) -> Pair:
    """Operands of the same random output pixels in both networks, [groups, samples, terms].

    The terms are in the order of `fitted.kernel`.
    """
    if isinstance(op, Linear):
        exact, now = (x.reshape(1, -1, op.weights.data.shape[1]) for x in pair)
        return exact, now
    window = op.window
    if isinstance(op, ConvTranspose2d):
        window = op.forward
        pair = insert(pair[0], op.pad, op.gaps, 0.0), insert(pair[1], op.pad, op.gaps, 0.0)
    frames, *source = pair[0].shape
    height, width = window.output("", (source[0], source[1], source[2]))
    terms = op.groups * int(np.prod(op.weights.data.shape[1:]))
    count = min(MAX_SAMPLES, MAX_VALUES // terms, frames * height * width)
    places = random.choice(frames * height * width, count, replace=False)
    index = np.unravel_index(np.sort(places), (frames, height, width))
    exact, now = (_taps(x, window, index) for x in pair)
    return _by_group(exact, op.groups), _by_group(now, op.groups)


def _taps(x: FloatArray, window: Window, index: tuple[npt.NDArray[np.intp], ...]) -> FloatArray:
    """The taps [samples, KH·KW, C] of the output pixels `index` (frame, row, column)."""
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    margins = zip(window.padding, window.end, strict=True)
    padded = np.pad(x, ((0, 0), *margins, (0, 0)))
    rows = (index[1] * sh)[:, None] + np.arange(kh) * dh
    columns = (index[2] * sw)[:, None] + np.arange(kw) * dw
    taps: FloatArray = padded[index[0][:, None, None], rows[:, :, None], columns[:, None, :]]
    return taps.reshape(len(taps), kh * kw, -1)


def _by_group(taps: FloatArray, groups: int) -> FloatArray:
    """[samples, KH·KW, C] as [groups, samples, KH·KW·C / groups]."""
    samples, count, _ = taps.shape
    split = taps.reshape(samples, count, groups, -1).transpose(2, 0, 1, 3)
    return split.reshape(groups, samples, -1)
