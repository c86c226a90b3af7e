"""The float reference: logits and accuracy of a torch module on raw frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shiftloom.models.network import Network

if TYPE_CHECKING:
    from torch import nn


def logits(
    network: Network, module: nn.Module, frames: NDArray[np.uint8], batch: int = 1000
) -> NDArray[np.float32]:
    """The module's outputs [N, classes] for raw frames [N, H, W, C]; the module is in eval mode."""
    import torch

    with torch.inference_mode():
        parts = [
            module(network.to_torch(frames[start : start + batch])).numpy()
            for start in range(0, len(frames), batch)
        ]
    return np.concatenate(parts).astype(np.float32, copy=False)


def accuracy(outputs: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The share of rows whose first largest output is the label's, from 0 to 1."""
    return float(np.mean(outputs.argmax(axis=1) == labels))
