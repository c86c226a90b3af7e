"""The constants of an instruction that do not depend on where its tile lies."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.dataflows.engine.operations import Op
from shiftloom.codegen.dataflows.engine.program import Compute, flagged


@dataclass(frozen=True, slots=True)
class Tile:
    """Output rows `y` … `y` + `rows` − 1 and columns likewise."""

    y: int
    x: int
    rows: int
    columns: int

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.rows * self.columns


@dataclass(frozen=True, slots=True)
class Memory:
    """Where an instruction finds things.

    `first` is the word of the input pixel (`row`, 0) in what the array reads; `step` and `param`
    the rows of its lists and of its constants, `weight` of its weights; the rest as in `Compute`.
    """

    first: int
    row: int
    step: int
    param: int
    weight: int = 0
    dst: int = 0
    dst_co: int = 0
    res: int = 0
    res_co: int = 0


def instruction(op: Op, tile: Tile, co: int, rewinds: bool, memory: Memory) -> Compute:
    """The instruction of a tile of an operation for `co` tiles of outputs."""
    (sy, sx), (top, left), (height, width) = op.window.stride, op.window.padding, op.size
    iy0, ix0 = tile.y * sy - top, tile.x * sx - left
    add = op.residual.add if op.residual else None
    function = op.requant
    return Compute(
        flags=flagged(
            Compute,
            pool=op.kind == "pool",
            signed=op.source.type.signed,
            rewind=rewinds,
            residual=add is not None,
            emit=op.emits,
            res_signed=op.residual is not None and op.residual.region.type.signed,
        ),
        step=memory.step,
        co=co,
        param=memory.param,
        ny=tile.rows,
        nx=tile.columns,
        addr=memory.first + (iy0 - memory.row) * width + ix0,
        step_x=sx,
        step_y=sy * width - (tile.columns - 1) * sx,
        iy0=iy0,
        ix0=ix0,
        sy=sy,
        sx=sx,
        h=height,
        w=width,
        pad=op.pad,
        shift=function.shift if function else 0,
        lo=function.lo if function else 0,
        hi=function.hi if function else 0,
        zero=function.zero if function else 0,
        m1=add.m1 if add else 0,
        m2=add.m2 if add else 0,
        add=add.c if add else 0,
        shift2=add.shift if add else 0,
        lo2=add.lo if add else 0,
        hi2=add.hi if add else 0,
        zero2=add.zero if add else 0,
        dst=memory.dst,
        dst_co=memory.dst_co,
        res=memory.res,
        res_co=memory.res_co,
        weight=memory.weight,
    )
