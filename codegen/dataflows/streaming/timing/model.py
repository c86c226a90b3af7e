"""What a token model is: a kind of unit, its constants and its registers, as integers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numba

from shiftloom.codegen import jit
from shiftloom.codegen.jit import Function


class Kind(IntEnum):
    """The kinds of models: each has a file here and a line in each function of `dispatch.py`."""

    PIPELINE = 0
    QUEUE = 1
    SPLITTER = 2
    JOINER = 3
    WINDOW = 4
    VECTOR_BUFFER = 5
    POOL = 6
    WINDOW_SERIAL = 7
    FORK = 8
    CONCAT = 9
    FRAME_SPLIT = 10
    INSERT = 11
    CROP = 12
    GATHER = 13
    ADD = 14
    TAPS = 15
    ENGINE = 16


PIPELINES = (Kind.PIPELINE, Kind.ADD, Kind.POOL)
"""Stages moved by one enable; the first parameter is the index of the last one."""


@dataclass(frozen=True, slots=True)
class Model:
    """A unit without its data: `params` never change, `state` holds its control registers.

    Its kind's file has three compiled functions over them, arrays p and s of 64-bit integers:

        valid(p, s)                       sinks that offer a beat in this clock, by registers only
        ready(p, s, offered, taken)       sources that accept a beat in this clock
        step(p, s, moved_in, moved_out)   the clock edge, with the beats that moved

    All are bit masks, bit i for source or sink i. `offered` holds the sources that have a valid
    beat, `taken` the sinks whose reader is ready. A beat moves where both sides agree.
    """

    kind: Kind
    params: tuple[int, ...]
    state: tuple[int, ...]

    def shortest(self) -> Model:
        """The same with one stage: what a pipeline that is blocked holds at the least."""
        is_pipeline = self.kind in PIPELINES
        return replace(self, params=(0, *self.params[1:])) if is_pipeline else self


def compiled(function: Function) -> Function:
    """`function` as a part of other compiled functions, which alone can call it.

    It must not allocate: without numba's run time no references are counted, which would cost more
    than a model's clock.
    """
    result: Function = numba.njit(
        _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return result


def entry(function: Function, is_kept: bool = False) -> Function:
    """`function` compiled at its first call from Python, its machine code kept if it `is_kept`."""
    return jit.entry(function, is_kept, _nrt=False)
