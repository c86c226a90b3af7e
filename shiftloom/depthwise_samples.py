"""Sample units of depthwise layers, in the shapes that networks have; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import RomStyle, Stream
from shiftloom.codegen.formats import Int
from shiftloom.codegen.pe.depthwise import DepthwiseDsp, DepthwiseShift
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantizers.fixed_point import in_fixed_point
from shiftloom.codegen.values import Array, IntArray, IntType, Shape
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 4
_CODES = np.array([-4, -2, -1, 0, 1, 2, 4])

_DEPTHWISE = (  # channels, taps, lanes, activation bits, weight bits, memory
    (16, 9, 4, 8, 3, "distributed"),
    (64, 9, 8, 8, 3, "block"),
    (16, 9, 16, 8, 3, "distributed"),
    (32, 9, 2, 8, 3, "block"),
    (8, 9, 8, 4, 3, "distributed"),
    (8, 25, 1, 8, 3, "distributed"),
)
_DW_DSP = tuple((*row[:4], 8, row[5]) for row in _DEPTHWISE)


def _stream(shape: Shape, elements: int, bits: int, signed: bool, name: str = "s") -> Stream:
    return Stream(name, "", shape, elements, bits, signed)


def _mac(shape: tuple[int, ...], bits: int, weight_bits: int, groups: int) -> tuple[Mac, int]:
    """A layer with random weights, codes of shifts for 3 bits, and the width of its sums."""
    random = np.random.default_rng([_SEED, *shape, bits])
    kind = IntType(weight_bits, True)
    values: IntArray = random.integers(kind.lo + 1, kind.hi + 1, shape)
    if weight_bits == 3:
        values = random.choice(_CODES, shape)
    bias = random.integers(-1000, 1000, shape[0])
    reach = int(np.abs(values).reshape(shape[0], -1).sum(axis=1).max()) << bits
    codes = in_fixed_point(Int(weight_bits + 1), values, values, np.ones(shape[0]), 16)
    window = Window((shape[1], shape[2]))
    mac = Mac(Array(values), Array(bias), window, 0, codes, groups)
    return mac, IntType.covering(-reach - 1000, reach + 1000).bits


def _depthwise(
    kind: type[DepthwiseShift | DepthwiseDsp],
) -> Callable[[str, int, int, int, int, int, RomStyle], DepthwiseShift | DepthwiseDsp]:
    def build(
        name: str,
        channels: int,
        taps: int,
        lanes: int,
        bits: int,
        weight_bits: int,
        memory: RomStyle,
    ) -> DepthwiseShift | DepthwiseDsp:
        side = round(taps**0.5)
        mac, acc_bits = _mac((channels, side, side, 1), bits, weight_bits, channels)
        source = _stream((1, 1, taps * channels), lanes, bits, False)
        sink = _stream((1, 1, channels), lanes, acc_bits, True, "m")
        return kind(name, "sample", source, sink, mac, DESIGN, memory)

    return build


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "dw_shift": (_depthwise(DepthwiseShift), _DEPTHWISE),
    "dw_dsp": (_depthwise(DepthwiseDsp), _DW_DSP),
}
