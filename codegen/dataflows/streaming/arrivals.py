"""When the pixels of every tensor are there: a max-plus model of a frame that flows alone.

A unit that takes p clocks a pixel makes its pixel i at t(i) = max(t(i−1), r(i)) + p, where r(i) is
the arrival of the last pixel that it needs. So t(i) = p·(i+1) + max over j ≤ i of (r(j) − p·j).
FIFOs are taken as deep as it needs, and registers as a few clocks a unit: within some percent of
the token simulation, at a thousandth of the work.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shiftloom.codegen.qgraph import Mac, QGraph, QNode, WindowReduce
from shiftloom.codegen.values import IntArray, Shape
from shiftloom.codegen.windows import Window

REGISTERS = 8
"""Clocks that a value spends in the registers of a unit, about."""


class Arrivals:
    """The times of one network by the clocks a pixel of its nodes."""

    def __init__(self, qgraph: QGraph, input_pace: float) -> None:
        self.qgraph = qgraph
        self.input_pace = input_pace
        self._needed = {node.name: _needed(qgraph, node) for node in qgraph.nodes}

    def latency(self, paces: Mapping[str, float]) -> float:
        """Clocks from the first input pixel to the last output pixel of a frame."""
        times: dict[str, np.ndarray] = {}
        for source in self.qgraph.inputs:
            height, width, _ = source.tensor.shape
            times[source.name] = (np.arange(height * width) + 1) * self.input_pace
        for node in self.qgraph.nodes:
            needed = self._needed[node.name]
            ready = times[node.sources[0]][needed]
            for name in node.sources[1:]:
                ready = np.maximum(ready, times[name][needed])
            steps = np.arange(len(ready)) * paces.get(node.name, 1.0)
            pace = paces.get(node.name, 1.0)
            times[node.name] = np.maximum.accumulate(ready - steps) + steps + pace + REGISTERS
        return float(max(times[name][-1] for name in self.qgraph.outputs))


def _needed(qgraph: QGraph, node: QNode) -> IntArray:
    """Index of the last input pixel that each output pixel needs."""
    source, out = qgraph.tensor(node.sources[0]).shape, node.out.shape
    if isinstance(node.unit, Mac | WindowReduce):
        if node.out.shape[:2] == (1, 1):
            return np.array([source[0] * source[1] - 1])
        return _last_tap(node.unit.window, source, out)
    count, pixels = out[0] * out[1], source[0] * source[1]
    needed: IntArray = np.arange(1, count + 1) * pixels // count - 1
    return np.maximum(needed, 0)


def _last_tap(window: Window, source: Shape, out: Shape) -> IntArray:
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    rows = np.arange(out[0]) * sh + (kh - 1) * dh - window.padding[0]
    columns = np.arange(out[1]) * sw + (kw - 1) * dw - window.padding[1]
    rows = rows.clip(0, source[0] - 1)
    columns = columns.clip(0, source[1] - 1)
    needed: IntArray = (rows[:, None] * source[1] + columns).reshape(-1)
    return needed
