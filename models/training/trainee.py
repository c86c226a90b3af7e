"""What is trained: a float network, or a quantized one as a module that computes its integers."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from shiftloom.codegen.coding.fitted_file import fitted_bytes
from shiftloom.codegen.fileset import write_file
from shiftloom.codegen.graph import Graph, GraphInput
from shiftloom.models.checkpoint import save_checkpoint
from shiftloom.models.network import Network
from shiftloom.models.recipe import Recipe, Tuning
from shiftloom.models.tuning.module import GraphModule

Group = dict[str, Any]
"""Parameters of an optimizer with a factor of the rate, `share`, and their weight decay."""


class Trainee(Protocol):
    """A module in training; its inputs are real = scale · (q − zero) [N, C, H, W].

    `start` tells the weights that it starts from, beyond what the recipe and the name say.
    """

    name: str
    start: str
    module: nn.Module
    scale: float
    zero: int

    def outputs(self, module: nn.Module, real: torch.Tensor) -> torch.Tensor:
        """Logits [N, classes] of `module`, which is this one's or a copy."""

    def groups(self, weight_decay: float) -> list[Group]:
        """What is trained, at which share of the rate."""

    def stepped(self) -> None:
        """Called after each step of the optimizer."""

    def write(self, module: nn.Module, out: Path) -> Path:
        """Write the result of `module` into the folder `out`; returns its file."""


class FloatTrainee:
    """A torch network, from fresh weights."""

    def __init__(self, network: Network, recipe: Recipe) -> None:
        self.name, self.start, self.module = network.name, "fresh", network.build()
        self.scale, self.zero = network.input_scale, network.input_zero
        self._half = recipe.precision == "bfloat16"

    def outputs(self, module: nn.Module, real: torch.Tensor) -> torch.Tensor:
        half = self._half and module.training
        if half:  # pixel by pixel, the layout in which these products are fast
            real = real.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            made: torch.Tensor = module(real)
        return made.float()

    def groups(self, weight_decay: float) -> list[Group]:
        weights = [value for value in self.module.parameters() if value.ndim > 1]
        biases = [value for value in self.module.parameters() if value.ndim <= 1]
        return [
            {"params": weights, "weight_decay": weight_decay, "share": 1.0},
            {"params": biases, "weight_decay": 0.0, "share": 1.0},
        ]

    def stepped(self) -> None:
        pass

    def write(self, module: nn.Module, out: Path) -> Path:
        path = out / f"{self.name}.pt"
        save_checkpoint(module.state_dict(), path)
        return path


class TunedTrainee:
    """A quantized network: weights in steps of α, α, biases and ranges."""

    def __init__(
        self, name: str, start: Graph, module: GraphModule, source: GraphInput, tuning: Tuning
    ) -> None:
        self.name = name
        self.start = sha256(repr(start).encode()).hexdigest()  # arrays appear by their digests
        self.module: nn.Module = module
        self.scale, self.zero = source.scale, source.zero
        self._graph_module, self._tuning = module, tuning

    def outputs(self, module: nn.Module, real: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = module((real / self.scale + self.zero).permute(0, 2, 3, 1))
        return made

    def groups(self, weight_decay: float) -> list[Group]:
        named = [(n, p) for n, p in self.module.named_parameters() if p.requires_grad]
        weights = [value for name, value in named if name.endswith(".latent")]
        others = [value for name, value in named if not name.endswith(".latent")]
        share = self._tuning.scale_rate
        return [
            {"params": weights, "weight_decay": weight_decay, "share": 1.0},
            {"params": others, "weight_decay": 0.0, "share": share},
        ]

    def stepped(self) -> None:
        self._graph_module.clamp()

    def write(self, module: nn.Module, out: Path) -> Path:
        assert isinstance(module, GraphModule)
        path = out / f"{self.name}.slw"
        write_file(path, fitted_bytes(module.fitted()))
        return path
