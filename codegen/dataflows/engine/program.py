"""Instructions of the engines with named fields, and their words in the program memories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import ClassVar, TypeVar

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Array, IntArray

MAX_PROGRAM = 1024
"""Most instructions of a program memory."""
WORD_BITS = 32
_MASK = (1 << WORD_BITS) - 1


@dataclass(frozen=True, slots=True)
class Instruction:
    """Integers in the order of the fields of a word; `flags` is made by `flagged`."""

    FLAGS: ClassVar[tuple[str, ...]]
    flags: int

    def has(self, flag: str) -> bool:
        """Whether a flag is set."""
        return bool(self.flags >> self.FLAGS.index(flag) & 1)


@dataclass(frozen=True, slots=True)
class Compute(Instruction):
    """One spatial tile of an operation, all of a map in `dadiannao`."""

    FLAGS = (
        *("pool", "signed", "rewind", "residual"),
        *("emit", "last", "input_free", "res_signed"),
    )
    step: int
    co: int
    param: int
    ny: int
    nx: int
    addr: int
    step_x: int
    step_y: int
    iy0: int
    ix0: int
    sy: int
    sx: int
    h: int
    w: int
    pad: int
    shift: int = 0
    lo: int = 0
    hi: int = 0
    zero: int = 0
    m1: int = 0
    m2: int = 0
    add: int = 0
    shift2: int = 0
    lo2: int = 0
    hi2: int = 0
    zero2: int = 0
    dst: int = 0
    dst_co: int = 0
    res: int = 0
    res_co: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Load(Instruction):
    """Rows of all blocks of a map into a tile buffer; `wait` stores must be complete."""

    FLAGS = ("input", "last", "input_free")
    src: int
    beats: int
    segments: int
    stride: int
    wait: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Weights(Instruction):
    """The weights of a convolution, `beats` from every port's own place `src…`."""

    FLAGS = ("", "last")
    beats: int
    src0: int
    src1: int


@dataclass(frozen=True, slots=True)
class ReadResidual(Instruction):
    """The other operand of the sums of an instruction."""

    FLAGS = ("", "last")
    src: int
    beats: int
    segments: int
    stride: int
    wait: int


@dataclass(frozen=True, slots=True)
class Store(Instruction):
    """The results of an instruction."""

    FLAGS = ("", "last")
    dst: int
    beats: int
    segments: int
    stride: int


_Any = TypeVar("_Any", bound=Instruction)


def flagged(kind: type[Instruction], **flags: bool) -> int:
    """The word of some flags."""
    return sum(int(value) << kind.FLAGS.index(name) for name, value in flags.items())


def with_flag(instruction: _Any, flag: str) -> _Any:
    """The instruction with another flag."""
    return replace(instruction, flags=instruction.flags | 1 << instruction.FLAGS.index(flag))


def check_length(name: str, kind: str, count: int) -> None:
    """Refuse a program of more instructions than its memory holds."""
    if count > MAX_PROGRAM:
        raise ShiftloomError(
            name,
            f"needs {count} instructions of {kind}, the limit is {MAX_PROGRAM}",
            "use a larger target.array, or give some layers another dataflow",
        )


def words(name: str, program: Sequence[Instruction], count: int = 0) -> Array:
    """Rows of 32-bit fields without sign, the first `count` of each (0: all).

    Raises ShiftloomError where the program is longer than its memory.
    """
    if program:
        check_length(name, type(program[0]).__name__, len(program))
    rows = np.array([astuple(each) for each in program], np.int64) & _MASK
    return Array(rows[:, :count] if count else rows)


def decoded(kind: type[_Any], row: IntArray) -> _Any:
    """The instruction of a row of fields as two's complement; fields beyond its end are 0."""
    signed = [int(value) - ((int(value) >> (WORD_BITS - 1)) << WORD_BITS) for value in row]
    signed += [0] * (len(fields(kind)) - len(signed))
    return kind(*signed)
