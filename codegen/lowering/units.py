"""The integer units appended so far, and the biases of pending sums, which may still move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.lowering import layers
from shiftloom.codegen.lowering.operand import Integers, Operand
from shiftloom.codegen.qgraph import Mac, QInput, QNode, QTensor, Requantize, Unit
from shiftloom.codegen.rationals import Rationals, common, floats, rationals, uniform
from shiftloom.codegen.requant import Certificate
from shiftloom.codegen.values import Array, IntArray


class UnitList:
    """Inputs, units and certificates, in order."""

    def __init__(self) -> None:
        self.inputs: list[QInput] = []
        self.nodes: list[QNode] = []
        self.certificates: list[Certificate] = []
        self._settled: dict[str, IntArray] = {}

    def append(self, name: str, made: Operand, unit: Unit, *sources: str) -> None:
        """Append one unit that makes the integers of `made`."""
        assert isinstance(made.value, Integers)
        reference = made.at if made.value.ready else ""
        tensor = _tensor(made, made.value)
        self.nodes.append(QNode(name, unit, sources, tensor, made.layer, reference))

    def has(self, name: str) -> bool:
        """Whether a unit has this name."""
        return any(node.name == name for node in self.nodes)

    def exchange(self, name: str, unit: Unit, made: Operand) -> None:
        """Put another unit in the place of `name`, which nothing has read yet."""
        assert isinstance(made.value, Integers)
        place = next(i for i, node in enumerate(self.nodes) if node.name == name)
        tensor = _tensor(made, made.value)
        self.nodes[place] = replace(self.nodes[place], unit=unit, out=tensor)

    def settle(
        self, x: Operand, scale: npt.NDArray[np.float64], keep_rest: bool = False
    ) -> Operand:
        """Pending sums with their bias in steps of `scale`, what the multipliers really give.

        A multiplier of few bits is a coarse copy of the scale of a faint channel, and would carry
        its error over to a bias that may be far from faint. The first requantization of a layer's
        sums decides; for another one, or with `keep_rest`, what is left of the bias becomes the
        sums' zero point.
        """
        value = x.value
        assert isinstance(value, Integers)
        if value.sums is None:
            return x
        known = self._settled.get(x.layer)
        offset = layers.integer_bias(x.layer, value.sums.bias, scale) if known is None else known
        lo, hi = value.sums.lo + offset, value.sums.hi + offset
        made = replace(value, lo=lo, hi=hi, type=layers.pending_type(lo, hi))
        made = replace(made, scale=rationals(scale))
        if known is not None or keep_rest:
            rest = rationals(offset) - rationals(value.sums.bias) / made.scale
            made = replace(made, zero=value.zero + rest)
        if known is None:
            self._settled[x.layer] = offset
            self._move_bias(x, made, offset)
        return replace(x, value=made)

    def _move_bias(self, x: Operand, made: Integers, offset: IntArray) -> None:
        """The layer's bias, and the type and scale of its sums wherever they are pending."""
        assert made.sums is not None
        pending: set[str] = set()
        for i, node in enumerate(self.nodes):
            unit = node.unit
            if node.name == x.layer and isinstance(unit, Mac):
                unit = replace(unit, bias=Array(offset + made.sums.correction))
            elif isinstance(unit, Requantize) or not pending.intersection(node.sources):
                continue
            pending.add(node.name)
            out = replace(node.out, type=made.type, scale=Array(floats(made.scale)))
            self.nodes[i] = replace(node, unit=unit, out=out)


def _tensor(made: Operand, value: Integers) -> QTensor:
    return QTensor(made.shape, value.type, Array(floats(value.scale)), _zero(value.zero))


def _zero(zero: Rationals) -> float:
    """The zero point of a tensor; of sums, the part that all channels share."""
    value = common(zero) if uniform(zero) else 0
    return int(value) if value == int(value) else float(value)
