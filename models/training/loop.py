"""The training loop: seeded, resumable, on a CPU.

Everything random in an epoch follows from the seed and the epoch's number alone, so a resumed
training ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

import copy
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import write_file
from shiftloom.models.augment import augment, move
from shiftloom.models.evaluate import accuracy
from shiftloom.models.recipe import Optimizer, Recipe
from shiftloom.models.splits import Images, Labels
from shiftloom.models.training.loss import Loss
from shiftloom.models.training.trainee import Trainee

EVALUATED = 500
"""Frames evaluated at a time."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch gave: its number from 1, mean training loss, accuracy on held-out images."""

    number: int
    loss: float
    validation: float


@dataclass(slots=True)
class Run:
    """A training in progress: the trainee, the moving average of its module, the epochs so far."""

    trainee: Trainee
    average: nn.Module
    optimizer: torch.optim.Optimizer
    epochs: list[Epoch] = field(default_factory=list)


def train(
    trainee: Trainee,
    recipe: Recipe,
    loss: Loss,
    frames: Images,
    labels: Labels,
    out: Path,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_batch: Callable[[int], None] = lambda done: None,
) -> Run:
    """Train up to the recipe's last epoch, resuming from `out` where a training was stopped.

    The last `validation_images` frames are held out; the weights that count are the moving
    average's. `out` is brought up to date after each epoch, before `on_epoch` is called. `on_batch`
    gets how many batches of the whole training are done, earlier ones included.
    """
    steps(recipe, len(frames))
    held = recipe.validation_images
    if len(labels) != len(frames):
        raise ShiftloomError(
            "labels", f"are {len(labels):,} for {len(frames):,} images", "give one an image"
        )
    run = _resume(trainee, recipe, loss, out)
    for number in range(len(run.epochs) + 1, recipe.epochs + 1):
        with _converging(number):
            mean = _epoch(recipe, run, loss, number, frames[:-held], labels[:-held], on_batch)
            _check_parameters(run.average)
            right = accuracy(logits(trainee, run.average, frames[-held:]), labels[-held:])
        run.epochs.append(Epoch(number, mean, right))
        _save(recipe, loss, run, out)
        on_epoch(run.epochs[-1])
    return run


def logits(trainee: Trainee, module: nn.Module, frames: Images) -> np.ndarray:
    """Outputs [N, classes] of a trainee's module in eval mode for raw frames."""
    parts = []
    module.eval()
    with torch.no_grad():
        for start in range(0, len(frames), EVALUATED):
            real = _real(trainee, frames[start : start + EVALUATED])
            parts.append(trainee.outputs(module, real).numpy())
    return np.concatenate(parts)


def learning_rate(settings: Optimizer, progress: float) -> float:
    """The rate at `progress` of the training, 0 to 1: linear warm-up, then half a cosine to 0."""
    if progress < settings.warmup:
        return settings.peak_rate * progress / settings.warmup
    rest = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.peak_rate * 0.5 * (1 + math.cos(math.pi * rest))


def steps(recipe: Recipe, images: int) -> int:
    """Batches of an epoch, of a training set of that many images less those that are held out.

    Raises ShiftloomError where no image, or not one full batch, is left.
    """
    held, left = recipe.validation_images, images - recipe.validation_images
    if left < 1:
        raise ShiftloomError(
            "validation_images", f"is {held:,}", f"must be below the {images:,} images"
        )
    if left < recipe.batch:
        raise ShiftloomError("batch", f"is {recipe.batch:,}", f"only {left:,} images are there")
    return left // recipe.batch


@contextmanager
def _converging(epoch: int) -> Iterator[None]:
    """What numbers that have grown out of range raise, as a refusal."""
    try:
        yield
    except (ArithmeticError, ValueError) as error:
        raise ShiftloomError(
            f"epoch {epoch}", f"the training diverged: {error}", "lower optimizer.peak_rate"
        ) from error


def _check_parameters(module: nn.Module) -> None:
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise FloatingPointError(f"{name} is no longer finite")


def _real(trainee: Trainee, frames: Images) -> torch.Tensor:
    """Raw frames [N, H, W, C] as real numbers [N, C, H, W]."""
    real = (frames.astype(np.float32) - trainee.zero) * np.float32(trainee.scale)
    return torch.from_numpy(np.ascontiguousarray(real.transpose(0, 3, 1, 2)))


