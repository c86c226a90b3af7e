"""Every weight format on the PEs that take it, and single-bit activations: golden = RTL = HLS."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from network_runs import check_hls, check_rtl, compiled
from torch import nn

import shiftloom
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.values import Array

SHAPE = (9, 8, 2)
SIGNS: dict[str, Any] = {
    "defaults": {"format": "binary", "activation_bits": 1, "pe": "xnor"},
    "layers": {
        "conv1": {"format": "int", "activation_bits": 1, "pe": "auto"},
        "fc": {"format": "int", "weight_bits": 4, "activation_bits": 8, "pe": "auto"},
    },
}
"""The sums of the first layers become signs, which layers of signs read."""
CASES: dict[str, dict[str, tuple[dict[str, Any], str, int]]] = {
    "integers": {
        "conv1": ({"format": "int"}, "", 127),
        "conv2": ({"format": "int", "weight_bits": 4, "granularity": "tensor"}, "dw_dsp", 7),
        "conv3": ({"format": "int", "weight_bits": 5, "pe": "dsp"}, "mvu_dsp", 15),
        "fc": ({"format": "int", "pe": "dsp"}, "mvu_dsp", 127),
    },
    "powers": {
        "conv1": ({"format": "pow2", "pe": "dsp"}, "mvu_dsp", 64),
        "conv2": ({"format": "pow2", "weight_bits": 3}, "dw_shift", 4),
        "conv3": ({"format": "pow2", "weight_bits": 3, "pe": "shift"}, "mvu_shift", 4),
        "fc": ({"format": "qsq", "pe": "dsp"}, "mvu_dsp", 4),
    },
    "few_levels": {
        "conv1": ({"format": "binary", "pe": "constant"}, "constant", 1),
        "conv2": ({"format": "ternary"}, "dw_shift", 1),
        "conv3": ({"format": "binary", "pe": "shift"}, "mvu_shift", 1),
        "fc": ({"format": "ternary", "pe": "dsp"}, "mvu_dsp", 1),
    },
    "signed_digits": {
        "conv1": ({"format": "csd", "pe": "constant"}, "constant", 112),
        "conv2": ({"format": "csd", "weight_bits": 6, "digits": 1}, "dw_dsp", 16),
        "conv3": ({"format": "csd", "pe": "dsp"}, "mvu_dsp", 112),
        "fc": ({"format": "csd", "weight_bits": 5, "digits": 3, "pe": "constant"}, "constant", 15),
    },
    "two_scales": {
        "conv1": ({"format": "ternary", "scales": 2, "pe": "dsp"}, "mvu_dsp", 3),
        "conv2": ({"format": "ternary", "scales": 2}, "dw_dsp", 5),
        "conv3": ({"format": "ternary", "scales": 2, "pe": "constant"}, "constant", 3),
        "fc": ({"format": "ternary", "scales": 2, "pe": "constant"}, "constant", 3),
    },
}
"""Of every layer: its settings, the kind of its matrix unit (any if empty), the largest weight."""


def network(**layers: nn.Module) -> Graph:
    """A chain on `SHAPE`, of the same weights every time."""
    return shiftloom.from_torch(
        nn.Sequential(OrderedDict(layers)), "net", GraphInput(SHAPE, scale=1 / 64, zero=128)
    )


def frames(count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Random frames, the first all 0, the second all 255."""
    x = np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    x[0], x[1] = 0, 255
    return x


def depthwise() -> Graph:
    """A convolution, a separable one and a fully connected layer."""
    torch.manual_seed(7)
    return network(
        conv1=nn.Conv2d(2, 8, 3, padding=1),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        relu2=nn.ReLU(),
        conv3=nn.Conv2d(8, 6, 1),
        relu3=nn.ReLU6(),
        pool3=nn.MaxPool2d(2, stride=1),
        flat=nn.Flatten(),
        fc=nn.Linear(6 * 4 * 3, 5),
    )


def skewed(graph: Graph) -> Graph:
    """The network with positive weights three times as large."""
    nodes = []
    for node in graph.nodes:
        op = node.op
        if isinstance(op, Layer):
            weights = np.where(op.weights.data > 0, 3 * op.weights.data, op.weights.data)
            op = replace(op, weights=Array(weights))
        nodes.append(replace(node, op=op))
    return replace(graph, nodes=tuple(nodes))


def signs(padding: int = 0) -> Graph:
    """Convolutions that are meant to read signs."""
    torch.manual_seed(3)
    return network(
        conv1=nn.Conv2d(2, 8, 3, padding=1),
        conv2=nn.Conv2d(8, 12, 3, stride=2, padding=padding),
        norm2=nn.BatchNorm2d(12).eval(),
        conv3=nn.Conv2d(12, 4, 1),
        flat=nn.Flatten(),
        fc=nn.Linear(4 * (4 + padding) * (3 + padding), 5),
    )


@pytest.mark.parametrize("case", CASES)
def test_rtl_and_hls_equal_golden_in_every_format(case: str, tmp_path: Path) -> None:
    settings = {"layers": {name: layer for name, (layer, _, _) in CASES[case].items()}}
    graph = skewed(depthwise()) if case == "two_scales" else depthwise()
    built = compiled(graph, frames(64), settings, tmp_path)
    macs = {node.name: node.unit for node in built.qgraph.nodes if isinstance(node.unit, Mac)}
    for name, (_, kind, largest) in CASES[case].items():
        assert not kind or kind in {unit.kind for unit in built.units if unit.node == name}
        assert int(np.abs(macs[name].weights.data).max()) == largest
    check_rtl(built, frames(24, seed=1))
    check_hls(built, frames(24, seed=1))


def test_signs_on_the_xnor_unit(tmp_path: Path) -> None:
    built = compiled(signs(), frames(64), SIGNS, tmp_path)
    assert [unit.kind for unit in built.units].count("mvu_xnor") == 2
    streams = {unit.node: unit.sources[0] for unit in built.units if unit.kind == "mvu_xnor"}
    assert {name: (s.bits, s.signed) for name, s in streams.items()} == {
        "conv2": (1, False),
        "conv3": (1, False),
    }
    check_rtl(built, frames(24, seed=1))
    check_hls(built, frames(24, seed=1))


def test_padding_between_signs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"^conv2: .*pad"):
        compiled(signs(padding=1), frames(64), SIGNS, tmp_path)
    assert list(tmp_path.iterdir()) == []
