"""A small ShiftNet for CIFAR-10 (Wu et al., arXiv:1711.08141): shifts in place of 3x3 kernels.

A block widens its channels by a 1x1 convolution, shifts each of them by one pixel in one of nine
directions, narrows them by another 1x1 convolution and adds its input where the shapes agree.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shiftloom.models.layers import conv_norm, conv_relu
from shiftloom.models.network import Network

if TYPE_CHECKING:
    import torch
    from torch import nn

STAGES = ((16, 1), (32, 2), (64, 2))
"""Channels, and stride of the first block."""
BLOCKS = 2
WIDENING = 3


def build() -> nn.Module:
    """The network with fresh weights: float [N, 3, 32, 32] in, 10 logits out."""
    from torch import nn

    layers: list[tuple[str, nn.Module]] = [("conv", conv_relu(3, STAGES[0][0]))]
    channels = STAGES[0][0]
    for stage, (outputs, stride) in enumerate(STAGES, 1):
        for index in range(1, BLOCKS + 1):
            block = _block(channels, outputs, stride if index == 1 else 1)
            layers.append((f"block{stage}{index}", block))
            channels = outputs
    layers += [
        ("pool", nn.AvgPool2d(8)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(channels, 10)),
    ]
    return nn.Sequential(OrderedDict(layers))


def _shift(channels: int) -> nn.Module:
    """Channel c moved by one pixel in the direction c mod 9: a depthwise kernel of a single 1."""
    import torch
    from torch import nn

    conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
    kernels = torch.zeros(channels, 9)
    kernels[torch.arange(channels), torch.arange(channels) % 9] = 1
    conv.weight = nn.Parameter(kernels.reshape(channels, 1, 3, 3), requires_grad=False)
    return conv


def _block(channels: int, outputs: int, stride: int) -> nn.Module:
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            wide = WIDENING * channels
            self.widen = conv_relu(channels, wide, 1)
            self.shift = _shift(wide)
            self.narrow = conv_norm(wide, outputs, 1, stride)
            same = stride == 1 and channels == outputs
            self.shortcut = nn.Identity() if same else conv_norm(channels, outputs, 1, stride)
            self.relu = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            narrow = self.narrow(self.shift(self.widen(x)))
            made: torch.Tensor = self.relu(narrow + self.shortcut(x))
            return made

    return Block()


SHIFTNET = Network(
    name="shiftnet",
    doc="ShiftNet on CIFAR-10: 32x32 colour pixels, 10 classes, shifts and 1x1 convolutions",
    input_shape=(32, 32, 3),
    build=build,
    checkpoint="shiftnet.pt",
    dataset="cifar10",
    outputs=10,
    input_scale=1 / 64,
    input_zero=128,
)
