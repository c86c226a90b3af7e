"""Sample engines with small programs; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.dadiannao.compiled import compile_program
from shiftloom.codegen.dataflows.dadiannao.unit import DadianNao
from shiftloom.codegen.dataflows.engine import streams
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.engine.steps import LOOPS
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import Stream
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.qgraph import Mac, QGraph, QInput, QNode, QTensor, Requantize, ScaledAdd
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 6
_SUMS = IntType(16, True)
_SHIFT = 12

_DADIANNAO = (  # lanes, size, channels, kernel, bits of an activation, of a weight, residual
    (4, 6, 4, 3, 8, 3, False),
    (4, 12, 12, 3, 8, 3, True),
    (4, 6, 8, 1, 4, 3, False),
    (8, 6, 8, 3, 8, 3, False),
    (8, 10, 16, 3, 4, 3, True),
    (4, 8, 8, 3, 8, 8, False),
    (8, 6, 8, 1, 4, 5, True),
    (16, 4, 16, 1, 4, 3, False),
    (16, 8, 16, 1, 8, 3, False),
)


def _mac(rng: np.random.Generator, channels: int, kernel: int, bits: int) -> Mac:
    """A convolution with random weights: codes of 3 bits, or integers."""
    shape, pad = (channels, kernel, kernel, channels), kernel // 2
    codes = qsq.quantize(
        "sample", rng.normal(size=shape).astype(np.float32), Qsq(4, None, "output")
    )
    top = 1 << (bits - 1)
    weights = codes.values if bits == 3 else Array(rng.integers(-top, top, shape))
    bias = Array(rng.integers(-1000, 1000, channels))
    return Mac(weights, bias, Window((kernel, kernel), (1, 1), (pad, pad)), 0, codes)


def _network(
    size: int, channels: int, kernel: int, bits: int, w_bits: int, residual: bool
) -> QGraph:
    """Two layers whose second one leaves as sums, and a sum between them where there is one."""
    rng = np.random.default_rng([_SEED, size, channels, kernel, bits, w_bits])
    kind, shape, one = IntType(bits, False), (size, size, channels), Array(np.ones(()))
    x, sums = QTensor(shape, kind, one), QTensor(shape, _SUMS, one)
    nodes: list[QNode] = []

    def add(name: str, unit: Any, out: QTensor, *sources: str) -> str:
        nodes.append(QNode(name, unit, sources, out, "sample"))
        return name

    def layer(name: str, source: str) -> str:
        m = Array(rng.integers(100, 256, channels))
        function = Requantization(m, _SHIFT, 8, kind, kind.lo, kind.hi)
        add(f"{name}_sums", _mac(rng, channels, kernel, w_bits), sums, source)
        return add(name, Requantize(function), x, f"{name}_sums")

    last = layer("first", "x")
    if residual:
        other = layer("second", last)
        last = add("sum", ScaledAdd(200, 180, 77, 8, kind.lo, kind.hi), x, other, last)
    add("out", _mac(rng, channels, 1, w_bits), sums, last)
    return QGraph("sample", (QInput("x", x),), tuple(nodes), ("out",))


def _dadiannao(name: str, lanes: int, *network: Any) -> DadianNao:
    operations = lower(_network(*network), Lanes(lanes, lanes))
    program = compile_program(operations, (LOOPS,) * len(operations.ops))
    shape = operations.source.tensor.shape
    source = Stream("s", "", shape, streams.elements(operations), program.widths.lane, False)
    op = operations.ops[-1]
    sink = Stream("m", "", (*op.output, shape[2]), lanes, program.widths.acc_bits, True)
    return DadianNao(name, "sample", source, sink, program, DESIGN)


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "dadiannao": (_dadiannao, _DADIANNAO),
}
