"""Upsampling by repetition: two vector buffers, one of rows and one of pixels."""

from __future__ import annotations

from dataclasses import replace

from shiftloom.codegen.dataflows.streaming.vector_buffer import VectorBuffer
from shiftloom.codegen.design import Stream
from shiftloom.codegen.windows import Pair


def upsample_units(
    name: str, node: str, source: Stream, sink: Stream, factors: Pair
) -> tuple[VectorBuffer, ...]:
    """Every row of the source `factors[0]` times, in each of them every pixel `factors[1]` times.

    A factor of 1 needs no buffer; at least one is larger.
    """
    (height, width, channels), (vertical, horizontal) = source.shape, factors
    rows = replace(
        source, name=f"{name}_rows", tensor="", shape=(height * vertical, width, channels)
    )
    if horizontal == 1:
        return (VectorBuffer(name, node, source, sink, width * channels, vertical),)
    if vertical == 1:
        return (VectorBuffer(name, node, source, sink, channels, horizontal),)
    return (
        VectorBuffer(f"{name}_vertical", node, source, rows, width * channels, vertical),
        VectorBuffer(f"{name}_horizontal", node, rows, sink, channels, horizontal),
    )
