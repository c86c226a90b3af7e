"""Training a registered network by its recipe: seeded, resumable, on a CPU.

    python -m shiftloom.models.train lenet5 --data FOLDER --out FOLDER

The folder gets `<network>.pt` (the state_dict that ships), `<network>.json` (loss and accuracy by
epoch) and `state.pt` (to resume from). Everything random in an epoch follows from the seed and
the epoch's number alone, so a resumed training ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import write_file
from shiftloom.models import datasets
from shiftloom.models.augment import augment, move
from shiftloom.models.checkpoint import save_checkpoint
from shiftloom.models.evaluate import accuracy, logits
from shiftloom.models.network import Network
from shiftloom.models.recipe import Optimizer, Recipe, load_recipe
from shiftloom.models.registry import trainable
from shiftloom.models.splits import Images, Labels, Split


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch gave: its number from 1, mean training loss, accuracy on held-out images."""

    number: int
    loss: float
    validation: float


@dataclass(slots=True)
class Run:
    """A training in progress: the trained module, its moving average and the epochs so far."""

    module: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    epochs: list[Epoch] = field(default_factory=list)


def train(
    network: Network,
    recipe: Recipe,
    frames: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    out: Path,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_batch: Callable[[], None] = lambda: None,
) -> Run:
    """Train up to the recipe's last epoch, resuming from `out` where a training was stopped.

    The last `validation_images` frames are held out; the weights that count are the moving
    average's. `out` is brought up to date after each epoch, before `on_epoch` is called.
    """
    held = recipe.validation_images
    if held >= len(frames):
        raise ShiftloomError(
            "validation_images", f"is {held:,}", f"must be below the {len(frames):,} images"
        )
    run = _resume(network, recipe, out)
    for number in range(len(run.epochs) + 1, recipe.epochs + 1):
        loss = _epoch(network, recipe, run, number, frames[:-held], labels[:-held], on_batch)
        outputs = logits(network, run.average, frames[-held:])
        run.epochs.append(Epoch(number, loss, accuracy(outputs, labels[-held:])))
        _save(network, recipe, run, out)
        on_epoch(run.epochs[-1])
    return run


def _start(network: Network, recipe: Recipe) -> Run:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        module, average = network.build(), network.build()
    average.load_state_dict(module.state_dict())
    return Run(module, average.eval().requires_grad_(False), _optimizer(recipe.optimizer, module))


