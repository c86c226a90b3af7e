"""Calls a model's functions by its kind. A new kind is one line in each of the three."""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.timing import (
    add,
    concat,
    crop,
    engine,
    fork,
    frame_split,
    gather,
    insert,
    joiner,
    pipeline,
    pool,
    queue,
    splitter,
    taps,
    vector_buffer,
    window,
    window_serial,
)
from shiftloom.codegen.dataflows.streaming.timing.model import Kind, compiled
from shiftloom.codegen.values import IntArray

# ruff: noqa: PLR0911, PLR0912


@compiled
def valid(kind: int, p: IntArray, s: IntArray) -> int:
    """Sinks that offer a beat."""
    if kind == Kind.PIPELINE:
        return pipeline.valid(p, s)
    if kind == Kind.QUEUE:
        return queue.valid(p, s)
    if kind == Kind.SPLITTER:
        return splitter.valid(p, s)
    if kind == Kind.JOINER:
        return joiner.valid(p, s)
    if kind == Kind.WINDOW:
        return window.valid(p, s)
    if kind == Kind.WINDOW_SERIAL:
        return window_serial.valid(p, s)
    if kind == Kind.VECTOR_BUFFER:
        return vector_buffer.valid(p, s)
    if kind == Kind.FORK:
        return fork.valid(p, s)
    if kind == Kind.CONCAT:
        return concat.valid(p, s)
    if kind == Kind.FRAME_SPLIT:
        return frame_split.valid(p, s)
    if kind == Kind.INSERT:
        return insert.valid(p, s)
    if kind == Kind.CROP:
        return crop.valid(p, s)
    if kind == Kind.GATHER:
        return gather.valid(p, s)
    if kind == Kind.ADD:
        return add.valid(p, s)
    if kind == Kind.TAPS:
        return taps.valid(p, s)
    if kind == Kind.ENGINE:
        return engine.valid(p, s)
    return pool.valid(p, s)


@compiled
def ready(kind: int, p: IntArray, s: IntArray, offered: int, taken: int) -> int:
    """Sources that accept a beat."""
    if kind == Kind.PIPELINE:
        return pipeline.ready(p, s, offered, taken)
    if kind == Kind.QUEUE:
        return queue.ready(p, s, offered, taken)
    if kind == Kind.SPLITTER:
        return splitter.ready(p, s, offered, taken)
    if kind == Kind.JOINER:
        return joiner.ready(p, s, offered, taken)
    if kind == Kind.WINDOW:
        return window.ready(p, s, offered, taken)
    if kind == Kind.WINDOW_SERIAL:
        return window_serial.ready(p, s, offered, taken)
    if kind == Kind.VECTOR_BUFFER:
        return vector_buffer.ready(p, s, offered, taken)
    if kind == Kind.FORK:
        return fork.ready(p, s, offered, taken)
    if kind == Kind.CONCAT:
        return concat.ready(p, s, offered, taken)
    if kind == Kind.FRAME_SPLIT:
        return frame_split.ready(p, s, offered, taken)
    if kind == Kind.INSERT:
        return insert.ready(p, s, offered, taken)
    if kind == Kind.CROP:
        return crop.ready(p, s, offered, taken)
    if kind == Kind.GATHER:
        return gather.ready(p, s, offered, taken)
    if kind == Kind.ADD:
        return add.ready(p, s, offered, taken)
    if kind == Kind.TAPS:
        return taps.ready(p, s, offered, taken)
    if kind == Kind.ENGINE:
        return engine.ready(p, s, offered, taken)
    return pool.ready(p, s, offered, taken)


@compiled
def step(kind: int, p: IntArray, s: IntArray, moved_in: int, moved_out: int) -> None:
    """A clock edge."""
    if kind == Kind.PIPELINE:
        pipeline.step(p, s, moved_in, moved_out)
    elif kind == Kind.QUEUE:
        queue.step(p, s, moved_in, moved_out)
    elif kind == Kind.SPLITTER:
        splitter.step(p, s, moved_in, moved_out)
    elif kind == Kind.JOINER:
        joiner.step(p, s, moved_in, moved_out)
    elif kind == Kind.WINDOW:
        window.step(p, s, moved_in, moved_out)
    elif kind == Kind.WINDOW_SERIAL:
        window_serial.step(p, s, moved_in, moved_out)
    elif kind == Kind.VECTOR_BUFFER:
        vector_buffer.step(p, s, moved_in, moved_out)
    elif kind == Kind.FORK:
        fork.step(p, s, moved_in, moved_out)
    elif kind == Kind.CONCAT:
        concat.step(p, s, moved_in, moved_out)
    elif kind == Kind.FRAME_SPLIT:
        frame_split.step(p, s, moved_in, moved_out)
    elif kind == Kind.INSERT:
        insert.step(p, s, moved_in, moved_out)
    elif kind == Kind.CROP:
        crop.step(p, s, moved_in, moved_out)
    elif kind == Kind.GATHER:
        gather.step(p, s, moved_in, moved_out)
    elif kind == Kind.ADD:
        add.step(p, s, moved_in, moved_out)
    elif kind == Kind.TAPS:
        taps.step(p, s, moved_in, moved_out)
    elif kind == Kind.ENGINE:
        engine.step(p, s, moved_in, moved_out)
    else:
        pool.step(p, s, moved_in, moved_out)
