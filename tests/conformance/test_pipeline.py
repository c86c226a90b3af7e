"""Layers whose sizes divide the array keep it busy: the RTL's interval is the products' clocks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from conformance_nets import Net
from conformance_run import Built, check_rtl
from torch import nn

from shiftloom.codegen.qgraph import Mac
from shiftloom.rtl_sim.cache import Cache

UTILIZATION = 0.95
"""Least part of the clocks between frames in which every product of the slowest layer is of use."""

Builder = Callable[[Net], Built]


def _net(kernel: int, folding: list[int], second: list[int]) -> Net:
    torch.manual_seed(7)
    layers = {
        "conv1": nn.Conv2d(4, 8, kernel, padding=kernel // 2),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(8, 4, 1),
    }
    settings = {"pe": "shift", "folding": folding}, {"pe": "shift", "folding": second}
    config = {
        "target": {"dataflow": "pipeline"},
        "layers": dict(zip(("conv1", "conv2"), settings, strict=True)),
    }
    return Net(f"busy{kernel}", (10, 9, 4), layers, config=config)


@pytest.mark.parametrize(
    ("kernel", "folding", "second"), [(3, [4, 2], [4, 2]), (3, [2, 4], [2, 8]), (1, [2, 4], [1, 8])]
)
def test_a_dividing_layer_is_always_busy(
    kernel: int, folding: list[int], second: list[int], built: Builder, cache: Cache
) -> None:
    net = _net(kernel, folding, second)
    network = built(Net(f"{net.name}_{folding[0]}", net.shape, net.layers, net.zero, net.config))
    check_rtl(network, cache)
    plan, qgraph = network.opened.plan, network.opened.qgraph
    shares = []
    for node in qgraph.nodes:
        if isinstance(node.unit, Mac):
            mac = plan.mac(node.name)
            taps = kernel * kernel if mac.window == "transposed" else 1
            height, width, _ = node.out.shape
            products = height * width * node.unit.weights.data.size
            shares.append(products / (mac.pe * mac.simd * taps * plan.interval))
    assert max(shares) >= UTILIZATION
