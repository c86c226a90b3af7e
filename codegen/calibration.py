"""Activation ranges from calibration data: maximum, percentile or least squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.values import FloatArray, IntType

Method = Literal["max", "percentile", "mse"]

_SAMPLES = 1 << 18
_CANDIDATES = np.linspace(0.3, 1.0, 57)
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Observation:
    """What a node's activations were: their extreme magnitude and a seeded sample of values."""

    magnitude: float
    sample: FloatArray


def observe(graph: Graph, frames: npt.NDArray[np.integer], seed: int = 0) -> dict[str, Observation]:
    """Run `frames` [N, H, W, C] through the float graph and observe every node."""
    if len(frames) == 0:
        raise ShiftloomError("calibration", "no frames were given", "give at least one")
    if frames.shape[1:] != graph.input.shape or not np.issubdtype(frames.dtype, np.integer):
        raise ShiftloomError(
            "calibration",
            f"frames are {frames.dtype} of shape {frames.shape}",
            f"give the sensor's integers, [N, {', '.join(map(str, graph.input.shape))}]",
        )
    rng = np.random.default_rng(seed)
    blocks = -(-len(frames) // _BLOCK)
    magnitudes: dict[str, float] = {}
    samples: dict[str, list[FloatArray]] = {}
    for start in range(0, len(frames), _BLOCK):
        for name, value in graph.run(frames[start : start + _BLOCK], trace=True).items():
            flat = value.ravel()
            top = np.maximum(magnitudes.get(name, 0.0), np.abs(flat).max())  # keeps a NaN
            magnitudes[name] = float(top)
            share = -(-_SAMPLES // blocks)
            if flat.size > share:
                flat = flat[rng.integers(0, flat.size, share)]
            samples.setdefault(name, []).append(flat)
    return {n: Observation(magnitudes[n], np.concatenate(samples[n])) for n in magnitudes}


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


def _rounding_error(sample: FloatArray, top: float, out: IntType) -> float:
    step = top / out.hi
    rounded = np.clip(np.rint(sample / step), out.lo, out.hi) * step
    return float(((sample - rounded) ** 2).mean())
