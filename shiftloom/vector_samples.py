"""Sample units of layers with α of short vectors, as networks have them; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import RomStyle, Stream
from shiftloom.codegen.formats.qsq import Axis, Qsq
from shiftloom.codegen.pe.channel_csd import ChannelCsd
from shiftloom.codegen.pe.filter_csd import FilterCsd
from shiftloom.codegen.plan import Gate
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.signed_digits import furthest
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 5

_FILTER = (  # outputs, terms, vector, PE, SIMD, activation bits, bits of α, memory, gate
    (6, 25, None, 6, 5, 8, 8, "distributed", "product"),
    (16, 150, None, 4, 10, 8, 8, "distributed", "product"),
    (16, 150, None, 16, 6, 8, 8, "block", "product"),
    (120, 400, None, 4, 8, 8, 8, "block", "product"),
    (10, 84, None, 2, 4, 8, 8, "distributed", "product"),
    (12, 24, 4, 4, 6, 4, 8, "distributed", "product"),
    (16, 32, 8, 8, 4, 8, 12, "distributed", "product"),
    (16, 32, None, 8, 8, 4, 6, "distributed", "none"),
    (16, 64, None, 4, 4, 8, 8, "block", "row"),
    (12, 48, None, 6, 3, 8, 8, "distributed", "digit"),
    (84, 120, None, 2, 2, 8, 8, "distributed", "product"),
    (8, 16, 4, 2, 1, 8, 16, "distributed", "none"),
    (32, 96, 16, 8, 8, 8, 4, "distributed", "row"),
    (20, 40, None, 10, 2, 8, 8, "distributed", "digit"),
)
_CHANNEL = (  # the same, vectors along the terms
    (6, 25, 1, 3, 5, 8, 8, "distributed", "product"),
    (16, 150, 2, 2, 10, 8, 8, "distributed", "product"),
    (16, 150, 2, 4, 6, 8, 8, "block", "product"),
    (120, 400, 2, 2, 8, 8, 8, "block", "product"),
    (10, 84, 2, 2, 4, 8, 8, "distributed", "product"),
    (12, 24, 4, 4, 4, 4, 8, "distributed", "product"),
    (16, 32, 8, 4, 4, 8, 12, "distributed", "product"),
    (16, 32, 4, 4, 8, 4, 6, "distributed", "none"),
    (16, 64, 16, 4, 4, 8, 8, "block", "row"),
    (12, 48, 6, 3, 6, 8, 8, "distributed", "digit"),
    (84, 120, 4, 2, 2, 8, 8, "distributed", "product"),
    (8, 16, 4, 2, 1, 8, 16, "distributed", "none"),
    (32, 96, 8, 4, 16, 8, 4, "distributed", "row"),
    (20, 40, 2, 5, 2, 8, 8, "distributed", "digit"),
)


def _stream(terms: int, elements: int, bits: int, signed: bool, name: str) -> Stream:
    return Stream(name, "", (1, 1, terms), elements, bits, signed)


def _mac(outputs: int, terms: int, made: Qsq, bits: int, alpha_bits: int) -> tuple[Mac, int]:
    """A layer with random weights, and the width of its sums at every quality."""
    random = np.random.default_rng([_SEED, outputs, terms, bits])
    weights = random.normal(size=(outputs, 1, 1, terms)).astype(np.float32)
    codes = qsq.quantize("sample", weights, made, alpha_bits=alpha_bits)
    bias = random.integers(-1000, 1000, outputs)
    alphas = codes.format.spread(furthest(codes.mantissa.data)[1], weights.shape)
    ends = alphas * np.abs(codes.values.data)
    reach = int(ends.reshape(outputs, -1).sum(axis=1).max()) << bits
    kernel = Array(codes.integers)
    mac = Mac(kernel, Array(bias), Window((1, 1)), 0, codes, scalable="alpha")
    return mac, IntType.covering(-reach - 1000, reach + 1000).bits


def _builder(
    kind: type[FilterCsd | ChannelCsd], axis: Axis
) -> Callable[..., FilterCsd | ChannelCsd]:
    def build(
        name: str,
        outputs: int,
        terms: int,
        vector: int | None,
        pe: int,
        simd: int,
        bits: int,
        alpha_bits: int,
        memory: RomStyle,
        gate: Gate,
    ) -> FilterCsd | ChannelCsd:
        mac, acc_bits = _mac(outputs, terms, Qsq(4, vector, axis), bits, alpha_bits)
        source = _stream(terms * outputs // pe, simd, bits, False, "s")
        sink = _stream(outputs, pe, acc_bits, True, "m")
        return kind(name, "sample", source, sink, mac, DESIGN, memory, gate)

    return build


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "mvu_filter_csd": (_builder(FilterCsd, "filter"), _FILTER),
    "mvu_channel_csd": (_builder(ChannelCsd, "channel"), _CHANNEL),
}
