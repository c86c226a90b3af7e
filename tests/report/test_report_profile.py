"""The profile of integers against floats, on networks whose errors are known by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from shiftloom.codegen import golden, profile
from shiftloom.codegen.config import parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Linear, Relu
from shiftloom.codegen.qgraph import QGraph, QInput, QNode, QTensor, Requantize
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array, IntType

RAMP = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
SIGNAL = sum(x * x for x in range(256))


def rounding(scale: float = 4.0, lo: int = 0, hi: int = 255, shift: int = 2) -> Quantized:
    """The float network x, its integers round(x / 2^shift) clipped to [lo, hi]."""
    uint8 = IntType(8, signed=False)
    identity = Linear(Array(np.ones((1, 1), np.float32)), Array(np.zeros(1, np.float32)))
    graph = Graph("ramp", (GraphInput((1, 1, 1)),), (Node("fc", identity, ("input",)),), ("fc",))
    function = Requantization(Array([1]), shift, 8, uint8, lo, hi)
    out = QTensor((1, 1, 1), uint8, Array(np.asarray(scale)))
    node = QNode("fc_requant", Requantize(function), ("input",), out, "fc", "fc")
    source = QTensor((1, 1, 1), uint8, Array(np.asarray(1.0)))
    return Quantized(
        graph, QGraph("ramp", (QInput("input", source),), (node,), ("fc_requant",)), ()
    )


def test_known_quantization_gives_the_known_sqnr() -> None:
    """Multiples of 4 plus 0, 1, 2, 3 err by 0, 1, 2, 1: a noise of 6 per four values."""
    (row,) = profile.profile(rounding(), RAMP)
    assert (row.node, row.reference, row.type, row.elements) == ("fc_requant", "fc", "uint8", 256)
    assert row.sqnr_db == pytest.approx(10 * math.log10(SIGNAL / (64 * 6)), abs=1e-9)
    assert (row.low, row.high, row.lo, row.hi) == (0, 64, 0, 255)
    assert row.used_range == 65 / 256
    assert row.max_abs_error == 2
    assert row.saturation == 0


def test_planted_scale_error_drops_the_sqnr() -> None:
    (right,) = profile.profile(rounding(), RAMP)
    (wrong,) = profile.profile(rounding(scale=4.2), RAMP)
    assert right.sqnr_db > 41
    assert wrong.sqnr_db == pytest.approx(10 * math.log10(1 / 0.05**2), abs=0.5)


def test_saturation_counts_values_that_round_beyond_the_clip() -> None:
    """Clipped at 31, x ≥ 127 rounds beyond (126 / 4 is a tie, held by 31.5); below 10, x < 38."""
    (row,) = profile.profile(rounding(hi=31), RAMP)
    assert row.saturation == (256 - 127) / 256
    (row,) = profile.profile(rounding(lo=10), RAMP)
    assert row.saturation == 38 / 256
    (row,) = profile.profile(rounding(lo=10, hi=31), RAMP)
    assert row.saturation == (38 + 129) / 256


def test_ends_reached_by_right_are_not_saturated() -> None:
    (row,) = profile.profile(rounding(hi=64), RAMP)
    assert (row.high, row.saturation) == (64, 0)


def test_exact_integers_have_no_noise() -> None:
    (row,) = profile.profile(rounding(scale=1.0, shift=0), RAMP)
    assert row.sqnr_db == math.inf
    assert row.used_range == 1
    assert profile.profile(rounding(), RAMP[:1])[0].sqnr_db == math.inf


def test_wrong_integers_of_no_signal() -> None:
    (row,) = profile.profile(rounding(lo=1), RAMP[:1])
    assert row.sqnr_db == -math.inf


def test_zero_point_and_channel_scales() -> None:
    base = rounding()
    node = base.qgraph.nodes[0]
    scales = np.array([4.0, 8.0])
    weights = np.array([[1], [2]], np.float32)
    doubled = Linear(Array(weights), Array(np.zeros(2, np.float32)))
    graph = replace(base.graph, nodes=(Node("fc", doubled, ("input",)),))
    function = Requantization(Array([1, 1]), 2, 8, node.out.type, 0, 255, zero=3)
    out = QTensor((1, 1, 2), node.out.type, Array(scales), zero=3)
    node = replace(node, unit=Requantize(function), out=out)
    (row,) = profile.profile(
        replace(base, graph=graph, qgraph=replace(base.qgraph, nodes=(node,))), RAMP
    )
    assert row.sqnr_db == pytest.approx(10 * math.log10(SIGNAL / (64 * 6)), abs=1e-9)
    assert (row.low, row.elements) == (3, 512)


def test_frames_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = golden.trace

    def spy(qgraph: QGraph, x: NDArray[np.integer]) -> dict[str, NDArray[np.int64]]:
        sizes.append(len(x))
        return original(qgraph, x)

    monkeypatch.setattr(golden, "trace", spy)
    (whole,) = profile.profile(rounding(hi=31), RAMP)
    monkeypatch.setattr(profile, "BLOCK", 100)
    (split,) = profile.profile(rounding(hi=31), RAMP)
    assert sizes == [256, 100, 100, 56]
    assert split == whole


def test_lowered_network_is_compared_at_the_right_layers() -> None:
    """Weights that QSQ holds exactly lose only the activations' rounding; others lose more."""
    rng = np.random.default_rng(7)
    frames = rng.integers(0, 256, (300, 1, 1, 16)).astype(np.uint8)
    exact = rng.choice([-4, -2, -1, 0, 1, 2, 4], (8, 16)) / 64
    last = np.eye(8, dtype=np.float32)

    def network(weights: NDArray[np.float32]) -> Quantized:
        zeros = Array(np.zeros(8, np.float32))
        nodes = (
            Node("fc1", Linear(Array(weights), zeros), ("input",)),
            Node("relu1", Relu(), ("fc1",)),
            Node("fc2", Linear(Array(last), zeros), ("relu1",)),
        )
        graph = Graph("tiny", (GraphInput((1, 1, 16), 8, 1 / 255),), nodes, ("fc2",))
        return quantize(graph, frames, parse({"calibration": {"method": "max"}}))

    rows = profile.profile(network(exact.astype(np.float32)), frames)
    assert [(row.node, row.reference) for row in rows] == [
        ("relu1_requant", "relu1"),
        ("fc2_requant", "fc2"),
    ]
    assert min(row.sqnr_db for row in rows) > 35
    noise = 1 + 0.3 * rng.random((8, 16))
    lossy = profile.profile(network((exact * noise).astype(np.float32)), frames)
    assert lossy[0].sqnr_db < rows[0].sqnr_db - 10


def test_no_frames_are_refused() -> None:
    with pytest.raises(ShiftloomError, match=r"^profile: no frames were given; give at least one$"):
        profile.profile(rounding(), RAMP[:0])
