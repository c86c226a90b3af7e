"""Building blocks that several networks share, in torch."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def conv_norm(
    channels: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size at stride 1, and its batch normalization."""
    from torch import nn

    conv = nn.Conv2d(channels, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs)))


def conv_relu(
    channels: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """The same with a ReLU behind it."""
    from torch import nn

    made = conv_norm(channels, outputs, kernel, stride, groups)
    made.append(nn.ReLU())
    return made
