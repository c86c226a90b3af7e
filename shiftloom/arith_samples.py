"""Sample units that multiply in DSP blocks, or scale and add; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.add import AddUnit
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import RomStyle, Stream
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.pe.dsp import DspMatrix
from shiftloom.codegen.qgraph import Mac, ScaledAdd
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 3

_MVU_DSP = (  # outputs, terms, PE, SIMD, activation bits, largest weight, memory
    (16, 144, 16, 16, 8, 4, "distributed"),
    (16, 144, 8, 8, 8, 127, "distributed"),
    (16, 144, 4, 16, 8, 127, "block"),
    (32, 72, 8, 4, 8, 4, "distributed"),
    (12, 100, 3, 10, 8, 127, "distributed"),
    (64, 64, 8, 8, 4, 4, "distributed"),
    (8, 576, 8, 32, 8, 4, "block"),
    (10, 64, 1, 1, 8, 127, "distributed"),
    (24, 40, 4, 5, 8, 20, "distributed"),
    (64, 64, 4, 4, 8, 127, "block"),
    (16, 27, 4, 9, 8, 127, "distributed"),
    (20, 48, 10, 12, 4, 7, "distributed"),
)
_ADD = (  # lanes, bits of an operand, bits of a factor, shift, DSP
    (1, 8, 16, 16, False),
    (2, 8, 20, 22, False),
    (4, 8, 12, 12, False),
    (2, 4, 16, 16, False),
    (4, 8, 16, 18, True),
    (1, 8, 16, 16, True),
    (2, 4, 16, 16, True),
)


def _stream(shape: tuple[int, int, int], elements: int, bits: int, name: str = "s") -> Stream:
    return Stream(name, "", shape, elements, bits, signed=name == "sums")


def _mvu_dsp(
    name: str, outputs: int, terms: int, pe: int, simd: int, bits: int, top: int, memory: RomStyle
) -> DspMatrix:
    random = np.random.default_rng([_SEED, outputs, terms, bits])
    weights = np.clip(np.rint(random.normal(0, top / 2.5, (outputs, 1, 1, terms))), -top, top)
    values = Array(weights.astype(np.int64))
    bias = random.integers(-1000, 1000, outputs)
    codes = QuantizedWeights(Given(8), values, Array(np.ones(1, dtype=np.int64)), 0)
    mac = Mac(values, Array(bias), Window((1, 1)), 0, codes)
    reach = (int(np.abs(values.data).sum(axis=-1).max()) << bits) + 1000
    source = _stream((1, 1, terms * outputs // pe), simd, bits)
    sink = Stream("m", "", (1, 1, outputs), pe, IntType.covering(-reach, reach).bits, True)
    return DspMatrix(name, "sample", source, sink, mac, DESIGN, memory)


def _add(name: str, lanes: int, bits: int, factor_bits: int, shift: int, use_dsp: bool) -> AddUnit:
    random = np.random.default_rng([_SEED, lanes, bits, factor_bits])
    low = 1 << (factor_bits - 2)
    m1, m2, c = (int(value) for value in random.integers(low, 2 * low, 3))
    function = ScaledAdd(m1, m2, -c << (bits - 1), shift, 0, (1 << bits) - 1)
    ports = [_stream((8, 8, lanes), lanes, bits, port) for port in ("s0", "s1", "m")]
    return AddUnit(name, "sample", (ports[0], ports[1]), (ports[2],), function, DESIGN, use_dsp)


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "mvu_dsp": (_mvu_dsp, _MVU_DSP),
    "add": (_add, _ADD),
}
"""A builder of units, and the arguments of each sample, by kind."""
