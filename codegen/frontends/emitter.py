"""The graph under construction: nodes in order, their safe names, and feature maps from views."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.views import (
    Arrangement,
    Dims,
    Feature,
    Integers,
    along,
    covers,
)
from shiftloom.codegen.graph import MAX_ELEMENTS, Node, Op
from shiftloom.codegen.names import UniqueNames
from shiftloom.codegen.ops import Crop, Flatten, MaxPool2d, Permute
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Window

Map = tuple[str, Shape]
"""A value of the graph and its shape [H, W, C]."""


class Emitter:
    """Collects nodes; the same layout work for several readers is done once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.names = UniqueNames()
        self._made: dict[tuple[str, Op], str] = {}

    def node(self, name: str, op: Op, *sources: str) -> str:
        """Append `op` under `name`, or `name_1`, …; returns the name it got."""
        unique = self.names.claim(name)
        self.nodes.append(Node(unique, op, sources))
        return unique

    def layer(
        self, name: str, op: Op, *maps: Map, dims: Dims | None = None, axis: int = 0
    ) -> Feature:
        """Append a layer on `maps`; its `dims` have the channels at `axis`.

        `dims` None stands for (C, H, W). Raises ShiftloomError if the shapes do not fit.
        """
        height, width, channels = op.shape(name, *(shape for _, shape in maps))
        dims = (channels, height, width) if dims is None else dims
        check_size(name, dims)
        made = self.node(name, op, *(source for source, _ in maps))
        return Feature(made, Arrangement(dims, axis), dims)

    def elementwise(
        self, name: str, op: Op, x: Feature, integers: Integers | None = None
    ) -> Feature:
        """Append a function of single elements; the result has the view of `x`."""
        if not x.arrangement.open:
            op.shape(name, x.arrangement.shape)
        return Feature(self.node(name, op, x.name), x.arrangement, x.dims, x.view, integers)

    def needed(self, outputs: Iterable[str]) -> tuple[Node, ...]:
        """The nodes that `outputs` depend on, in order."""
        wanted = set(outputs)
        kept = []
        for node in reversed(self.nodes):
            if node.name in wanted:
                wanted.update(node.sources)
                kept.append(node)
        return tuple(kept[::-1])

    def map(self, name: str, x: Feature, axis: int = 0) -> Map:
        """The graph's value that is `x` as a map [H, W, C], the channels from `axis`."""
        if len(x.dims) > 3:
            raise ShiftloomError(
                name, f"reads {len(x.dims) + 1} dimensions", "use 4 at most, batch included"
            )
        if x.view is None and x.arrangement.axis == axis and x.dims == x.arrangement.dims:
            return x.name, x.arrangement.shape
        return self._arranged(name, x, along(x.elements, axis))

    def _arranged(self, name: str, x: Feature, wanted: IntArray) -> Map:
        """The graph's value with the elements of `x` placed as `wanted` [H, W, C]."""
        shape = (wanted.shape[0], wanted.shape[1], wanted.shape[2])
        if x.arrangement.open and _settles(x, wanted):
            x.arrangement.settle(wanted)
            return x.name, shape
        source = x.arrangement.shape
        places = x.places(wanted)
        if shape == source and (places.ravel() == np.arange(places.size)).all():
            return x.name, shape
        if shape[:2] == (1, 1):
            return self._vector(name, x.name, source, places.ravel()), shape
        return self._rectangle(name, x.name, source, places), shape

    def vector(self, name: str, x: Feature) -> tuple[Map, IntArray]:
        """`x` as a vector in whatever order is free, and where each of its elements stands."""
        wanted = x.elements.reshape(1, 1, -1)
        if x.arrangement.open and _settles(x, wanted):
            x.arrangement.settle(wanted)
        places = x.places(wanted).ravel()
        size = math.prod(x.arrangement.shape)
        if covers(places, size):
            return (self._flat(name, x.name, x.arrangement.shape), (1, 1, size)), places
        vector = self._vector(name, x.name, x.arrangement.shape, places)
        return (vector, (1, 1, len(places))), np.arange(len(places))

    def _flat(self, name: str, source: str, shape: Shape) -> str:
        if shape[:2] == (1, 1):
            return source
        return self._once(f"{name}_flatten", Flatten(), source)

    def _vector(self, name: str, source: str, shape: Shape, places: IntArray) -> str:
        flat = self._flat(name, source, shape)
        if np.array_equal(places, np.arange(math.prod(shape))):
            return flat
        return self._once(f"{name}_order", Permute(tuple(places.tolist())), flat)

    def _rectangle(self, name: str, source: str, shape: Shape, places: IntArray) -> str:
        """Rows, columns and channels picked from a map, each on its own."""
        rows, columns, channels = np.unravel_index(places, shape)
        row, column, channel = rows[:, :1, :1], columns[:1, :, :1], channels[:1, :1, :]
        if not ((rows == row) & (columns == column) & (channels == channel)).all():
            raise ShiftloomError(
                name,
                f"rearranges a map {shape} to {places.shape} across rows, columns and channels",
                "keep pixels and channels apart, or flatten it for a fully connected layer",
            )
        source = self._picked(name, source, shape, row.ravel(), column.ravel())
        order = tuple(channel.ravel().tolist())
        if order == tuple(range(shape[2])):
            return source
        return self._once(f"{name}_channels", Permute(order), source)

    def _picked(
        self, name: str, source: str, shape: Shape, rows: IntArray, columns: IntArray
    ) -> str:
        top, step_y = _progression(name, rows)
        left, step_x = _progression(name, columns)
        height = (len(rows) - 1) * step_y + 1
        width = (len(columns) - 1) * step_x + 1
        if (height, width) != shape[:2]:
            source = self._once(f"{name}_crop", Crop(top, left, height, width), source)
        if (step_y, step_x) != (1, 1):
            window = Window((1, 1), (step_y, step_x))
            source = self._once(f"{name}_step", MaxPool2d(window), source)
        return source

    def _once(self, name: str, op: Op, source: str) -> str:
        key = (source, op)
        if key not in self._made:
            self._made[key] = self.node(name, op, source)
        return self._made[key]


def _settles(x: Feature, wanted: IntArray) -> bool:
    """The open map may be arranged as `wanted`: all its elements, and no image made a vector."""
    size = math.prod(x.arrangement.dims)
    if wanted.shape[:2] == (1, 1) and len(x.arrangement.dims) > 1:
        return False
    return covers(wanted, size)


def _progression(name: str, picked: IntArray) -> tuple[int, int]:
    """First and step of ascending indices with equal steps."""
    steps = set(np.diff(picked).tolist())
    if len(steps) > 1 or min(steps, default=1) < 1:
        raise ShiftloomError(
            name,
            f"picks rows or columns {picked.tolist()[:8]}",
            "use ascending ones, equal steps",
        )
    return int(picked[0]), int(min(steps, default=1))


def check_size(name: str, dims: Dims) -> None:
    """Refuse a shape bomb."""
    if math.prod(dims) > MAX_ELEMENTS:
        raise ShiftloomError(
            name, f"shape {dims} has more than {MAX_ELEMENTS} elements", "use a smaller input"
        )
