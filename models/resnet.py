"""Residual networks (He et al., arXiv:1512.03385) for CIFAR-10 and of ImageNet's size.

ResNet-20 has three stages of three blocks; ResNet-8, the shape of MLPerf Tiny's, of one block each.
ResNet-18 has four stages of two, behind a 7x7 convolution and a maximum; its weights are random and
the same at every call, they measure the hardware. Where a block changes its shape, the shortcut is
a 1x1 convolution.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.layers import conv_norm, conv_relu
from shiftloom.models.network import Network, TunedNetwork
from shiftloom.models.random_weights import seeded

if TYPE_CHECKING:
    from torch import nn

WIDTHS = (16, 32, 64)
WIDTHS_18 = (64, 128, 256, 512)
SEED = 1
"""Of the random weights of ResNet-18."""


def build(blocks: int) -> nn.Module:
    """`blocks` residual blocks a stage, fresh weights: float [N, 3, 32, 32] in, 10 logits out."""
    from torch import nn

    layers = [("conv", conv_relu(3, WIDTHS[0])), *_stages(WIDTHS, blocks)]
    layers += [("pool", nn.AvgPool2d(8)), ("flatten", nn.Flatten()), ("fc", nn.Linear(64, 10))]
    return nn.Sequential(OrderedDict(layers))


def build_resnet18() -> nn.Module:
    """The network with seeded weights: float [N, 3, 224, 224] in, 1000 logits out."""
    from torch import nn

    layers = [
        ("conv", conv_relu(3, WIDTHS_18[0], 7, 2)),
        ("max", nn.MaxPool2d(3, 2, 1)),
        *_stages(WIDTHS_18, 2),
        ("pool", nn.AvgPool2d(7)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(WIDTHS_18[-1], 1000)),
    ]
    return seeded(nn.Sequential(OrderedDict(layers)), SEED)


def _stages(widths: tuple[int, ...], blocks: int) -> list[tuple[str, nn.Module]]:
    """`blocks` blocks of each width, the first of a stage behind the first halving the map."""
    layers: list[tuple[str, nn.Module]] = []
    channels = widths[0]
    for stage, outputs in enumerate(widths, 1):
        for index in range(1, blocks + 1):
            stride = 2 if stage > 1 and index == 1 else 1
            layers.append((f"block{stage}{index}", _block(channels, outputs, stride)))
            channels = outputs
    return layers


def _block(channels: int, outputs: int, stride: int) -> nn.Module:
    """relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = conv_relu(channels, outputs, 3, stride)
            self.conv2 = conv_norm(outputs, outputs)
            same = stride == 1 and channels == outputs
            self.shortcut = nn.Identity() if same else conv_norm(channels, outputs, 1, stride)
            self.relu = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))
            return made

    return Block()


def _network(name: str, blocks: int, checkpoint: str | None) -> Network:
    return Network(
        name=name,
        doc=f"ResNet-{6 * blocks + 2} on CIFAR-10: 32x32 colour pixels, 10 classes",
        input_shape=(32, 32, 3),
        build=lambda: build(blocks),
        checkpoint=checkpoint,
        dataset="cifar10",
        outputs=10,
        input_scale=1 / 64,
        input_zero=128,
    )


RESNET8 = _network("resnet8", 1, "resnet8.pt")
RESNET20 = _network("resnet20", 3, "resnet20.pt")
RESNET8_W3 = TunedNetwork("resnet8_w3", "ResNet-8 tuned with 3-bit weights", "resnet8")
RESNET20_W3A4 = TunedNetwork(
    "resnet20_w3a4", "ResNet-20 tuned with 3-bit weights and 4-bit activations", "resnet20"
)
RESNET18 = Network(
    name="resnet18",
    doc="ResNet-18: 224x224 colour pixels, 1000 classes, random weights",
    input_shape=(224, 224, 3),
    build=build_resnet18,
    checkpoint=None,
    dataset="noise_224x224x3",
    outputs=1000,
)
