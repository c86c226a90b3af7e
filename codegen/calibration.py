"""Activation ranges from calibration data: maximum, percentile or least squared error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames, Graph, IntFrames
from shiftloom.codegen.values import FloatArray, IntType

Method = Literal["max", "percentile", "mse"]

_SAMPLES = 1 << 18
_CANDIDATES = np.linspace(0.3, 1.0, 57)
_BLOCK = 256
_BLOCK_ELEMENTS = 1 << 27


@dataclass(frozen=True, slots=True)
class Observation:
    """What a node's activations were: their extreme magnitude and a seeded sample of values."""

    magnitude: float
    sample: FloatArray


def checked(graph: Graph, frames: Frames | None, limit: int) -> dict[str, IntFrames]:
    """At most `limit` frames of every input by name; refuses none, and other shapes or ranges."""
    names = [source.name for source in graph.inputs]
    given = dict(zip(names, graph.frames(frames), strict=True)) if frames is not None else {}
    if min((len(part) for part in given.values()), default=0) == 0:
        raise ShiftloomError("calibration", "no frames were given", "give at least one")
    for source in graph.inputs:
        part = given[source.name]
        if part.shape[1:] != source.shape or not np.issubdtype(part.dtype, np.integer):
            raise ShiftloomError(
                "calibration",
                f"frames are {part.dtype} of shape {part.shape}",
                f"give the sensor's integers, [N, {', '.join(map(str, source.shape))}]",
            )
        kind = IntType(source.bits, source.signed)
        if part.min() < kind.lo or part.max() > kind.hi:
            raise ShiftloomError(
                "calibration",
                f"values {part.min()} to {part.max()} of {source.name!r}",
                f"{kind} holds {kind.lo} to {kind.hi}",
            )
    return {name: part[:limit] for name, part in given.items()}


def observe(
    graph: Graph, frames: Frames | None, seed: int = 0, limit: int = 1 << 30
) -> dict[str, Observation]:
    """Run at most `limit` of `frames` through the float graph and observe every value."""
    inputs = checked(graph, frames, limit)
    rng = np.random.default_rng(seed)
    count = min(len(part) for part in inputs.values())
    block = _block(graph)
    blocks = -(-count // block)
    magnitudes: dict[str, float] = {}
    samples: dict[str, list[FloatArray]] = {}
    for start in range(0, count, block):
        part = {name: values[start : start + block] for name, values in inputs.items()}
        with np.errstate(over="ignore", invalid="ignore"):  # infinities are refused by name
            values = graph.run(part, trace=True)
        for name, value in values.items():
            flat = value.ravel()
            top = np.maximum(magnitudes.get(name, 0.0), np.abs(flat).max())  # keeps a NaN
            magnitudes[name] = float(top)
            share = -(-_SAMPLES // blocks)
            if flat.size > share:
                flat = flat[rng.integers(0, flat.size, share)]
            samples.setdefault(name, []).append(flat)
    return {n: Observation(magnitudes[n], np.concatenate(samples[n])) for n in magnitudes}


def _block(graph: Graph) -> int:
    """Frames whose values, those of all nodes, fit the memory meant for them."""
    elements = sum(math.prod(shape) for shape in graph.shapes().values())
    return max(1, min(_BLOCK, _BLOCK_ELEMENTS // elements))


def full_scale(
    node: str, seen: Observation, out: IntType, method: Method, percentile: float
) -> float:
    """Real value of the largest integer of `out`, for the activations seen at `node`.

    `mse` takes, of clips between 0.3 and 1 times the maximum, the least squared rounding error.
    """
    if not np.isfinite(seen.magnitude):
        raise ShiftloomError(node, "activations are not finite", "check the model and its input")
    top = seen.magnitude
    if method == "percentile":
        top = float(np.percentile(np.abs(seen.sample), percentile))
    if method == "mse" and top > 0:
        errors = [_rounding_error(seen.sample, clip * top, out) for clip in _CANDIDATES]
        top *= float(_CANDIDATES[int(np.argmin(errors))])
    return top or 1.0


def sign_scale(node: str, seen: Observation) -> float:
    """Real value of a sign: the mean magnitude, of least squared error for ±s."""
    if not np.isfinite(seen.magnitude):
        raise ShiftloomError(node, "activations are not finite", "check the model and its input")
    return float(np.abs(seen.sample).mean()) or 1.0


def _rounding_error(sample: FloatArray, top: float, out: IntType) -> float:
    step = top / out.hi
    rounded = np.clip(np.rint(sample / step), out.lo, out.hi) * step
    return float(((sample - rounded) ** 2).mean())
