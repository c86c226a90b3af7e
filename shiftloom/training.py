"""Training by a recipe: where networks, data, quantizer and loop are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from shiftloom import flow
from shiftloom.codegen import config as configuration
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError, key_of
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.pruning import prune
from shiftloom.codegen.quantize import quantize
from shiftloom.models import datasets, registry
from shiftloom.models.evaluate import accuracy
from shiftloom.models.recipe import Recipe, Tuning
from shiftloom.models.splits import Images, Labels, Split
from shiftloom.models.training import loop
from shiftloom.models.training.loop import Epoch
from shiftloom.models.training.loss import Loss
from shiftloom.models.training.trainee import FloatTrainee, Trainee, TunedTrainee
from shiftloom.models.tuning.module import GraphModule


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training gave: its file, and accuracy on held-out and on test images."""

    path: Path
    epochs: tuple[Epoch, ...]
    test: float
    images: int


@dataclass(frozen=True, slots=True)
class Job:
    """A network by name, its recipe, and where data and earlier weights lie.

    `checkpoint` has the weights that a tuning starts from, `teacher` those of the teacher; by
    default both are the shipped ones.
    """

    name: str
    recipe: Recipe
    data: Path | None = None
    checkpoint: Path | None = None
    teacher: Path | None = None

    @property
    def dataset(self) -> str:
        """The data set of the network."""
        return self._base.dataset

    @property
    def _base(self) -> registry.Network | registry.OnnxNetwork:
        """The network that is trained, or that the tuning starts from."""
        tuning = self.recipe.tuning
        return registry.base(tuning.start if tuning else self.name)

    def run(
        self,
        out: Path,
        on_epoch: Callable[[Epoch], None] = lambda epoch: None,
        on_batch: Callable[[int, int], None] = lambda done, total: None,
    ) -> Trained:
        """Train, resuming from `out`, and measure once on the test images.

        `on_batch` gets how many batches are done, of how many in the whole training.
        Raises ShiftloomError for a data set without labels, and for a recipe of another network.
        """
        self._check_teacher()
        loss = Loss(self.recipe, self.teacher)
        frames, labels = self._labelled("train")
        rounds = self.recipe.tuning.rounds if self.recipe.tuning else 1
        steps = loop.steps(self.recipe, len(frames)) * self.recipe.epochs
        before: Graph | None = None
        epochs: list[Epoch] = []
        for number in range(1, rounds + 1):
            trainee = self.trainee(number, before)
            folder = out if rounds == 1 else out / f"round{number}"
            earlier = (number - 1) * steps

            def advance(done: int, earlier: int = earlier) -> None:
                on_batch(earlier + done, rounds * steps)

            run = loop.train(trainee, self.recipe, loss, frames, labels, folder, on_epoch, advance)
            epochs += run.epochs
            before = run.average.real_graph() if isinstance(run.average, GraphModule) else None
        frames, labels = self._labelled("test")
        right = accuracy(loop.logits(trainee, run.average, frames), labels)
        return Trained(trainee.write(run.average, out), tuple(epochs), right, len(labels))

    def trainee(self, number: int = 1, before: Graph | None = None) -> Trainee:
        """What round `number` of the recipe trains, before its first step.

        `before` is the float network that the round before gave.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed)
            if self.recipe.tuning is None:
                return FloatTrainee(registry.trainable(self.name), self.recipe)
            return self._tuned(self.recipe.tuning, number, before)

    def _tuned(self, tuning: Tuning, number: int, before: Graph | None) -> Trainee:
        config = configuration.parse(tuning.quantization, f"recipe of {self.name}")
        start = before or flow.load_network(tuning.start, self.checkpoint, self.data)
        graph = prune(start, in_round(config, number, tuning.rounds))
        frames = flow.calibration_frames(tuning.start, self.data)
        quantized = quantize(graph, frames, config)
        half = self.recipe.precision == "bfloat16"
        has_zeros = config.pruning.makes_zeros
        layers = tuning.layers
        module = GraphModule(quantized, config, tuning.normalized, has_zeros, half, layers)
        with torch.no_grad():  # the first batch sets the normalizations up
            module.train()(torch.from_numpy(frames))
        _check_layers(tuning, module)
        return TunedTrainee(self.name, start, module, quantized.graph.inputs[0], tuning)

    def _check_teacher(self) -> None:
        """Refuse a teacher of other frames or other classes."""
        if self.recipe.teacher is None:
            return
        base, teacher = self._base, registry.trainable(self.recipe.teacher.network)
        if _task(teacher) != _task(base):
            able = (network.name for network in registry.NETWORKS if _task(network) == _task(base))
            raise ShiftloomError(
                "teacher.network",
                f"{teacher.name!r} learnt {_said(teacher)}, {base.name!r} {_said(base)}",
                f"use one of {', '.join(able)}",
            )

    def _labelled(self, split: Split) -> tuple[Images, Labels]:
        frames, labels = datasets.load(self.dataset, split, self.data)
        if labels is None:
            raise ShiftloomError(
                f"data set {self.dataset!r}",
                "has no labels",
                "train a network that has real data",
            )
        return frames, labels


def _task(network: registry.Network | registry.OnnxNetwork) -> tuple[object, ...]:
    return network.dataset, network.input_shape, network.outputs


def _said(network: registry.Network | registry.OnnxNetwork) -> str:
    shape = "×".join(map(str, network.input_shape))
    return f"{network.outputs} classes of {shape} frames of {network.dataset}"


def in_round(config: Config, number: int, rounds: int) -> Config:
    """The settings with the share that round `number` prunes of what is there at its start.

    After round r of R, r/R of the whole share are gone. Weights of 0 are still there, and are the
    smallest ones again; removed channels are not.
    """
    gone, wanted = (config.pruning.share * r / rounds for r in (number - 1, number))
    share = 1 - (1 - wanted) / (1 - gone) if config.pruning.removes_channels else wanted
    return replace(config, pruning=replace(config.pruning, share=share))


def _check_layers(tuning: Tuning, module: GraphModule) -> None:
    """Refuse layers that the network does not have."""
    known = [key.removeprefix("at_") for key in module.layers]
    for name in tuning.layers or ():
        if name not in known:
            where = f"tuning.layers: {key_of(name)}"
            raise ShiftloomError(where, "is no layer", f"use {', '.join(known)}")
