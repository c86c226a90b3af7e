"""What the tool needs to know of a network: its input, how to build it, its weights and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Network:
    """A named network whose input is raw integers: real = input_scale * (q - input_zero).

    `input_shape` is (height, width, channels) of one frame, as the hardware streams it.
    `build()` returns the module with fresh weights; only that call imports torch.
    """

    name: str
    doc: str
    input_shape: tuple[int, int, int]
    build: Callable[[], nn.Module]
    checkpoint: str
    dataset: str
    input_bits: int = 8
    input_scale: float = 1 / 255
    input_zero: int = 0

    def to_torch(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """Raw frames [N, H, W, C] as the module's input: float32 [N, C, H, W], scaled."""
        import torch

        real = (frames.astype(np.float32) - self.input_zero) * np.float32(self.input_scale)
        return torch.from_numpy(np.ascontiguousarray(real.transpose(0, 3, 1, 2)))
