"""Random small networks: any kernel, stride, padding, pooling, width, quantizer, PE and folding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from conformance_nets import Net, norm
from torch import nn

from shiftloom.codegen.windows import Pair

SEEDS = range(60)
"""Of the networks of the soak tests."""
WIDEST_BEAT = 512
"""Terms that a constant PE can take in a beat."""


@dataclass
class _Random:
    """Draws a chain of layers; `height`, `width` and `channels` follow the feature map."""

    rng: np.random.Generator
    height: int
    width: int
    channels: int
    layers: dict[str, nn.Module] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def _shrinks(self, kernel: Pair, stride: Pair, padding: Pair) -> bool:
        """Take the size behind a window, unless the window does not fit."""
        height, width = self.height + 2 * padding[0], self.width + 2 * padding[1]
        if height < kernel[0] or width < kernel[1]:
            return False
        self.height = (height - kernel[0]) // stride[0] + 1
        self.width = (width - kernel[1]) // stride[1] + 1
        return True

    def conv(self, index: int) -> None:
        """A convolution with or without batch normalization and ReLU, where it fits."""
        kernel = self.pick((1, 1), (3, 3), (5, 5), (2, 3), (3, 1))
        top, left = (int(self.rng.integers(min(size, 3))) for size in kernel)
        padding = top, left
        stride = self.pick((1, 1), (1, 1), (2, 2), (2, 1))
        if not self._shrinks(kernel, stride, padding):
            return
        outputs = self.pick(1, 2, 3, 4, 6)
        conv = nn.Conv2d(self.channels, outputs, kernel, stride, padding)
        self.layers[f"conv{index}"] = conv
        terms = kernel[0] * kernel[1] * self.channels
        self._configure(f"conv{index}", outputs, terms)
        self.channels = outputs
        if self.rng.random() < 0.3:
            self.layers[f"norm{index}"] = norm(outputs)
        if self.rng.random() < 0.6:
            self.layers[f"relu{index}"] = nn.ReLU()

    def pool(self, index: int) -> None:
        """A pooling, tiling or overlapping, padded or not, where it fits."""
        size, stride, padding = self.pick((2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0))
        if not self._shrinks((size, size), (stride, stride), (padding, padding)):
            return
        kind = self.pick(nn.MaxPool2d, nn.AvgPool2d)
        self.layers[f"pool{index}"] = kind(size, stride, padding)

    def linear(self, index: int) -> None:
        """A fully connected layer on the whole map."""
        if "flat" not in self.layers:
            self.layers["flat"] = nn.Flatten()
        terms, outputs = self.height * self.width * self.channels, int(self.rng.integers(1, 13))
        self.layers[f"fc{index}"] = nn.Linear(terms, outputs)
        self._configure(f"fc{index}", outputs, terms)
        self.height, self.width, self.channels = 1, 1, outputs
        if self.rng.random() < 0.5:
            self.layers[f"relu_fc{index}"] = nn.ReLU()

    def takes_zero(self) -> bool:
        """Whether the input may have a zero point: a mean of it is refused."""
        for layer in self.layers.values():
            if isinstance(layer, nn.AvgPool2d | nn.Conv2d | nn.Linear):
                return not isinstance(layer, nn.AvgPool2d)
        return False

    def _configure(self, name: str, outputs: int, terms: int) -> None:
        """Settings of a layer: widths, quantizer, requantization, PE kind, sometimes a folding."""
        kinds = ("auto", "shift", "constant") if terms <= WIDEST_BEAT else ("auto", "shift")
        layer = {
            "phi": self.pick(1, 2, 4),
            "quantizer": self.pick("least_squares", "least_squares", "paper"),
            "activation_bits": self.pick(2, 4, 5, 8, 8),
            "m_bits": self.pick(8, 8, 12, 16),
            "requant": self.pick("mult_shift", "mult_shift", "thresholds"),
            "requant_dsp": bool(self.rng.random() < 0.3),
            "pe": self.pick(*kinds),
        }
        if layer["requant"] == "thresholds":
            del layer["requant_dsp"]
        if layer["pe"] == "shift":
            divisors = [[d for d in range(1, n + 1) if n % d == 0] for n in (outputs, terms)]
            layer["folding"] = [self.pick(*d) for d in divisors]
        self.settings[name] = layer


def random_net(seed: int) -> Net:
    """A chain of up to three convolutions and two fully connected layers, with poolings between."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    shape = (int(rng.integers(3, 14)), int(rng.integers(2, 14)), int(rng.integers(1, 5)))
    draw = _Random(rng, *shape)
    for index in range(int(rng.integers(1, 4))):
        if rng.random() < 0.4:
            draw.pool(2 * index)
        draw.conv(index)
        if rng.random() < 0.4:
            draw.pool(2 * index + 1)
    for index in range(int(rng.integers(0, 3)) or not draw.settings):
        draw.linear(index)
    zero = int(rng.integers(0, 256)) if rng.random() < 0.5 and draw.takes_zero() else 0
    config = {"target": {"lut_share": 1.0}, "layers": draw.settings}
    return Net(f"random{seed}", shape, draw.layers, zero, config)
