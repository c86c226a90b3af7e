"""Partial products: the signed digits that products use at a quality, on real activations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import golden
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, Unit
from shiftloom.codegen.quality import Operand, Quality, operand_of, reduced
from shiftloom.codegen.signed_digits import digits_of
from shiftloom.codegen.values import IntArray
from shiftloom.energy.operands import windows


@dataclass(frozen=True, slots=True)
class Products:
    """A node whose quality can change: products a frame, and digits a product that it leaves.

    `active` counts those alone whose other factor is not zero; of α, which multiplies sums, and of
    M it is taken to be `digits` where sums are hardly ever zero.
    """

    node: str
    operand: Operand
    products: int
    digits: float
    active: float


def products(qgraph: QGraph, quality: Quality, frames: Frames) -> tuple[Products, ...]:
    """Those of every node that is scalable or whose weights can be loaded.

    The zeros of the activations are those of `frames`. A 3-bit code is one digit, or none.
    """
    network = reduced(qgraph, quality)
    values = golden.trace(network, frames)
    return tuple(
        _of_node(node, operand[0], operand[1], values[node.sources[0]])
        for node in network.nodes
        if (operand := operand_of(node.unit) or _loadable(node.unit))
    )


def _loadable(unit: Unit) -> tuple[Operand, IntArray] | None:
    """The weights of a unit that others can be loaded into."""
    return ("weight", unit.weights.data) if isinstance(unit, Mac) and unit.limit else None


def mean(parts: Iterable[Products], field: str) -> float:
    """Digits a product over all of them: of the field `digits` or `active`."""
    every = tuple(parts)
    total = sum(part.products * float(getattr(part, field)) for part in every)
    return total / sum(part.products for part in every)


def _of_node(node: QNode, operand: Operand, values: IntArray, x: IntArray) -> Products:
    digits = digits_of(values)
    height, width, channels = node.out.shape
    if isinstance(node.unit, Requantize):
        return _plain(node, operand, height * width * channels, digits)
    if operand == "alpha":
        return _plain(node, operand, height * width * digits.size, digits)
    assert isinstance(node.unit, Mac)
    active = float((digits * _busy(node.unit, x)).mean())
    return Products(node.name, operand, height * width * digits.size, float(digits.mean()), active)


def _plain(node: QNode, operand: Operand, count: int, digits: npt.NDArray[np.uint8]) -> Products:
    return Products(node.name, operand, count, float(digits.mean()), float(digits.mean()))


def _busy(mac: Mac, x: IntArray) -> npt.NDArray[np.float64]:
    """The share of windows in which the activation of each weight is not zero, [C_out, …]."""
    share = (windows(mac, x) != 0).mean(axis=(0, 1, 2))  # rows, columns and channels of the kernel
    by_group = np.stack(np.split(share, mac.groups, axis=2))
    repeated: npt.NDArray[np.float64] = np.repeat(
        by_group, len(mac.weights.data) // mac.groups, axis=0
    )
    return repeated
