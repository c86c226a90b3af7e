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

InputShape = tuple[int, int, int]
"""(height, width, channels) of one frame, as the hardware streams it."""


@dataclass(frozen=True, slots=True)
class Network:
    """A torch network whose input is raw integers: real = input_scale * (q - input_zero).

    `build()` returns the module with fresh weights; only that call imports torch. Without a
    `checkpoint` those are its weights, the same at every call.
    """

    name: str
    doc: str
    input_shape: InputShape
    build: Callable[[], nn.Module]
    checkpoint: str | None
    dataset: str
    outputs: int
    input_bits: int = 8
    input_scale: float = 1 / 255
    input_zero: int = 0

    def to_torch(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """Raw frames [N, H, W, C] as the module's input: float32 [N, C, H, W], scaled."""
        import torch

        real = (frames.astype(np.float32) - self.input_zero) * np.float32(self.input_scale)
        return torch.from_numpy(np.ascontiguousarray(real.transpose(0, 3, 1, 2)))


@dataclass(frozen=True, slots=True)
class TunedNetwork:
    """The network `base` with quantized weights and ranges from training.

    They are in `checkpoints/<name>.slw`; `recipes/<name>.yaml` has the settings they belong to.
    """

    name: str
    doc: str
    base: str


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """A trained network in an ONNX file; raw frames of `input_name` mean input_scale * (q - zero).

    `file` lies under the data folder and must have the SHA-256 `sha256`.
    """

    name: str
    doc: str
    file: str
    sha256: str
    input_name: str
    input_shape: InputShape
    dataset: str
    outputs: int
    input_bits: int = 8
    input_signed: bool = False
    input_scale: float = 1.0
    input_zero: int = 0
