"""The fully connected autoencoder of MLPerf Tiny's anomaly detection: 640-128x4-8-128x4-640.

The weights are random and the same at every call: they measure the hardware, not an accuracy.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING

from shiftloom.models.network import Network
from shiftloom.models.random_weights import seeded

if TYPE_CHECKING:
    from torch import nn

SEED = 2
WIDTHS = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)


def build() -> nn.Module:
    """The network with seeded weights: float [N, 640, 1, 1] in, 640 values out."""
    from torch import nn

    layers: list[tuple[str, nn.Module]] = [("flatten", nn.Flatten())]
    for index, (inputs, outputs) in enumerate(pairwise(WIDTHS), 1):
        layers.append((f"fc{index}", nn.Linear(inputs, outputs)))
        if index < len(WIDTHS) - 1:
            layers.append((f"norm{index}", nn.BatchNorm1d(outputs)))
            layers.append((f"relu{index}", nn.ReLU()))
    return seeded(nn.Sequential(OrderedDict(layers)), SEED)


AUTOENCODER = Network(
    name="autoencoder",
    doc="Autoencoder 640-128-128-128-128-8-128-128-128-128-640, random weights",
    input_shape=(1, 1, 640),
    build=build,
    checkpoint=None,
    dataset="noise_640",
    outputs=640,
    input_scale=1 / 32,
    input_zero=128,
)
