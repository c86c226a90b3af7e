"""Frames become the bytes of the input stream, and output bytes the integers of every output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from graph_nets import quantized

from shiftloom import beats
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.values import IntType


@pytest.fixture(scope="module")
def qgraph() -> QGraph:
    """Two inputs, the second one signed."""
    return quantized("two_inputs").qgraph


def _frames(qgraph: QGraph, count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        x.name: rng.integers(x.tensor.type.lo, x.tensor.type.hi + 1, (count, *x.tensor.shape))
        for x in qgraph.inputs
    }


def test_inputs_come_one_behind_the_other(qgraph: QGraph) -> None:
    frames = _frames(qgraph, 3)
    found = beats.encode(qgraph, frames)
    first, second = (frames[x.name].reshape(3, -1) for x in qgraph.inputs)
    assert found.dtype == np.uint8
    assert np.array_equal(found[:, : first.shape[1]], first)
    assert np.array_equal(found[:, first.shape[1] :].view(np.int8), second)


def test_wide_elements_come_low_byte_first(qgraph: QGraph) -> None:
    wide = tuple(
        replace(x, tensor=replace(x.tensor, type=IntType(16, x.tensor.type.signed)))
        for x in qgraph.inputs
    )
    changed = replace(qgraph, inputs=wide)
    frames = _frames(changed, 2)
    words = np.concatenate([frames[x.name].reshape(2, -1) for x in wide], axis=1)
    assert np.array_equal(beats.encode(changed, frames).view("<u2"), words & 0xFFFF)


def test_no_frames_are_refused(qgraph: QGraph) -> None:
    with pytest.raises(ShiftloomError, match=r"^frames: none were given; give at least one$"):
        beats.encode(qgraph, _frames(qgraph, 0))


@pytest.mark.parametrize("size", [1, 3, 4])
def test_outputs_have_their_signs(size: int) -> None:
    """Logits, then a map, both signed, then an index, which is not."""
    qgraph = quantized("two_outputs").qgraph
    tensors = [qgraph.tensor(name) for name in qgraph.outputs]
    rng, parts = np.random.default_rng(2), []
    for tensor in tensors:
        low = -(1 << (8 * size - 1)) if tensor.type.signed else 0
        parts.append(rng.integers(low, low + (1 << 8 * size), (4, int(np.prod(tensor.shape)))))
    assert {tensor.type.signed for tensor in tensors} == {False, True}
    values = np.concatenate(parts, axis=1)
    raw = values.astype("<i8").view(np.uint8).reshape(*values.shape, 8)[..., :size]
    assert np.array_equal(beats.decode(qgraph, raw), values)
