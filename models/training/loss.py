"""What training minimises: cross entropy with the labels, or with a teacher's outputs as well."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from shiftloom.models.checkpoint import load_checkpoint
from shiftloom.models.network import Network
from shiftloom.models.recipe import Recipe
from shiftloom.models.registry import trainable


def digest(module: nn.Module) -> str:
    """SHA-256 over the names and values of all that a module holds."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(value.contiguous().numpy().tobytes())
    return found.hexdigest()


class Loss:
    """The loss of a recipe for raw inputs [N, C, H, W], the student's logits and the labels."""

    def __init__(self, recipe: Recipe, checkpoint: Path | None = None) -> None:
        self._recipe = recipe
        self.teacher = "none"
        """Tells the teacher's weights, in a digest."""
        self._teacher: tuple[Network, nn.Module] | None = None
        if recipe.teacher is not None:
            network = trainable(recipe.teacher.network)
            module = load_checkpoint(network, checkpoint).requires_grad_(False)
            self._teacher = network, module
            self.teacher = digest(module)

    def __call__(
        self, raw: torch.Tensor, outputs: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """The mean over the batch."""
        smoothing = self._recipe.label_smoothing
        hard = functional.cross_entropy(outputs, labels, label_smoothing=smoothing)
        if self._teacher is None:
            return hard
        settings = self._recipe.teacher
        assert settings is not None
        heat = settings.temperature
        network, teacher = self._teacher
        real = (raw - network.input_zero) * network.input_scale
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            taught = teacher(real.contiguous(memory_format=torch.channels_last))
        wanted = functional.log_softmax(taught.float() / heat, dim=1)
        found = functional.log_softmax(outputs / heat, dim=1)
        soft = functional.kl_div(found, wanted, reduction="batchmean", log_target=True)
        return (1 - settings.share) * hard + settings.share * heat**2 * soft
