"""MobileNetV1 of width 0.25 on 96x96 colour pixels, 2 classes: MLPerf Tiny's visual wake words.

The weights are random and the same at every call: they measure the hardware, not an accuracy.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.network import Network
from shiftloom.models.random_weights import seeded

if TYPE_CHECKING:
    from torch import nn

SEED = 1
BLOCKS = (
    (16, 1),
    (32, 2),
    (32, 1),
    (64, 2),
    (64, 1),
    (128, 2),
    *((128, 1),) * 5,
    (256, 2),
    (256, 1),
)
"""Output channels and stride of each depthwise separable block."""


def build() -> nn.Module:
    """The network with seeded weights: float [N, 3, 96, 96] in, 2 logits out."""
    from torch import nn

    layers: list[tuple[str, nn.Module]] = [("conv0", _unit(3, 8, 3, 2))]
    channels = 8
    for index, (outputs, stride) in enumerate(BLOCKS, 1):
        layers.append((f"depthwise{index}", _unit(channels, channels, 3, stride, channels)))
        layers.append((f"pointwise{index}", _unit(channels, outputs, 1)))
        channels = outputs
    layers += [
        ("pool", nn.AvgPool2d(3)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(channels, 2)),
    ]
    return seeded(nn.Sequential(OrderedDict(layers)), SEED)


def _unit(
    channels: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution with batch normalization and ReLU6."""
    from torch import nn

    conv = nn.Conv2d(channels, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    parts = (("conv", conv), ("norm", nn.BatchNorm2d(outputs)), ("relu", nn.ReLU6()))
    return nn.Sequential(OrderedDict(parts))


MOBILENET_V1_025 = Network(
    name="mobilenet_v1_025",
    doc="MobileNetV1-0.25: 96x96 colour pixels, 2 classes, random weights",
    input_shape=(96, 96, 3),
    build=build,
    checkpoint=None,
    dataset="noise_96x96x3",
    outputs=2,
)
