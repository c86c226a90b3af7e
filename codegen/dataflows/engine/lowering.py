"""Integer units of a part of a network as operations of an engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine.dense import dense, is_flat
from shiftloom.codegen.dataflows.engine.layouts import Layout, is_alias, layouts, targets
from shiftloom.codegen.dataflows.engine.operations import (
    FeatureMap,
    Lanes,
    Op,
    Operations,
    Region,
    Residual,
)
from shiftloom.codegen.dataflows.engine.rewrite import (
    WAY_OUT,
    makes_sums,
    other_operand,
    rewritten,
)
from shiftloom.codegen.dataflows.engine.row_windows import with_row_windows
from shiftloom.codegen.dataflows.engine.shifts import with_equal_shifts
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import (
    Concat,
    Gather,
    Mac,
    QGraph,
    QNode,
    QTensor,
    Requantize,
    ScaledAdd,
    WindowReduce,
)
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntArray, IntType
from shiftloom.codegen.windows import Window

STORED = (Requantize, ScaledAdd, WindowReduce, Concat, Gather)
"""Units whose values an engine stores."""


def lower(part: QGraph, lanes: Lanes) -> Operations:
    """The operations of a part with one input, whose only output is a `Mac`.

    Raises ShiftloomError naming a node that no engine runs.
    """
    front, part = with_row_windows(_flat_input(part), lanes.rows)
    part = rewritten(part)
    for node in part.nodes:
        _check(part, node)
    return _Lowering(part, lanes).operations(front)


def _flat_input(part: QGraph) -> QGraph:
    """The input as one pixel, where all that read it are fully connected layers."""
    source = part.inputs[0]
    shape, readers = source.tensor.shape, part.readers(source.name)
    if not all(isinstance(node.unit, Mac) and is_flat(node.unit, shape) for node in readers):
        return part
    tensor = replace(source.tensor, shape=(1, 1, int(np.prod(shape))))
    return replace(part, inputs=(replace(source, tensor=tensor),))


def _check(part: QGraph, node: QNode) -> None:
    """Refuse a node that is no operation, or reads what is not stored."""
    kind = type(node.unit).__name__
    if not isinstance(node.unit, (Mac, *STORED)):
        raise ShiftloomError(node.name, f"no engine has the unit {kind}", WAY_OUT)
    if isinstance(node.unit, Requantize):
        if node.unit.requantization.steps is not None:
            problem = "no engine requantizes by thresholds"
            raise ShiftloomError(node.name, problem, WAY_OUT)
        return
    sums = [each.name for each in part.nodes if makes_sums(each) and each.name in node.sources]
    if sums:
        problem = f"{kind} of the sums of {sums[0]!r}, which no engine stores"
        raise ShiftloomError(node.name, problem, WAY_OUT)


@dataclass(frozen=True, slots=True)
class _Sums:
    """What a requantization reads: a product of a stored value with dense weights."""

    source: str
    window: Window
    weights: npt.NDArray[Any]
    bias: IntArray
    pad: int
    bits: int


class _Lowering:
    """Makes operations node by node; a requantization takes in the sums that it reads."""

    def __init__(self, part: QGraph, lanes: Lanes) -> None:
        self.part = part
        self.lanes = lanes
        self.nodes = {node.name: node for node in part.nodes}
        self.layouts = layouts(part, lanes)
        self.targets = targets(part, self.layouts)
        self.fused = self._fused()

    def operations(self, front: Window | None) -> Operations:
        """All operations, and the maps they use."""
        ops = [op for node in self.part.nodes if (op := self._op(node)) is not None]
        last = self.nodes[self.part.outputs[0]]
        ops.append(self._conv(last.name, self._mac(last), None, None))
        return Operations(
            self.lanes,
            self.part.inputs[0],
            front,
            self._maps(ops),
            with_equal_shifts(ops),
            last.out.shape[2],
        )

    def _fused(self) -> set[str]:
        """Requantizations that are computed with the sum behind them."""
        found = set()
        for node in self.part.nodes:
            if isinstance(node.unit, ScaledAdd):
                other = other_operand(self.part, node)
                assert other is not None
                found.add(node.sources[1 - other])
        return found

    def _op(self, node: QNode) -> Op | None:
        unit = node.unit
        if isinstance(unit, ScaledAdd):
            other = other_operand(self.part, node) or 0
            inner = self.nodes[node.sources[1 - other]]
            assert isinstance(inner.unit, Requantize)
            add = unit if other == 1 else replace(unit, m1=unit.m2, m2=unit.m1)
            residual = Residual(self._region(node.sources[other]), add)
            function = inner.unit.requantization
            return self._conv(node.name, self._sums(inner), function, residual)
        if isinstance(unit, Requantize):
            if node.name in self.fused or is_alias(self.part, node):
                return None
            return self._conv(node.name, self._sums(node), unit.requantization, None)
        if isinstance(unit, WindowReduce) and unit.kind == "max":
            return self._pool(node, unit)
        return None

    def _pool(self, node: QNode, unit: WindowReduce) -> Op:
        source = self._region(node.sources[0])
        pad = source.type.lo if unit.pad_value is None else unit.pad_value
        height, width, _ = self._tensor(node.sources[0]).shape
        size, output = (height, width), node.out.shape[:2]
        target = self._region(node.name)
        return Op(node.name, "pool", source, size, unit.window, output, pad, target)

    def _conv(
        self,
        name: str,
        sums: _Sums,
        function: Requantization | None,
        residual: Residual | None,
    ) -> Op:
        source, layout = self._region(sums.source), self.layouts.get(name)
        if layout is None:
            count = len(sums.weights)
            layout = Layout(tuple(range(count)), self.lanes.blocks(count))
        outputs, inputs = layout.blocks * self.lanes.rows, source.blocks * self.lanes.rows
        kernel = sums.window.kernel
        weights = np.zeros((outputs, *kernel, inputs), np.int16)
        rows, columns = np.array(layout.lanes), np.array(self.layouts[sums.source].lanes)
        taps = (np.arange(kernel[0]), np.arange(kernel[1]))
        weights[np.ix_(rows, *taps, columns)] = sums.weights
        height, width, _ = self._tensor(sums.source).shape
        return Op(
            name,
            "conv",
            source,
            (height, width),
            sums.window,
            sums.window.output(name, (height, width, 1)),
            sums.pad,
            None if function is None else self._region(name),
            Array(weights),
            Array(_spread(sums.bias, rows, outputs)),
            sums.bits,
            None if function is None else _on_lanes(function, rows, outputs),
            residual,
        )

    def _sums(self, node: QNode) -> _Sums:
        """The product whose sums a requantization reads; of an activation, itself."""
        name = node.sources[0]
        if name in self.nodes and isinstance(self.nodes[name].unit, Mac):
            return self._mac(self.nodes[name])
        channels, window, pad = self._tensor(name).shape[2], Window((1, 1)), 0
        source, bits = name, _signed_bits(self._tensor(name).type)
        if name in self.nodes and makes_sums(self.nodes[name]):
            reduce = self.nodes[name].unit
            assert isinstance(reduce, WindowReduce)
            source, window, pad = self.nodes[name].sources[0], reduce.window, reduce.pad_value or 0
        diagonal = np.eye(channels, dtype=np.int16)[:, None, None, :]
        weights = np.broadcast_to(diagonal, (channels, *window.kernel, channels))
        return _Sums(source, window, weights, np.zeros(channels, np.int64), pad, bits)

    def _mac(self, node: QNode) -> _Sums:
        mac = node.unit
        assert isinstance(mac, Mac)
        shape, window = self._tensor(node.sources[0]).shape, mac.window
        weights = dense(mac)
        if is_flat(mac, shape):
            window, weights = Window(shape[:2]), weights.reshape(-1, *shape)
        bits = _signed_bits(node.out.type)
        return _Sums(node.sources[0], window, weights, mac.bias.data, mac.pad_value, bits)

    def _region(self, value: str) -> Region:
        """Where a value lies, through values in the same place."""
        kind, blocks = self._tensor(value).type, self.layouts[value].blocks
        while value in self.nodes and is_alias(self.part, self.nodes[value]):
            value = self.nodes[value].sources[0]
        target = self.targets[value]
        return Region(target.map, target.block, blocks, kind)

    def _tensor(self, value: str) -> QTensor:
        return self.part.tensor(value)

    def _maps(self, ops: list[Op]) -> tuple[FeatureMap, ...]:
        """The maps that operations use, in the order of their names' first appearance."""
        names = dict.fromkeys([self.part.inputs[0].name, *(n for op in ops for n in op.reads)])
        found = []
        for name in names:
            height, width, _ = self._tensor(name).shape
            found.append(FeatureMap(name, height, width, self.layouts[name].blocks))
        return tuple(found)


def _signed_bits(kind: IntType) -> int:
    return kind.bits + (not kind.signed)


def _spread(values: IntArray, lanes: IntArray, count: int) -> IntArray:
    """Values of the channels at their lanes, zeros elsewhere."""
    full = np.zeros(count, np.int64)
    full[lanes] = values
    return full


def _on_lanes(function: Requantization, lanes: IntArray, count: int) -> Requantization:
    offset = np.broadcast_to(function.offset.data, lanes.shape)
    m = np.broadcast_to(function.m.data, lanes.shape)
    return replace(
        function, m=Array(_spread(m, lanes, count)), offset=Array(_spread(offset, lanes, count))
    )
