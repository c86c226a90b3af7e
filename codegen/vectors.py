"""Vectors of the HLS test bench: frames of the input stream, and the golden model's outputs."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import golden
from shiftloom.codegen.design import Design, Stream
from shiftloom.codegen.qgraph import QGraph

LARGE = 1 << 16
"""Bytes of a frame above which there is one; else two, for one to follow another."""


def emit(qgraph: QGraph, design: Design) -> dict[str, str]:
    """`input.hex` and `expected.hex`, a beat a line; the frames follow from the design's digest."""
    sizes = {s.name: math.prod(s.tensor.shape) * s.tensor.type.bits // 8 for s in qgraph.inputs}
    frame = sum(sizes.values())
    count = 1 if frame > LARGE else 2
    drawn = hashlib.shake_128(design.digest.encode()).digest(count * frame)
    raw = np.frombuffer(drawn, np.uint8).reshape(count, frame)
    frames, start = {}, 0
    for source in qgraph.inputs:
        kind, stop = source.tensor.type, start + sizes[source.name]
        dtype = np.dtype(f"<{'i' if kind.signed else 'u'}{kind.bits // 8}")
        part = np.ascontiguousarray(raw[:, start:stop]).view(dtype)
        frames[source.name], start = part.reshape(count, *source.tensor.shape), stop
    outputs = golden.run(qgraph, frames)
    return {
        "input.hex": "".join(_beats(design.source, raw)),
        "expected.hex": "".join(_beats(design.sink, _bytes(design.sink, outputs))),
    }


def _bytes(stream: Stream, values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Integers [N, beats] as the bytes of beats, [N, beats · bytes]."""
    words = np.ascontiguousarray(values.astype("<i8")).view(np.uint8).reshape(*values.shape, 8)
    return words[..., : stream.width // 8].reshape(len(values), -1)


def _beats(stream: Stream, raw: npt.NDArray[np.uint8]) -> list[str]:
    """A line for each beat: its bytes in hexadecimal, the last one first."""
    beats = raw.reshape(-1, stream.width // 8)[:, ::-1]
    return [f"{bytes(beat).hex()}\n" for beat in beats.tolist()]
