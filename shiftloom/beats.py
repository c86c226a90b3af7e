"""Frames as the bytes of a design's input stream, and its output bytes as integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.values import IntArray

Bytes = npt.NDArray[np.uint8]


def encode(qgraph: QGraph, frames: Frames) -> Bytes:
    """Raw frames as bytes [N, bytes a frame]: the inputs one behind the other, low byte first.

    `frames` is the array [N, H, W, C] of a single input, or a mapping by input name.
    """
    inputs = golden.check_inputs(qgraph, frames)
    parts = []
    for source in qgraph.inputs:
        x, size = inputs[source.name], source.tensor.type.bits // 8
        if len(x) == 0:
            raise ShiftloomError("frames", "none were given", "give at least one")
        words = np.ascontiguousarray(x.reshape(len(x), -1).astype("<i8"))
        parts.append(words.view(np.uint8).reshape(len(x), -1, 8)[..., :size].reshape(len(x), -1))
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def decode(qgraph: QGraph, raw: Bytes) -> IntArray:
    """Output bytes [N, beats, bytes] as integers [N, beats], one output behind the other."""
    count, beats, size = raw.shape
    words = np.zeros((count, beats, 8), np.uint8)
    words[..., 8 - size :] = raw
    signed: IntArray = words.view("<i8")[..., 0] >> (64 - 8 * size)
    unsigned = signed & ((1 << (8 * size)) - 1)
    result, start = np.empty_like(signed), 0
    for name in qgraph.outputs:
        tensor = qgraph.tensor(name)
        part = slice(start, start + int(np.prod(tensor.shape)))
        result[:, part] = (signed if tensor.type.signed else unsigned)[:, part]
        start = part.stop
    return result
