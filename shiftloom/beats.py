"""Frames as the bytes of a design's input stream, and its output bytes as integers."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen import golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.qgraph import QGraph, QTensor
from shiftloom.codegen.values import IntArray
from shiftloom.host import frames as host
from shiftloom.host.frames import Bytes, Tensor

__all__ = ["Bytes", "decode", "encode"]


def encode(qgraph: QGraph, frames: Frames) -> Bytes:
    """Raw frames as bytes [N, bytes a frame]: the inputs one behind the other, low byte first.

    `frames` is the array [N, H, W, C] of a single input, or a mapping by input name.
    """
    inputs = golden.check_inputs(qgraph, frames)
    tensors = [_tensor(source.name, source.tensor) for source in qgraph.inputs]
    count = len(inputs[tensors[0].name])
    if count == 0:
        raise ShiftloomError("frames", "none were given", "give at least one")
    out = np.empty((count, sum(each.nbytes for each in tensors)), np.uint8)
    host.pack(tensors, inputs, 0, count, out)
    return out


def decode(qgraph: QGraph, raw: Bytes) -> IntArray:
    """Output bytes [N, beats, bytes] as integers [N, beats], one output behind the other."""
    count, beats, size = raw.shape
    result, start = np.empty((count, beats), np.int64), 0
    for name in qgraph.outputs:
        tensor = _tensor(name, qgraph.tensor(name))
        stop = start + tensor.size
        beats_of = raw[:, start:stop].reshape(count, -1)
        host.widen(beats_of, size, tensor.signed, result[:, start:stop])
        start = stop
    return result


def _tensor(name: str, tensor: QTensor) -> Tensor:
    return Tensor(name, tensor.shape, tensor.type.bits, tensor.type.signed)
