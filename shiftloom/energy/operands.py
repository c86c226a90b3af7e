"""The operands of one multiplier of a matrix unit, clock after clock, out of a real network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shiftloom.codegen import golden
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.pe.folding import Folding
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.values import IntArray
from shiftloom.codegen.windows import im2col

MOST_TERMS = 8
"""Terms a clock at most, in the folding that the operands are taken from."""


@dataclass(frozen=True, slots=True, eq=False)
class Operands:
    """Activations and weights of consecutive clocks, [lanes, clocks]; a lane is a multiplier."""

    layer: str
    x: IntArray
    weights: IntArray

    @property
    def zero_share(self) -> float:
        """Share of the products that a zero makes zero."""
        return float(((self.x == 0) | (self.weights == 0)).mean())


def folded(mac: Mac) -> Folding:
    """One output, and as many terms a clock as divide a dot product, up to MOST_TERMS."""
    terms = max(n for n in range(1, MOST_TERMS + 1) if mac.lanes % n == 0)
    return Folding(mac, 1, terms)


def windows(mac: Mac, x: IntArray) -> IntArray:
    """The windows of maps x as [N, OH, OW, KH, KW, C]; a flattened map is one window."""
    if mac.window.kernel == (1, 1) and mac.groups == 1 and mac.lanes != x.shape[-1]:
        x = x.reshape(len(x), 1, 1, mac.lanes)
    found: IntArray = im2col(x, mac.window, mac.pad_value)
    return found


def of_network(
    qgraph: QGraph, frames: Frames, lanes: int, clocks: int, seed: int = 1
) -> tuple[Operands, ...]:
    """Operands of every `Mac`, in random stretches of `clocks` from the stream of each frame.

    A lane begins at any pixel and beat and has its place in the dot product at random. The beats
    are those of `folded`: all of a pixel's, weight after weight, then the next pixel's.
    """
    rng, values = np.random.default_rng(seed), golden.trace(qgraph, frames)
    return tuple(
        _layer(node.layer, node.unit, x, lanes, clocks, rng)
        for node in qgraph.nodes
        for x in (values[node.sources[0]],)
        if isinstance(node.unit, Mac) and node.unit.groups == 1
    )


def _layer(
    name: str,
    mac: Mac,
    x: IntArray,
    lanes: int,
    clocks: int,
    rng: np.random.Generator,
) -> Operands:
    folding = folded(mac)
    vectors = windows(mac, x).reshape(-1, folding.synapse_folds, folding.simd)  # all pixels
    weights = folding.beats(mac.weights.data)[:, 0]  # beats of a pixel, terms
    places = rng.integers(0, folding.simd, lanes)[:, None]
    starts = rng.integers(0, max(1, len(vectors) * folding.depth - clocks), lanes)
    beats = starts[:, None] + np.arange(clocks)
    pixels, at = np.divmod(beats, folding.depth)
    pixels %= len(vectors)
    found = vectors[pixels, at % folding.synapse_folds, places]
    return Operands(name, found, weights[at, places])