def _optimizer(settings: Optimizer, trainee: Trainee) -> torch.optim.Optimizer:
    groups = trainee.groups(settings.weight_decay)
    if settings.kind == "adamw":
        return torch.optim.AdamW(groups, lr=settings.peak_rate)
    return torch.optim.SGD(groups, lr=settings.peak_rate, momentum=0.9, nesterov=True)


def _epoch(
    recipe: Recipe,
    run: Run,
    loss: Loss,
    number: int,
    frames: Images,
    labels: Labels,
    on_batch: Callable[[int], None],
) -> float:
    """One pass over the frames in random order; the mean loss. Incomplete batches are dropped."""
    generator = torch.Generator().manual_seed(recipe.seed << 31 | number)
    order = torch.randperm(len(frames), generator=generator).numpy()
    count = len(frames) // recipe.batch
    total = 0.0
    run.trainee.module.train()
    for index in range(count):
        rows = order[index * recipe.batch : (index + 1) * recipe.batch]
        progress = (number - 1 + (index + 1) / count) / recipe.epochs
        moved = move(frames[rows], recipe.augmentation, generator, run.trainee.zero)
        real = augment(_real(run.trainee, moved), recipe.augmentation, generator)
        rate = learning_rate(recipe.optimizer, progress)
        total += _step(recipe, run, loss, rate, real, torch.from_numpy(labels[rows]).long())
        on_batch((number - 1) * count + index + 1)
    return total / count


def _step(
    recipe: Recipe,
    run: Run,
    loss: Loss,
    rate: float,
    real: torch.Tensor,
    labels: torch.Tensor,
) -> float:
    for group in run.optimizer.param_groups:
        group["lr"] = rate * group["share"]
    run.optimizer.zero_grad()
    raw = real / run.trainee.scale + run.trainee.zero
    found = loss(raw, run.trainee.outputs(run.trainee.module, real), labels)
    if not torch.isfinite(found):
        raise FloatingPointError(f"the loss is {float(found.detach())}")
    found.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    run.trainee.stepped()
    with torch.no_grad():
        state = run.trainee.module.state_dict()
        for name, mean in run.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(state[name], 1 - recipe.average_decay)
            else:
                mean.copy_(state[name])
    return float(found.detach())


def _identity(recipe: Recipe, loss: Loss, run: Run) -> dict[str, str]:
    """What a training is told from another one by, in words and digests."""
    return {
        "recipe": recipe.digest(),
        "network": run.trainee.name,
        "start": run.trainee.start,
        "teacher": loss.teacher,
    }


def _save(recipe: Recipe, loss: Loss, run: Run, out: Path) -> None:
    name = run.trainee.name
    run.trainee.write(run.average, out)
    epochs = [asdict(epoch) for epoch in run.epochs]
    report = {"network": name, "recipe": recipe.model_dump(), "epochs": epochs}
    write_file(out / f"{name}.json", (json.dumps(report, indent=2) + "\n").encode())
    state = {
        **_identity(recipe, loss, run),
        "module": run.trainee.module.state_dict(),
        "average": run.average.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "epochs": epochs,
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_file(out / "state.pt", buffer.getvalue())


def _start(trainee: Trainee, recipe: Recipe) -> Run:
    average = copy.deepcopy(trainee.module).eval().requires_grad_(False)
    return Run(trainee, average, _optimizer(recipe.optimizer, trainee))


def _resume(trainee: Trainee, recipe: Recipe, loss: Loss, out: Path) -> Run:
    """The run as `out` holds it, or a fresh one."""
    run, path = _start(trainee, recipe), out / "state.pt"
    if not path.exists():
        return run
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for what, known in _identity(recipe, loss, run).items():
            if state[what] != known:
                raise ShiftloomError(
                    str(path),
                    f"belongs to another training, whose {what} is not this one's",
                    "choose another --out or delete it",
                )
        run.trainee.module.load_state_dict(state["module"])
        run.average.load_state_dict(state["average"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
    except ShiftloomError:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ShiftloomError(str(path), "is damaged", "delete it to start again") from error
    return run
