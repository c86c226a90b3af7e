"""Random graphs: any shapes, kernels, strides, paddings, groups and branches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sketches import Outputs, Sketch

from shiftloom.codegen import ops
from shiftloom.codegen.graph import Op
from shiftloom.codegen.values import Shape
from shiftloom.codegen.windows import Window

LAYERS = 7
CHANNELS = (2, 3, 4, 6, 8)
SIZES = range(4, 9)


@dataclass
class _Grower:
    """Adds layers to values picked at random; `unread` are those that nothing has read yet."""

    sketch: Sketch
    values: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        return self.sketch.rng

    def keep(self, name: str, *sources: str) -> None:
        """A new value, made of `sources`."""
        self.values.append(name)
        self.unread = [value for value in self.unread if value not in sources] + [name]

    def pick(self, *shapes: Shape) -> str | None:
        """Any value, the newest ones rather, or one of a shape."""
        found = [v for v in self.values if not shapes or self.sketch.shapes[v] in shapes]
        return found[-1 - min(int(self.rng.geometric(0.5)) - 1, len(found) - 1)] if found else None

    def one_of(self, *choices: int) -> int:
        return int(self.rng.choice(np.array(choices)))

    def grow(self) -> None:
        """One layer more."""
        x = self.pick()
        assert x is not None
        steps = (self.conv, self.conv, self.add, self.join, self.pool, self.move, self.function)
        steps[int(self.rng.integers(len(steps)))](x)

    def conv(self, x: str) -> None:
        """A convolution, depthwise, grouped or not."""
        inputs = self.sketch.shapes[x][2]
        groups = self.one_of(1, 1, inputs, *(2 for _ in range(inputs % 2, 1)))
        kernel = self.one_of(1, 2, 3), self.one_of(1, 2, 3)
        stride = self.one_of(1, 1, 2), self.one_of(1, 1, 2)
        padding = int(self.rng.integers(kernel[0])), int(self.rng.integers(kernel[1]))
        channels = inputs if groups == inputs else groups * self.one_of(1, 2, 3)
        relu = bool(self.rng.integers(2))
        size = self.sketch.shapes[x][:2]
        if all(s + 2 * p >= k for s, p, k in zip(size, padding, kernel, strict=True)):
            made = self.sketch.conv(x, channels, kernel, stride, padding, groups, relu=relu)
            self.keep(made, x)

    def add(self, x: str) -> None:
        """The sum or difference of two values of the same shape, or of one and its convolution."""
        shape = self.sketch.shapes[x]
        other = self.pick(shape)
        if other in (None, x) or self.rng.random() < 0.5:
            other = self.sketch.conv(x, shape[2], (1, 1), relu=False)
        assert other is not None
        self.keep(self.sketch.add(ops.Add((1, self.one_of(1, -1))), x, other), x, other)

    def join(self, x: str) -> None:
        """Channels of two values of the same size."""
        height, width, _ = self.sketch.shapes[x]
        other = self.pick(*((height, width, channels) for channels in CHANNELS))
        if other not in (None, x):
            assert other is not None
            self.keep(self.sketch.add(ops.Concat(), x, other), x, other)

    def pool(self, x: str) -> None:
        """A pooling that tiles the map or overlaps."""
        kernel, stride = self.one_of(2, 3), self.one_of(1, 2)
        if min(self.sketch.shapes[x][:2]) >= kernel:
            kind = ops.MaxPool2d if self.rng.integers(2) else ops.AvgPool2d
            self.keep(self.sketch.add(kind(Window((kernel, kernel), (stride, stride))), x), x)

    def move(self, x: str) -> None:
        """Elements moved: padded, cropped, repeated or in another order."""
        height, width, channels = self.sketch.shapes[x]
        order = tuple(self.rng.permutation(channels).tolist())
        moves: list[Op] = [
            ops.Pad((1, 0, 0, 2)),
            ops.Permute(order),
            ops.Permute(order[: channels // 2 + 1]),
        ]
        if min(height, width) > 2:
            moves.append(ops.Crop(1, 0, height - 1, width - 1))
        if max(height, width) < 6:
            moves.append(ops.Upsample((2, self.one_of(1, 2))))
        self.keep(self.sketch.add(moves[int(self.rng.integers(len(moves)))], x), x)

    def function(self, x: str) -> None:
        """A function of single elements."""
        some: tuple[Op, ...] = (
            ops.Relu(),
            ops.Sigmoid(),
            ops.HardSwish(),
            ops.LeakyRelu(0.1),
            ops.Tanh(),
        )
        self.keep(self.sketch.add(some[int(self.rng.integers(len(some)))], x), x)


def random_graph(sketch: Sketch) -> Outputs:
    """One or two inputs, some layers, and all that nothing reads as outputs."""
    grower = _Grower(sketch)
    for _ in range(grower.one_of(1, 1, 2)):
        size = grower.one_of(*SIZES), grower.one_of(*SIZES)
        grower.keep(sketch.input((*size, grower.one_of(1, 2, 3, 4)), bool(sketch.rng.integers(2))))
    for name in list(grower.values):
        made = sketch.conv(name, grower.one_of(*CHANNELS))
        grower.keep(made, name)
    for _ in range(LAYERS):
        grower.grow()
    outputs = tuple(name for name in grower.unread)
    return (*outputs[:-1], sketch.linear(outputs[-1], 3))