def _optimizer(settings: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    weights = [value for value in module.parameters() if value.ndim > 1]
    biases = [value for value in module.parameters() if value.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    if settings.kind == "adamw":
        return torch.optim.AdamW(groups, lr=settings.peak_rate)
    return torch.optim.SGD(groups, lr=settings.peak_rate, momentum=0.9, nesterov=True)


def learning_rate(settings: Optimizer, progress: float) -> float:
    """The rate at `progress` of the training, 0 to 1: linear warm-up, then half a cosine to 0."""
    if progress < settings.warmup:
        return settings.peak_rate * progress / settings.warmup
    rest = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.peak_rate * 0.5 * (1 + math.cos(math.pi * rest))


def _epoch(
    network: Network,
    recipe: Recipe,
    run: Run,
    number: int,
    frames: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    on_batch: Callable[[], None],
) -> float:
    """One pass over the frames in random order; the mean loss. Incomplete batches are dropped."""
    generator = torch.Generator().manual_seed(recipe.seed << 31 | number)
    order = torch.randperm(len(frames), generator=generator).numpy()
    count = batches(recipe, len(frames))
    total = 0.0
    run.module.train()
    for index in range(count):
        rows = order[index * recipe.batch : (index + 1) * recipe.batch]
        progress = (number - 1 + (index + 1) / count) / recipe.epochs
        rate = learning_rate(recipe.optimizer, progress)
        moved = move(frames[rows], recipe.augmentation, generator, network.input_zero)
        inputs = augment(network.to_torch(moved), recipe.augmentation, generator)
        total += _step(recipe, run, rate, inputs, torch.from_numpy(labels[rows]).long())
        on_batch()
    return total / count


def batches(recipe: Recipe, images: int) -> int:
    """Steps in an epoch over that many images; at least one full batch is needed."""
    if images < recipe.batch:
        raise ShiftloomError("batch", f"is {recipe.batch:,}", f"only {images:,} images are there")
    return images // recipe.batch


def _step(
    recipe: Recipe, run: Run, rate: float, inputs: torch.Tensor, targets: torch.Tensor
) -> float:
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.optimizer.zero_grad()
    half = recipe.precision == "bfloat16"
    if half:  # pixel by pixel, the layout in which these products are fast
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        outputs = run.module(inputs)
    loss = nn.functional.cross_entropy(
        outputs.float(), targets, label_smoothing=recipe.label_smoothing
    )
    loss.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    with torch.no_grad():
        state = run.module.state_dict()
        for name, mean in run.average.state_dict().items():
            value = state[name]
            if mean.is_floating_point():
                mean.lerp_(value, 1 - recipe.average_decay)
            else:
                mean.copy_(value)
    return float(loss.detach())


def _save(network: Network, recipe: Recipe, run: Run, out: Path) -> None:
    save_checkpoint(run.average.state_dict(), out / f"{network.name}.pt")
    epochs = [asdict(epoch) for epoch in run.epochs]
    report = {"network": network.name, "recipe": recipe.model_dump(), "epochs": epochs}
    write_file(out / f"{network.name}.json", (json.dumps(report, indent=2) + "\n").encode())
    state = {
        "recipe": recipe.digest(),
        "module": run.module.state_dict(),
        "average": run.average.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "epochs": epochs,
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_file(out / "state.pt", buffer.getvalue())


def _resume(network: Network, recipe: Recipe, out: Path) -> Run:
    """The run as `out` holds it, or a fresh one."""
    run, path = _start(network, recipe), out / "state.pt"
    if not path.exists():
        return run
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["recipe"] != recipe.digest():
            raise ShiftloomError(
                str(path), "belongs to another recipe", "choose another --out or delete it"
            )
        run.module.load_state_dict(state["module"])
        run.average.load_state_dict(state["average"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
    except ShiftloomError:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ShiftloomError(str(path), "is damaged", "delete it to start again") from error
    return run


def main(
    name: Annotated[str, typer.Argument(metavar="NETWORK", help="A network of the registry.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an older run is resumed.")],
    data: Annotated[Path | None, typer.Option(help="Folder with the training data.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe instead of the shipped one.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Train a network and measure it once on the test images."""
    console = Console()
    torch.set_num_threads(threads)
    try:
        _command(trainable(name), recipe, data, out, console)
    except ShiftloomError as error:
        console.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(2) from error


def _command(
    network: Network, recipe_path: Path | None, data: Path | None, out: Path, console: Console
) -> None:
    recipe = load_recipe(network, recipe_path)
    frames, labels = _labelled(network, "train", data)
    steps = batches(recipe, len(frames) - recipe.validation_images) * recipe.epochs
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(network.name, total=steps)

        def on_epoch(epoch: Epoch) -> None:
            progress.update(task, completed=steps * epoch.number // recipe.epochs)
            progress.print(
                f"epoch {epoch.number:3}  loss {epoch.loss:.4f}  held-out {epoch.validation:.2%}"
            )

        run = train(network, recipe, frames, labels, out, on_epoch, lambda: progress.advance(task))
    test_frames, test_labels = _labelled(network, "test", data)
    test = accuracy(logits(network, run.average, test_frames), test_labels)
    path = out / f"{network.name}.pt"
    console.print(f"{path}: {test:.2%} of {len(test_labels):,} test images")


def _labelled(network: Network, split: Split, data: Path | None) -> tuple[Images, Labels]:
    frames, labels = datasets.load(network.dataset, split, data)
    if labels is None:
        raise ShiftloomError(
            f"data set {network.dataset!r}", "has no labels", "train a network that has real data"
        )
    return frames, labels


if __name__ == "__main__":
    typer.run(main)
