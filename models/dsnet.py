"""A small depthwise-separable network for CIFAR-10, as MobileNetV1 (arXiv:1704.04861) has them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.layers import conv_relu
from shiftloom.models.network import Network

if TYPE_CHECKING:
    from torch import nn

BLOCKS = ((64, 2), (64, 1), (128, 2), (128, 1))
"""Output channels and stride of each depthwise convolution and the 1x1 convolution behind it."""


def build() -> nn.Module:
    """The network with fresh weights: float [N, 3, 32, 32] in, 10 logits out."""
    from torch import nn

    layers: list[tuple[str, nn.Module]] = [("conv", conv_relu(3, 32))]
    channels = 32
    for index, (outputs, stride) in enumerate(BLOCKS, 1):
        layers.append((f"depthwise{index}", conv_relu(channels, channels, 3, stride, channels)))
        layers.append((f"pointwise{index}", conv_relu(channels, outputs, 1)))
        channels = outputs
    layers += [
        ("pool", nn.AvgPool2d(8)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(channels, 10)),
    ]
    return nn.Sequential(OrderedDict(layers))


DSNET = Network(
    name="dsnet",
    doc="Depthwise-separable network on CIFAR-10: 32x32 colour pixels, 10 classes",
    input_shape=(32, 32, 3),
    build=build,
    checkpoint="dsnet.pt",
    dataset="cifar10",
    outputs=10,
    input_scale=1 / 64,
    input_zero=128,
)
