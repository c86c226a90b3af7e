"""What quantization harms: the loss with labels, or the likeness of the outputs to real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from shiftloom.codegen.graph import IntFrames
from shiftloom.models.splits import Labels
from shiftloom.models.tuning.module import GraphModule

BATCH = 64
"""Frames evaluated at a time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Raw frames of every input, and labels [N] or wanted log-probabilities [N, classes]."""

    frames: Mapping[str, torch.Tensor]
    wanted: torch.Tensor


def batches(
    module: GraphModule, frames: Mapping[str, IntFrames], labels: Labels | None
) -> tuple[Batch, ...]:
    """The frames with their labels; without any, with what `module` makes of them."""
    count = len(next(iter(frames.values())))
    made = []
    for start in range(0, count, BATCH):
        part = {
            name: torch.from_numpy(np.ascontiguousarray(x[start : start + BATCH]))
            for name, x in frames.items()
        }
        with torch.no_grad():
            outputs = _logits(module, part)
        if labels is None:
            wanted = functional.log_softmax(outputs, dim=1)
        else:
            wanted = torch.from_numpy(labels[start : start + BATCH].astype(np.int64))
        made.append(Batch(part, wanted))
    return tuple(made)


def loss(module: GraphModule, batch: Batch) -> torch.Tensor:
    """Summed over a batch: cross entropy with the labels, or the divergence from what is wanted.

    That is the Kullback-Leibler divergence of the module's distribution from the wanted one.
    """
    outputs = _logits(module, batch.frames)
    if batch.wanted.ndim == 1:
        return functional.cross_entropy(outputs, batch.wanted, reduction="sum")
    found = functional.log_softmax(outputs, dim=1)
    return functional.kl_div(found, batch.wanted, reduction="sum", log_target=True)


def mean_loss(module: GraphModule, parts: tuple[Batch, ...]) -> float:
    """The loss a frame."""
    with torch.no_grad():
        total = sum(float(loss(module, batch)) for batch in parts)
    return total / sum(len(batch.wanted) for batch in parts)


def _logits(module: GraphModule, frames: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return module.outputs(frames)[module.graph.outputs[0]]
