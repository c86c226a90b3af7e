"""The paper's ConvNet for CIFAR-10: 3x3 convolutions of 32, 32, 64 and 64 filters.

The paper (arXiv:2407.11260, section IV) names the four layers. Poolings stand behind the second and
the fourth; the classifier is one layer.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.layers import conv_relu
from shiftloom.models.network import Network, TunedNetwork

if TYPE_CHECKING:
    from torch import nn


def build() -> nn.Module:
    """The network with fresh weights: float [N, 3, 32, 32] in, 10 logits out."""
    from torch import nn

    layers: tuple[tuple[str, nn.Module], ...] = (
        ("conv1", conv_relu(3, 32)),
        ("conv2", conv_relu(32, 32)),
        ("pool2", nn.MaxPool2d(2)),
        ("conv3", conv_relu(32, 64)),
        ("conv4", conv_relu(64, 64)),
        ("pool4", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(4096, 10)),
    )
    return nn.Sequential(OrderedDict(layers))


CONVNET = Network(
    name="convnet",
    doc="The paper's ConvNet 32-32-64-64 on CIFAR-10: 32x32 colour pixels, 10 classes",
    input_shape=(32, 32, 3),
    build=build,
    checkpoint="convnet.pt",
    dataset="cifar10",
    outputs=10,
    input_scale=1 / 64,
    input_zero=128,
)
CONVNET_W3 = TunedNetwork("convnet_w3", "The ConvNet tuned with 3-bit weights", "convnet")
CONVNET_W2 = TunedNetwork("convnet_w2", "The ConvNet tuned with 2-bit weights", "convnet")
