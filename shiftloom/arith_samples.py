"""Sample units that multiply in DSP blocks, or scale and add; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.add import AddUnit
from shiftloom.codegen.dataflows.streaming.requantize import MultiplyShift
from shiftloom.codegen.dataflows.streaming.requantize_csd import RequantCsd
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import RomStyle, Stream
from shiftloom.codegen.formats.binary import Binary
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.pe.csd import CsdMatrix
from shiftloom.codegen.pe.dsp import DspMatrix
from shiftloom.codegen.pe.xnor import XnorMatrix
from shiftloom.codegen.plan import Gate
from shiftloom.codegen.qgraph import Mac, ScaledAdd
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.signed_digits import furthest
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
    (16, 27, 16, 3, 8, 4, "distributed"),
    (32, 32, 2, 8, 8, 4, "distributed"),
    (32, 96, 8, 12, 8, 4, "block"),
)
_MVU_CSD = (  # outputs, terms, PE, SIMD, activation bits, largest weight, gate, memory
    (8, 72, 4, 4, 8, 127, "product", "distributed"),
    (4, 36, 2, 9, 8, 127, "product", "distributed"),
    (16, 32, 2, 8, 8, 127, "product", "block"),
    (8, 16, 1, 4, 8, 31, "product", "distributed"),
    (4, 24, 2, 6, 4, 127, "product", "distributed"),
    (10, 64, 1, 1, 8, 127, "product", "distributed"),
    (6, 27, 3, 3, 8, 15, "none", "distributed"),
    (8, 48, 2, 4, 8, 127, "none", "distributed"),
    (4, 16, 4, 2, 4, 127, "none", "distributed"),
    (8, 32, 2, 4, 8, 127, "row", "distributed"),
    (6, 18, 1, 6, 8, 31, "row", "distributed"),
    (4, 20, 2, 5, 8, 127, "digit", "distributed"),
    (8, 16, 4, 1, 4, 127, "digit", "distributed"),
    (32, 64, 2, 4, 8, 127, "product", "block"),
)
_MVU_XNOR = (  # outputs, terms, PE, SIMD, memory
    (64, 784, 8, 49, "auto"),
    (64, 64, 8, 64, "auto"),
    (16, 144, 4, 36, "auto"),
    (32, 128, 4, 32, "auto"),
    (8, 200, 4, 20, "auto"),
    (8, 96, 8, 48, "auto"),
    (16, 144, 16, 9, "auto"),
    (32, 288, 4, 24, "distributed"),
    (64, 576, 4, 72, "block"),
    (10, 64, 1, 8, "auto"),
    (64, 64, 2, 32, "auto"),
)
_REQUANT_OFFSET = (  # lanes, folds, bits in, bits of M, of C, shift, DSP
    (2, 4, 18, 16, 32, 26, False),
    (1, 16, 16, 8, 22, 16, False),
    (4, 1, 8, 8, 15, 8, False),
    (1, 64, 20, 12, 30, 22, False),
    (2, 8, 20, 16, 34, 28, True),
    (4, 2, 18, 24, 40, 33, True),
    (1, 1, 24, 24, 46, 38, True),
    (1, 32, 22, 16, 36, 29, True),
    (1, 256, 20, 16, 34, 28, True),
    (2, 20, 18, 12, 28, 20, False),
)
_REQUANT_CSD = (  # lanes, folds, bits in, bits of M, bits of C, shift, bits out
    (2, 3, 14, 8, 0, 13, 8),
    (1, 16, 16, 8, 0, 14, 8),
    (4, 2, 20, 8, 0, 15, 8),
    (1, 120, 19, 8, 0, 12, 8),
    (1, 84, 18, 8, 0, 11, 8),
    (2, 4, 12, 6, 0, 10, 4),
    (2, 1, 18, 8, 0, 12, 8),
    (1, 1, 14, 8, 0, 13, 8),
    (2, 2, 18, 12, 0, 18, 8),
    (1, 10, 14, 8, 0, 0, 32),
    (1, 8, 8, 17, 26, 18, 8),
    (2, 4, 8, 8, 17, 8, 8),
    (1, 64, 20, 16, 30, 22, 8),
    (4, 1, 16, 8, 0, 14, 4),
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


def _mvu_csd(
    name: str,
    outputs: int,
    terms: int,
    pe: int,
    simd: int,
    bits: int,
    top: int,
    gate: Gate,
    memory: RomStyle,
) -> CsdMatrix:
    plain = _mvu_dsp(name, outputs, terms, pe, simd, bits, top, memory)
    mac = replace(plain.mac, scalable="weight")
    low, high = furthest(mac.weights.data)
    reach = (int(np.maximum(-low, high).sum(axis=-1).max()) << bits) + 1000
    sink = replace(plain.sink, bits=IntType.covering(-reach, reach).bits)
    return CsdMatrix(name, "sample", plain.source, sink, mac, DESIGN, memory, gate)


def _mvu_xnor(
    name: str, outputs: int, terms: int, pe: int, simd: int, memory: RomStyle
) -> XnorMatrix:
    random = np.random.default_rng([_SEED, outputs, terms])
    values = Array(random.choice(np.array([-1, 1]), (outputs, 1, 1, terms)))
    codes = QuantizedWeights(Binary(), values, Array(np.ones(outputs, dtype=np.int64)), 0)
    mac = Mac(values, Array(random.integers(-50, 50, outputs)), Window((1, 1)), 0, codes)
    source = _stream((1, 1, terms * outputs // pe), simd, 1)
    acc_bits = IntType.covering(-terms - 50, terms + 50).bits
    sink = Stream("m", "", (1, 1, outputs), pe, acc_bits, True)
    return XnorMatrix(name, "sample", source, sink, mac, DESIGN, memory)


def _requant_offset(
    name: str,
    lanes: int,
    folds: int,
    bits: int,
    m_bits: int,
    c_bits: int,
    shift: int,
    use_dsp: bool,
) -> MultiplyShift:
    random = np.random.default_rng([_SEED, lanes, folds, bits])
    shape = lanes * folds
    m = np.clip(random.normal(0.7, 0.12, shape) * (1 << m_bits), 1, (1 << m_bits) - 1)
    c = random.integers(-(1 << (c_bits - 1)), 1 << (c_bits - 1), shape)
    out = IntType(8, signed=True)
    offset = Array(c)
    function = Requantization(
        Array(m.astype(np.int64)), shift, m_bits, out, out.lo, out.hi, offset=offset
    )
    source = Stream("s", "", (4, 4, shape), lanes, bits, True)
    sink = Stream("m", "", (4, 4, shape), lanes, 8, True)
    return MultiplyShift(name, "sample", source, sink, function, use_dsp, DESIGN)


def _requant_csd(
    name: str, lanes: int, folds: int, bits: int, m_bits: int, c_bits: int, shift: int, out: int
) -> RequantCsd:
    random = np.random.default_rng([_SEED, lanes, folds, bits, 1])
    shape = lanes * folds
    m = np.clip(random.normal(0.6, 0.15, shape) * (1 << m_bits), 1, (1 << m_bits) - 1)
    half = (1 << c_bits) // 2
    c = random.integers(-half, half, shape) if half else np.zeros((), np.int64)
    kind = IntType(out, signed=shift == 0)
    reach = 1 << (bits + m_bits - 2)
    lo, hi = (kind.lo, kind.hi) if shift else (-reach, reach)
    function = Requantization(
        Array(m.astype(np.int64)), shift, m_bits, kind, lo, hi, offset=Array(c)
    )
    source = Stream("s", "", (4, 4, shape), lanes, bits, True)
    sink = Stream("m", "", (4, 4, shape), lanes, out, kind.signed)
    return RequantCsd(name, "sample", source, sink, function, DESIGN)


def _add(name: str, lanes: int, bits: int, factor_bits: int, shift: int, use_dsp: bool) -> AddUnit:
    random = np.random.default_rng([_SEED, lanes, bits, factor_bits])
    low = 1 << (factor_bits - 2)
    m1, m2, c = (int(value) for value in random.integers(low, 2 * low, 3))
    function = ScaledAdd(m1, m2, -c << (bits - 1), shift, 0, (1 << bits) - 1)
    ports = [_stream((8, 8, lanes), lanes, bits, port) for port in ("s0", "s1", "m")]
    return AddUnit(name, "sample", (ports[0], ports[1]), (ports[2],), function, DESIGN, use_dsp)


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "mvu_dsp": (_mvu_dsp, _MVU_DSP),
    "mvu_csd": (_mvu_csd, _MVU_CSD),
    "mvu_xnor": (_mvu_xnor, _MVU_XNOR),
    "requant_offset": (_requant_offset, _REQUANT_OFFSET),
    "requant_csd": (_requant_csd, _REQUANT_CSD),
    "add": (_add, _ADD),
}
"""A builder of units, and the arguments of each sample, by kind."""
