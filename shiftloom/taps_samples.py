"""Sample chains of taps; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.pipeline.taps import Taps
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import Stream
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Pair, Window

DESIGN = "sample"
_SEED = 5

_TAPS = (  # size, kernel, (stride, padding, dilation), channels, lanes, bits of a tap, of a sum
    ((28, 28), (5, 5), (1, 2, 1), 6, 6, 12, 16),
    ((14, 14), (5, 5), (1, 0, 1), 16, 2, 14, 18),
    ((32, 32), (3, 3), (1, 1, 1), 16, 4, 14, 17),
    ((32, 32), (3, 3), (2, 1, 1), 16, 1, 14, 17),
    ((16, 16), (3, 3), (1, 1, 1), 32, 8, 16, 20),
    ((8, 8), (3, 3), (1, 1, 1), 64, 4, 17, 21),
    ((25, 5), (3, 3), (1, 1, 1), 64, 1, 11, 14),
    ((25, 5), (3, 3), (1, 1, 1), 8, 8, 11, 14),
    ((16, 16), (1, 1), (2, 0, 1), 32, 4, 16, 16),
    ((20, 20), (3, 3), (1, 2, 2), 8, 2, 12, 15),
    ((96, 96), (3, 3), (2, 1, 1), 8, 2, 12, 15),
    ((12, 12), (3, 3), (1, 0, 1), 4, 4, 8, 12),
    ((64, 40), (5, 1), (1, 0, 1), 16, 8, 12, 16),
    ((1, 120), (1, 7), (1, 0, 1), 8, 8, 12, 16),
    ((60, 60), (2, 2), (1, 0, 1), 24, 4, 16, 18),
    ((49, 10), (10, 4), (2, 3, 1), 16, 1, 12, 17),
)


def _taps(
    name: str,
    size: Pair,
    kernel: Pair,
    geometry: tuple[int, int, int],
    channels: int,
    lanes: int,
    tap_bits: int,
    bits: int,
) -> Taps:
    stride, padding, dilation = ((n, n) for n in geometry)
    window = Window(kernel, stride, padding, dilation=dilation)
    random = np.random.default_rng([_SEED, channels, lanes, bits])
    weights = random.normal(size=(channels, *kernel, 1)).astype(np.float32)
    codes = qsq.quantize("sample", weights, Qsq(4, None, "output"))
    bias = Array(random.integers(-1000, 1000, channels))
    mac = Mac(codes.values, bias, window, 0, codes)
    taps = kernel[0] * kernel[1]
    source = Stream("s", "", (*size, channels * taps), lanes * taps, tap_bits, True)
    output = window.output(name, (*size, channels))
    sink = Stream("m", "", (*output, channels), lanes, bits, True)
    return Taps(name, "sample", source, sink, mac, DESIGN)


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "taps": (_taps, _TAPS),
}
