"""Small networks that together meet every unit, format and option.

A network is a seeded torch module, the meaning of its input integers, and its configuration.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from shiftloom import Config, Quantized, from_torch, parse_config, quantize
from shiftloom.codegen.graph import GraphInput

CALIBRATION_FRAMES = 64


@dataclass(frozen=True)
class Net:
    """Layers by name in order, the input's (H, W, C) and zero point, and configuration data."""

    name: str
    shape: tuple[int, int, int]
    layers: dict[str, nn.Module]
    zero: int = 0
    config: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> Config:
        """The configuration, parsed."""
        return parse_config(self.config, self.name)

    def quantized(self, seed: int = 1) -> Quantized:
        """The integer network, calibrated on frames of its own."""
        source = GraphInput(self.shape, scale=1 / 64, zero=self.zero)
        module = nn.Sequential(OrderedDict(self.layers))
        graph = from_torch(module, self.name, source)
        return quantize(graph, self.frames(CALIBRATION_FRAMES, seed), self.settings())

    def frames(self, count: int, seed: int = 2) -> npt.NDArray[np.uint8]:
        """Random frames, of which some are all 0, all 255, or only these two."""
        rng = np.random.default_rng(seed)
        frames = rng.integers(0, 256, (count, *self.shape), dtype=np.uint8)
        frames[1::8], frames[2::8] = 0, 255
        frames[3::8] = rng.choice(np.array([0, 255], np.uint8), frames[3::8].shape)
        return frames


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalization with statistics and an affine map that are not trivial."""
    norm = nn.BatchNorm2d(channels)
    for tensor, low, high in (
        (norm.running_mean, -0.5, 0.5),
        (norm.running_var, 0.3, 2.0),
        (norm.weight.data, 0.5, 1.5),
        (norm.bias.data, -0.3, 0.3),
    ):
        assert tensor is not None
        tensor.uniform_(low, high)
    return norm


def ci_nets() -> tuple[Net, ...]:
    """Ten networks that meet kernels × strides × paddings × poolings × formats pairwise."""
    torch.manual_seed(20)
    return (
        Net(
            "classic",
            (11, 9, 1),
            {
                "conv1": nn.Conv2d(1, 4, 5, padding=2),
                "relu1": nn.ReLU(),
                "pool1": nn.MaxPool2d(2),
                "conv2": nn.Conv2d(4, 6, 3),
                "relu2": nn.ReLU(),
                "flat": nn.Flatten(),
                "fc1": nn.Linear(6 * 3 * 2, 10),
            },
            config={"layers": {"conv1": {"m_bits": 16}, "conv2": {"requant_dsp": True}}},
        ),
        Net(
            "strided",
            (10, 13, 3),
            {
                "conv1": nn.Conv2d(3, 4, 3, stride=2, padding=1),
                "norm1": norm(4),
                "relu1": nn.ReLU(),
                "conv2": nn.Conv2d(4, 4, (2, 3), padding=(0, 1)),
                "pool2": nn.MaxPool2d(3, stride=2, padding=1),
                "flat": nn.Flatten(),
                "fc1": nn.Linear(4 * 2 * 4, 5),
            },
            zero=37,
            config={
                "defaults": {"phi": 2, "pe": "shift", "m_bits": 16, "requant_dsp": True},
                "layers": {
                    "conv1": {"folding": [2, 9], "activation_bits": 4},
                    "conv2": {"folding": [4, 6]},
                    "fc1": {"folding": [5, 8]},
                },
            },
        ),
        Net(
            "pool_first",
            (12, 11, 2),
            {
                "pool0": nn.MaxPool2d(2),
                "conv1": nn.Conv2d(2, 3, 1, stride=2),
                "relu1": nn.ReLU(),
                "pool1": nn.AvgPool2d(3, stride=1, padding=1),
                "conv2": nn.Conv2d(3, 4, 3, padding=2),
                "relu2": nn.ReLU(),
                "pool2": nn.AvgPool2d(2),
            },
            config={
                "defaults": {"pe": "constant", "requant": "thresholds", "activation_bits": 4},
                "layers": {"conv2": {"activation_bits": 8, "phi": 1}},
            },
        ),
        Net(
            "vectors",
            (5, 5, 2),
            {
                "flat": nn.Flatten(),
                "fc1": nn.Linear(50, 12),
                "relu1": nn.ReLU(),
                "fc2": nn.Linear(12, 4),
                "fc3": nn.Linear(4, 10),
            },
            zero=128,
            config={
                "defaults": {"quantizer": "paper", "pe": "shift"},
                "layers": {
                    "fc1": {"folding": [3, 10]},
                    "fc2": {"folding": [1, 4]},
                    "fc3": {"folding": [5, 1]},
                },
            },
        ),
        Net(
            "pooled",
            (13, 10, 4),
            {
                "pool0": nn.AvgPool2d(3, stride=2, padding=1),
                "conv1": nn.Conv2d(4, 6, 3, stride=2, padding=1),
                "conv2": nn.Conv2d(6, 2, 1),
                "norm2": norm(2),
                "pool2": nn.MaxPool2d(3, stride=2),
            },
            config={
                "defaults": {"phi": 1, "activation_bits": 4},
                "layers": {"conv1": {"pe": "shift", "folding": [2, 4]}},
            },
        ),
        Net(
            "signed",
            (9, 7, 2),
            {
                "conv1": nn.Conv2d(2, 4, 3, padding=1),
                "conv2": nn.Conv2d(4, 3, 5, stride=2, padding=2),
                "pool2": nn.AvgPool2d(2, stride=1),
                "conv3": nn.Conv2d(3, 2, (3, 2), padding=(1, 0)),
            },
            zero=200,
            config={
                "defaults": {"requant": "thresholds", "pe": "shift"},
                "layers": {
                    "conv1": {"pe": "constant", "activation_bits": 6},
                    "conv2": {"folding": [1, 20], "activation_bits": 5},
                },
            },
        ),
        Net(
            "digits",
            (9, 8, 2),
            {
                "conv1": nn.Conv2d(2, 4, 3, padding=1),
                "conv2": nn.Conv2d(4, 3, (3, 2), stride=(2, 1), padding=1),
                "relu2": nn.ReLU(),
                "conv3": nn.Conv2d(3, 4, 1, stride=(1, 2)),
                "relu3": nn.ReLU(),
                "flat": nn.Flatten(),
                "fc1": nn.Linear(100, 6),
            },
            config={
                "defaults": {"pe": "constant"},
                "layers": {
                    "conv1": {"digit": 2, "activation_bits": 6},
                    "conv2": {"digit": 4, "activation_bits": 4},
                    "conv3": {"digit": 1},
                    "fc1": {"digit": 4},
                },
            },
        ),
        Net(
            "transposed",
            (8, 9, 2),
            {
                "conv1": nn.Conv2d(2, 4, 3, padding=2),
                "relu1": nn.ReLU(),
                "conv2": nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4),
                "conv3": nn.Conv2d(4, 6, (2, 3), padding=(0, 1)),
                "relu3": nn.ReLU(),
                "conv4": nn.Conv2d(6, 4, (3, 2), dilation=(1, 2)),
                "flat": nn.Flatten(),
                "fc1": nn.Linear(4 * 2 * 4, 5),
            },
            zero=37,
            config={
                "target": {"dataflow": "pipeline"},
                "layers": {
                    "conv1": {"pe": "shift", "folding": [2, 1]},
                    "conv3": {"dataflow": "streaming"},
                    "conv4": {"format": "int", "weight_bits": 6, "pe": "dsp", "folding": [1, 3]},
                },
            },
        ),
        Net(
            "scalable",
            (7, 6, 2),
            {
                "conv1": nn.Conv2d(2, 4, 3, padding=1),
                "relu1": nn.ReLU(),
                "conv2": nn.Conv2d(4, 4, (3, 2), groups=2),
                "conv3": nn.Conv2d(4, 6, 1, stride=(1, 2)),
                "relu3": nn.ReLU(),
                "conv4": nn.Conv2d(6, 4, (2, 1), padding=(1, 0)),
                "flat": nn.Flatten(),
                "fc1": nn.Linear(4 * 6 * 3, 5),
            },
            config={
                "target": {"clock_gate": "asic"},
                "defaults": {"format": "int", "pe": "csd"},
                "layers": {
                    "conv1": {"gate": "row", "folding": [2, 6], "requant": "csd"},
                    "conv2": {"folding": [2, 2]},
                    "conv3": {"gate": "none", "activation_bits": 4},
                    "conv4": {"dataflow": "pipeline", "weight_bits": 5},
                    "fc1": {"gate": "digit", "folding": [1, 3]},
                },
            },
        ),
        Net(
            "scaled",
            (7, 8, 2),
            {
                "conv1": nn.Conv2d(2, 4, 3, padding=1),
                "relu1": nn.ReLU(),
                "conv2": nn.Conv2d(4, 6, 3, stride=2, padding=1),
                "conv3": nn.Conv2d(6, 4, (2, 3), padding=(0, 1), groups=2),
                "conv4": nn.Conv2d(4, 6, 2),
                "relu4": nn.ReLU(),
                "flat": nn.Flatten(),
                "fc1": nn.Linear(36, 6),
                "fc2": nn.Linear(6, 5),
            },
            zero=37,
            config={
                "defaults": {"pe": "csd", "alpha_bits": 8},
                "layers": {
                    "conv1": {"axis": "filter", "folding": [2, 6], "requant": "csd"},
                    "conv2": {"axis": "channel", "vector": 2, "folding": [3, 12]},
                    "conv3": {"axis": "filter", "vector": 2, "folding": [1, 3]},
                    "conv4": {"axis": "channel", "vector": 3, "folding": [2, 1]},
                    "fc1": {"axis": "output", "vector": 6, "folding": [2, 3]},
                    "fc2": {"axis": "filter", "vector": 2, "folding": [1, 2], "alpha_bits": 2},
                },
            },
        ),
    )


def bursty_net() -> Net:
    """Pooling gives its pixels in bursts, which the folded layer behind it takes one by one.

    The first FIFO has to be deeper than 2.
    """
    torch.manual_seed(5)
    return Net(
        "bursty",
        (5, 15, 1),
        {
            "conv1": nn.Conv2d(1, 4, 1),
            "relu1": nn.ReLU(),
            "pool1": nn.MaxPool2d(2),
            "conv2": nn.Conv2d(4, 2, 1),
        },
        config={
            "layers": {
                "conv1": {"pe": "constant"},
                "conv2": {"pe": "shift", "folding": [2, 1]},
            }
        },
    )


def pixel_net() -> Net:
    """Layers on maps of one pixel, in an engine with external memory."""
    torch.manual_seed(7)
    layers = {"conv1": nn.Conv2d(4, 8, 1), "relu1": nn.ReLU(), "conv2": nn.Conv2d(8, 3, 1)}
    target = {"dataflow": "systolic", "array": [8, 8]}
    return Net("pixel", (1, 1, 4), layers, config={"target": target})


def named_net(name: str = "named", **config: Any) -> Net:
    """Layers with the names of ports, of other modules, and of the network itself."""
    torch.manual_seed(6)
    layers = {
        "shell": nn.Conv2d(2, 4, 3, padding=1),
        "registers": nn.ReLU(),
        "s_axis": nn.Upsample(scale_factor=2),
        "board": nn.Conv2d(4, 4, (2, 3)),
        "board_registers": nn.ReLU(),
        "pins": nn.MaxPool2d(2),
        "memory0": nn.Upsample(scale_factor=2),
        "named": nn.Conv2d(4, 2, 2, stride=2),
        "quality0": nn.Upsample(scale_factor=2),
        "m_axis": nn.Upsample(scale_factor=2),
        "ip": nn.Conv2d(2, 3, 1),
    }
    return Net(name, (5, 4, 2), layers, config=config)
