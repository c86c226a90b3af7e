"""Seeded random weights that keep the activations' spread from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def seeded(module: nn.Module, seed: int) -> nn.Module:
    """`module` in eval mode, its weights drawn anew (He et al. 2015), the same for a seed.

    Batch normalization gets statistics as training would leave them: means and offsets about 0,
    variances and factors about 1.
    """
    import torch
    from torch import nn

    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=random)
                if layer.bias is not None:
                    layer.bias.normal_(0, 0.1, generator=random)
            elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                assert layer.running_mean is not None
                assert layer.running_var is not None
                layer.weight.uniform_(0.8, 1.2, generator=random)
                layer.bias.normal_(0, 0.1, generator=random)
                layer.running_mean.normal_(0, 0.1, generator=random)
                layer.running_var.uniform_(0.8, 1.2, generator=random)
    return module.eval()
