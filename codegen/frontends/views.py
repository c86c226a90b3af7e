"""Tensors in a model's own layout, as views of the graph's feature maps [H, W, C].

A view is an array of element numbers in the tensor's own shape, without the batch. Reshape,
Transpose, Slice and their kin only rearrange it; nothing is computed before a layer reads the view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.values import IntArray, IntType, Shape

Dims = tuple[int, ...]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Integers:
    """A tensor of integers: q = real / scale + zero."""

    scale: float
    zero: int
    type: IntType


def along(view: AnyArray, axis: int) -> AnyArray:
    """A view as [H, W, C] with `axis` as its channels; the other axes are rows and columns."""
    if not 1 <= view.ndim <= 3:
        return view.reshape(1, 1, -1)
    moved = np.moveaxis(view, axis, -1)
    return moved.reshape(*(1,) * (3 - view.ndim), *moved.shape)


def covers(numbers: IntArray, size: int) -> bool:
    """`numbers` are 0 to size − 1, each once, in any order."""
    seen = np.zeros(size, dtype=bool)
    seen[numbers] = True
    return numbers.size == size and bool(seen.all())


class Arrangement:
    """Which element stands where in a feature map [H, W, C].

    The elements are numbered in the order of `dims`. `axis` is the one that became the channels.
    The arrangement of a network's input is open until a layer asks for one; values made from it
    element by element share it.
    """

    __slots__ = ("_order", "axis", "dims")

    def __init__(self, dims: Dims, axis: int | None = None) -> None:
        self.dims = dims
        self.axis = axis
        self._order: IntArray | None = None

    @property
    def open(self) -> bool:
        """No layer has asked for an arrangement."""
        return self._order is None and self.axis is None

    @property
    def order(self) -> IntArray:
        """Element numbers [H, W, C]; an open arrangement becomes channels first."""
        if self.axis is None and self._order is None:
            self.axis = 0
        if self._order is None:
            numbers = np.arange(math.prod(self.dims)).reshape(self.dims)
            self._order = along(numbers, self.axis or 0)
        return self._order

    @property
    def shape(self) -> Shape:
        """(H, W, C)."""
        height, width, channels = self.order.shape
        return (height, width, channels)

    def settle(self, order: IntArray) -> None:
        """Arrange an open map as `order` [H, W, C]."""
        assert self.open
        self._order = order


@dataclass(frozen=True, slots=True)
class Feature:
    """A tensor computed by the network: a view of the graph's value `name`, for each frame.

    `dims` leave out the batch; `view` None stands for all elements in order. `integers` is there
    if the tensor holds integers; the graph's value is real all the same.
    """

    name: str
    arrangement: Arrangement
    dims: Dims
    view: IntArray | None = None
    integers: Integers | None = None

    @property
    def elements(self) -> IntArray:
        """Element numbers in the shape `dims`."""
        if self.view is not None:
            return self.view
        return np.arange(math.prod(self.dims)).reshape(self.dims)

    def viewed(self, view: IntArray) -> Feature:
        """Another view of the same value."""
        return replace(self, dims=view.shape, view=view)

    def places(self, elements: IntArray) -> IntArray:
        """Where each of `elements` stands in the flattened map [H, W, C]."""
        order = self.arrangement.order
        place = np.empty(order.size, dtype=np.int64)
        place[order.ravel()] = np.arange(order.size)
        found: IntArray = place[elements]
        return found
