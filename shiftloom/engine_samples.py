"""Sample engines with small programs; see `samples.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from shiftloom.codegen.dataflows.dadiannao.compiled import compile_program
from shiftloom.codegen.dataflows.dadiannao.unit import DadianNao
from shiftloom.codegen.dataflows.engine import streams
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes, Op, Operations
from shiftloom.codegen.dataflows.engine.steps import LOOPS
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.systolic import compiled as systolic
from shiftloom.codegen.dataflows.systolic.unit import Systolic
from shiftloom.codegen.design import Stream
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.plan import EnginePlan, OpPlan
from shiftloom.codegen.qgraph import (
    Mac,
    QGraph,
    QInput,
    QNode,
    QTensor,
    Requantize,
    ScaledAdd,
    WindowReduce,
)
from shiftloom.codegen.quantizers import qsq
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window

DESIGN = "sample"
_SEED = 6
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
_SYSTOLIC = (  # rows, columns, what stays, weight ports, pixels, buffer,
    # size, channels, kernel, bits of an activation, of a weight, residual, bits of a sum, max pool
    (8, 8, "weight", 1, 64, 256, 6, 8, 3, 8, 3, False, 18, False),
    (8, 8, "weight", 2, 256, 512, 8, 16, 3, 8, 3, True, 21, False),
    (8, 8, "output", 1, 8, 256, 6, 8, 3, 8, 3, False, 20, True),
    (8, 8, "output", 1, 8, 512, 6, 8, 3, 8, 5, True, 18, False),
    (8, 8, "weight", 1, 512, 1024, 10, 8, 3, 8, 8, False, 24, False),
    (8, 16, "weight", 1, 128, 512, 8, 16, 3, 8, 3, True, 20, True),
    (8, 16, "output", 2, 8, 512, 6, 16, 1, 8, 3, False, 22, False),
    (16, 16, "weight", 2, 512, 1024, 8, 32, 1, 8, 3, True, 21, True),
)
_SHIFTS = (10, 13, 15)
"""Shifts of more layers, so that they are no constants of the engine."""


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


class _Layers:
    """A network under construction; `last` is the name of the value made last."""

    def __init__(self, size: int, channels: int, kernel: int, bits: int, w_bits: int) -> None:
        self.rng = np.random.default_rng([_SEED, size, channels, kernel, bits, w_bits])
        self.channels, self.kernel, self.bits, self.w_bits = channels, kernel, bits, w_bits
        self.size = (size, size)
        self.nodes: list[QNode] = []
        self.last = "x"

    def tensor(self, kind: IntType) -> QTensor:
        """A map of the present size."""
        return QTensor((*self.size, self.channels), kind, Array(np.ones(())))

    def add(self, name: str, unit: Any, kind: IntType, *sources: str) -> None:
        """Append a node."""
        self.nodes.append(QNode(name, unit, sources, self.tensor(kind), "sample"))
        self.last = name

    def mac(self, name: str, kernel: int, sum_bits: int) -> None:
        """A convolution of what was made last."""
        unit = _mac(self.rng, self.channels, kernel, self.w_bits)
        self.add(name, unit, IntType(sum_bits, True), self.last)

    def layer(self, name: str, sum_bits: int, shift: int = _SHIFT, signed: bool = False) -> str:
        """A convolution with its requantization."""
        kind = IntType(self.bits, signed)
        m = Array(self.rng.integers(100, 256, self.channels))
        self.mac(f"{name}_sums", self.kernel, sum_bits)
        function = Requantization(m, shift, 8, kind, kind.lo, kind.hi)
        self.add(name, Requantize(function), kind, self.last)
        return name

    def sum(self, name: str, a: str, b: str, constants: tuple[int, int, int, int]) -> None:
        """A sum of two maps."""
        kind = IntType(self.bits, False)
        self.add(name, ScaledAdd(*constants, kind.lo, kind.hi), kind, a, b)

    def block(self, shift: int, sum_bits: int) -> None:
        """Two layers side by side with values of both signs, and their sum."""
        source = self.last
        main = self.layer(f"layer{shift}", sum_bits, shift, signed=True)
        self.last = source
        side = self.layer(f"side{shift}", sum_bits, shift - 1, signed=True)
        self.sum(f"sum{shift}", main, side, (12 * shift, 255 - shift, -shift, shift // 2))

    def pool(self) -> None:
        """Half the size."""
        window, source = Window((2, 2), (2, 2)), self.last
        self.size = window.output("pool", (*self.size, self.channels))
        self.add("pool", WindowReduce("max", window), IntType(self.bits, False), source)


def _network(
    *sizes: int,
    residual: bool,
    sum_bits: int = 16,
    has_pool: bool = False,
    shifts: tuple[int, ...] = (),
) -> QGraph:
    """Two layers whose second one leaves as sums; between them more layers and a pool, if asked."""
    made = _Layers(*sizes)
    x = made.tensor(IntType(made.bits, False))
    first = made.layer("first", sum_bits)
    if residual:
        made.sum("sum", made.layer("second", sum_bits), first, (200, 180, 77, 8))
    for shift in shifts:
        if residual:
            made.block(shift, sum_bits)
        else:
            made.layer(f"layer{shift}", sum_bits, shift)
    if has_pool:
        made.pool()
    made.mac("out", 1, sum_bits)
    return QGraph("sample", (QInput("x", x),), tuple(made.nodes), ("out",))


def _dadiannao(name: str, lanes: int, *row: int) -> DadianNao:
    *sizes, residual = row
    operations = lower(_network(*sizes, residual=bool(residual)), Lanes(lanes, lanes))
    program = compile_program(operations, (LOOPS,) * len(operations.ops))
    return DadianNao(name, "sample", *_ends(operations, program.widths), program, DESIGN)


def _systolic(
    name: str,
    rows: int,
    columns: int,
    stationary: Literal["weight", "output"],
    ports: int,
    pixels: int,
    buffer: int,
    *row: int,
) -> Systolic:
    """Tiles of as many rows as the accumulators hold, or of one pixel where sums leave."""
    *sizes, residual, sum_bits, has_pool = row
    parts = {"residual": bool(residual), "has_pool": bool(has_pool)}
    network = _network(*sizes, **parts, sum_bits=sum_bits, shifts=_SHIFTS)
    operations = lower(network, Lanes(rows, columns))
    most = rows if stationary == "output" else pixels
    ops = tuple(_tiles(op, most) for op in operations.ops)
    memories = (stationary, ports, pixels, buffer)
    plan = EnginePlan("systolic", (), "out", rows, columns, ops, *memories)
    program = systolic.compile_program(operations, plan)
    return Systolic(name, "sample", *_ends(operations, program.widths), program, DESIGN)


def _tiles(op: Op, most: int) -> OpPlan:
    height, width = (1, 1) if op.emits else op.output
    return OpPlan(op.name, min(height, max(1, most // width)), min(width, most), LOOPS)


def _ends(operations: Operations, widths: Arithmetic) -> tuple[Stream, Stream]:
    """What an engine reads, and the sums that it makes."""
    shape, op = operations.source.tensor.shape, operations.ops[-1]
    source = Stream("s", "", shape, streams.elements(operations), widths.lane, False)
    columns = operations.lanes.columns
    return source, Stream("m", "", (*op.output, shape[2]), columns, widths.acc_bits, True)


KINDS: dict[str, tuple[Callable[..., Unit], tuple[tuple[Any, ...], ...]]] = {
    "dadiannao": (_dadiannao, _DADIANNAO),
    "systolic": (_systolic, _SYSTOLIC),
}
