"""Operations of an engine: what one of its instructions, or several tiles of one, computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shiftloom.codegen.qgraph import QInput, ScaledAdd
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Pair, Window


@dataclass(frozen=True, slots=True)
class Lanes:
    """The array: a word of `rows` lanes goes in, `columns` outputs come out, a clock."""

    rows: int
    columns: int

    @property
    def words(self) -> int:
        """Words of a result, columns / rows."""
        return self.columns // self.rows

    def blocks(self, channels: int) -> int:
        """Blocks of a map of so many channels: whole results."""
        return -(-channels // self.columns) * self.words


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """A stored map: `blocks` × `height` × `width` words. Every map but the input has a writer."""

    name: str
    height: int
    width: int
    blocks: int

    @property
    def plane(self) -> int:
        """Words of a block."""
        return self.height * self.width

    @property
    def words(self) -> int:
        """Words of the map."""
        return self.blocks * self.plane


@dataclass(frozen=True, slots=True)
class Region:
    """Blocks `block` … `block` + `blocks` − 1 of a map, which hold a value of type `type`."""

    map: str
    block: int
    blocks: int
    type: IntType


@dataclass(frozen=True, slots=True)
class Residual:
    """The sum behind a requantization; its first operand is the requantized one."""

    region: Region
    add: ScaledAdd


@dataclass(frozen=True, slots=True)
class Op:
    """A convolution, or a maximum over windows, of the region `source` of a map of `size`.

    Of a convolution, `weights` [outputs, KH, KW, inputs] stand at the lanes of both regions, with
    zeros at lanes without a channel; `bias` has an integer an output, and so have M and C of
    `requant`. It is None where the raw sums are emitted; then there is no `target` either.
    """

    name: str
    kind: Literal["conv", "pool"]
    source: Region
    size: Pair
    window: Window
    output: Pair
    pad: int
    target: Region | None
    weights: Array | None = None
    bias: Array | None = None
    acc_bits: int = 0
    requant: Requantization | None = None
    residual: Residual | None = None

    @property
    def emits(self) -> bool:
        """Whether its sums leave the engine."""
        return self.target is None

    @property
    def reads(self) -> tuple[str, ...]:
        """The maps it reads."""
        other = (self.residual.region.map,) if self.residual else ()
        return (self.source.map, *other)

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.output[0] * self.output[1]


@dataclass(frozen=True, slots=True)
class Operations:
    """A part of a network as operations in the order of execution; the last one emits.

    `source` is the engine's input, as the map `source.name`; a streaming window `front` before it
    puts the taps of a kernel row side by side, where it is not None. `channels` of the emitted sums
    mean something.
    """

    lanes: Lanes
    source: QInput
    front: Window | None
    maps: tuple[FeatureMap, ...]
    ops: tuple[Op, ...]
    channels: int

    def map(self, name: str) -> FeatureMap:
        """The map of that name."""
        return next(each for each in self.maps if each.name == name)
