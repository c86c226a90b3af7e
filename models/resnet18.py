"""ResNet-18 on 224x224 colour pixels, 1000 classes (He et al., arXiv:1512.03385, table 1).

The weights are random and the same at every call: they measure the hardware, not an accuracy. Its
convolutions take 1.81 G products a frame.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.network import Network
from shiftloom.models.random_weights import seeded
from shiftloom.models.resnet import basic_block

if TYPE_CHECKING:
    from torch import nn

SEED = 1
WIDTHS = (64, 128, 256, 512)
BLOCKS = 2
"""Residual blocks of each width."""


def build() -> nn.Module:
    """The network with seeded weights: float [N, 3, 224, 224] in, 1000 logits out."""
    return seeded(network(WIDTHS, 1000, 7), SEED)


def network(widths: tuple[int, ...], classes: int, pool: int) -> nn.Module:
    """Stages of `widths`, the first one behind a 7x7 convolution and a maximum, then a mean."""
    from torch import nn

    conv = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
    stem = OrderedDict(conv=conv, norm=nn.BatchNorm2d(widths[0]), relu=nn.ReLU())
    layers: list[tuple[str, nn.Module]] = [
        ("conv1", nn.Sequential(stem)),
        ("maxpool", nn.MaxPool2d(3, 2, 1)),
    ]
    channels = widths[0]
    for stage, outputs in enumerate(widths, 1):
        for index in range(1, BLOCKS + 1):
            stride = 2 if stage > 1 and index == 1 else 1
            layers.append((f"block{stage}{index}", basic_block(channels, outputs, stride)))
            channels = outputs
    layers += [
        ("pool", nn.AvgPool2d(pool)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(channels, classes)),
    ]
    return nn.Sequential(OrderedDict(layers))


RESNET18 = Network(
    name="resnet18",
    doc="ResNet-18: 224x224 colour pixels, 1000 classes, random weights",
    input_shape=(224, 224, 3),
    build=build,
    checkpoint=None,
    dataset="noise_224x224x3",
    outputs=1000,
)
