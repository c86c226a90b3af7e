"""The golden model: a QGraph in integers, NumPy only. RTL and HLS must agree on every bit.

Products are summed by BLAS in floating point only where the worst case of the sum is exactly
representable (below 2^24 in float32, 2^53 in float64), and in int64 otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.golden_units import evaluate
from shiftloom.codegen.graph import Frames, IntFrames
from shiftloom.codegen.qgraph import QGraph, QInput
from shiftloom.codegen.quality import EXACT, Quality, reduced
from shiftloom.codegen.values import IntArray

BLOCK = 256
"""Frames evaluated at a time, fewer where their values are many."""
_BLOCK_ELEMENTS = 1 << 25

Outputs = dict[str, IntArray]
"""Integers [N, …] of every output by its name in the QGraph."""


def run(
    qgraph: QGraph,
    x: Frames,
    progress: Callable[[int], None] | None = None,
    quality: Quality = EXACT,
) -> IntArray:
    """Integers [N, elements] of a network's only output for raw inputs [N, H, W, C].

    Of several outputs, one behind the other as the hardware sends them; `run_outputs` keeps them
    apart. `progress` gets each block's size, `quality` says how many digits scalable units keep.
    """
    named = run_outputs(reduced(qgraph, quality), x, progress)
    flat = [made.reshape(len(made), math.prod(made.shape[1:])) for made in named.values()]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)


def run_outputs(
    qgraph: QGraph, x: Frames, progress: Callable[[int], None] | None = None
) -> Outputs:
    """Integers [N, H, W, C] of every output, by name; `x` one array, or several by input name."""
    inputs = check_inputs(qgraph, x)
    count = len(next(iter(inputs.values())))
    blocks: list[Outputs] = []
    size = _block(qgraph)
    for start in range(0, max(count, 1), size):
        part = {name: frames[start : start + size] for name, frames in inputs.items()}
        blocks.append(_evaluate(qgraph, part, keep=set(qgraph.outputs)))
        if progress:
            progress(min(size, count - start))
    return {name: np.concatenate([b[name] for b in blocks]) for name in qgraph.outputs}


def trace(qgraph: QGraph, x: Frames) -> Outputs:
    """Integers of every input and node by name, [N, H, W, C] each."""
    return _evaluate(qgraph, check_inputs(qgraph, x), keep=None)


def check_inputs(qgraph: QGraph, x: Frames) -> dict[str, IntFrames]:
    """The frames of every input; raises ShiftloomError naming the input that they do not fit."""
    if not isinstance(x, Mapping):
        if len(qgraph.inputs) != 1:
            names = ", ".join(source.name for source in qgraph.inputs)
            raise ShiftloomError(qgraph.name, "has several inputs", f"give frames for {names}")
        x = {qgraph.inputs[0].name: x}
    frames = {source.name: _checked(source, x.get(source.name)) for source in qgraph.inputs}
    counts = {len(part) for part in frames.values()}
    if len(counts) > 1:
        raise ShiftloomError(
            qgraph.name, f"inputs of {sorted(counts)} frames", "give as many of each"
        )
    return frames


def _checked(source: QInput, x: IntFrames | None) -> IntFrames:
    expected, kind = source.tensor.shape, source.tensor.type
    if x is None:
        raise ShiftloomError(source.name, "has no frames", f"give [N, {expected}] integers")
    if x.ndim != 4 or x.shape[1:] != expected:
        raise ShiftloomError(
            source.name, f"array of shape {x.shape}", f"give [N, {expected}] integers"
        )
    if not np.issubdtype(x.dtype, np.integer):
        raise ShiftloomError(source.name, f"array of {x.dtype}", "give the sensor's integers")
    if x.size and (int(x.min()) < kind.lo or int(x.max()) > kind.hi):
        raise ShiftloomError(
            source.name, f"values {x.min()} to {x.max()}", f"{kind} holds {kind.lo} to {kind.hi}"
        )
    return x


def _block(qgraph: QGraph) -> int:
    """Frames whose largest value fits the memory meant for it."""
    largest = max(int(np.prod(node.out.shape)) for node in qgraph.nodes)
    return max(1, min(BLOCK, _BLOCK_ELEMENTS // largest))


def _evaluate(
    qgraph: QGraph, inputs: Mapping[str, npt.NDArray[np.integer]], keep: set[str] | None
) -> Outputs:
    """The values named in `keep` (None: all); others are dropped after their last reader."""
    values: Outputs = {name: frames.astype(np.int64) for name, frames in inputs.items()}
    tensors = {source.name: source.tensor for source in qgraph.inputs}
    left = Counter(source for node in qgraph.nodes for source in node.sources)
    for node in qgraph.nodes:
        operands = tuple(values[name] for name in node.sources)
        values[node.name] = evaluate(node, tensors[node.sources[0]], operands)
        tensors[node.name] = node.out
        left.subtract(node.sources)
        for name in set(node.sources):
            if keep is not None and not left[name] and name not in keep:
                del values[name]
    return values
