"""Tuning by a recipe: what it learns, holds still, prunes and writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shiftloom import flow
from shiftloom.codegen import golden
from shiftloom.codegen.coding.fitted_file import read_fitted
from shiftloom.codegen.config import parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.models import datasets
from shiftloom.models.checkpoint import load_checkpoint, save_checkpoint
from shiftloom.models.recipe import Augmentation, Optimizer, Recipe, Teacher, Tuning
from shiftloom.models.registry import trainable
from shiftloom.models.splits import Images, Labels
from shiftloom.models.training.loop import Epoch
from shiftloom.training import Job, Trained, in_round

Settings = dict[str, Any]
QSQ: Settings = {"defaults": {"format": "qsq", "phi": 1}}


def recipe(tuning: Tuning, epochs: int = 2, teacher: Teacher | None = None) -> Recipe:
    return Recipe(
        seed=3,
        epochs=epochs,
        batch=50,
        validation_images=100,
        average_decay=0.5,
        label_smoothing=0.0,
        optimizer=Optimizer(kind="adamw", peak_rate=0.01, warmup=0.1, weight_decay=0.0),
        augmentation=Augmentation(shift_pixels=1),
        teacher=teacher,
        tuning=tuning,
    )


def tuning(settings: Settings, **changes: Any) -> Tuning:
    values = {"start": "lenet5", "scale_rate": 0.1, "normalized": False} | changes
    return Tuning(quantization=settings, **values)


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 test images of MNIST stand in for every split but that of the calibration."""
    load = datasets.load

    def some(name: str, split: Any, data: Path | None = None) -> tuple[Images, Labels | None]:
        frames, labels = load(name, "calibration" if split == "calibration" else "test", data)
        assert labels is not None
        return frames[:400], labels[:400]

    monkeypatch.setattr(datasets, "load", some)


def written(found: Trained, settings: Settings) -> Quantized:
    fitted = read_fitted(found.path.read_bytes(), found.path.name)
    return quantize(flow.load_network("lenet5"), None, parse(settings), fitted)


def fitted_of(out: Path) -> Fitted:
    return read_fitted((out / "small.slw").read_bytes(), "small.slw")


@pytest.mark.parametrize("normalized", [False, True])
def test_the_file_has_the_accuracy_that_was_measured(normalized: bool, tmp_path: Path) -> None:
    found = Job("small", recipe(tuning(QSQ, normalized=normalized), 3)).run(tmp_path)
    assert found.epochs[-1].loss < found.epochs[0].loss
    frames, labels = datasets.load("mnist", "test")
    classes = golden.run(written(found, QSQ).qgraph, frames).argmax(axis=1)
    assert (classes == labels).mean() == pytest.approx(found.test, abs=0.003)
    assert found.test > 0.95


def test_resumed_tuning_gives_the_same_bits(tmp_path: Path) -> None:
    job = Job("small", recipe(tuning(QSQ, normalized=True)))

    def interrupt(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    job.run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        job.run(tmp_path / "parts", interrupt)
    job.run(tmp_path / "parts")
    whole, parts = (tmp_path / name / "small.slw" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_only_named_layers_learn(tmp_path: Path) -> None:
    job = Job("small", recipe(tuning(QSQ, layers=("fc2", "fc3")), 1))
    start = job.trainee().module.fitted()  # type: ignore[operator]
    job.run(tmp_path)
    made = fitted_of(tmp_path)
    same = [name for name in made.weights if made.weights[name] == start.weights[name]]
    assert same == ["conv1", "conv2", "fc1"]
    assert made.biases["fc1"] == start.biases["fc1"]
    assert made.biases["fc3"] != start.biases["fc3"]


@pytest.mark.parametrize("alpha_bits", [2, 16, None])
def test_layers_that_do_not_learn_stay_at_the_codes_of_their_quantizer(
    alpha_bits: int | None, tmp_path: Path
) -> None:
    layer = {"format": "qsq", "axis": "filter", "quantizer": "paper", "alpha_bits": alpha_bits}
    settings: Settings = {"defaults": layer}
    frames = flow.calibration_frames("lenet5")
    start = quantize(flow.load_network("lenet5"), frames, parse(settings)).fitted
    Job("small", recipe(tuning(settings, layers=("fc3",), normalized=True), 1)).run(tmp_path)
    made = fitted_of(tmp_path)
    held = [name for name in made.weights if made.weights[name] == start.weights[name]]
    assert held == ["conv1", "conv2", "fc1", "fc2"]
    assert made.ranges.keys() == start.ranges.keys()
    for name, known in start.ranges.items():
        assert made.ranges[name].top == pytest.approx(known.top, rel=1e-6)


def test_unknown_layers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError) as caught:
        Job("small", recipe(tuning(QSQ, layers=("fc4",)))).run(tmp_path)
    assert str(caught.value) == ("tuning.layers: fc4: is no layer; use conv1, conv2, fc1, fc2, fc3")


def test_a_teacher_changes_what_is_learnt(tmp_path: Path) -> None:
    teacher = Teacher(network="lenet5", share=0.9, temperature=4)
    for name, taught in (("alone", None), ("taught", teacher)):
        Job("small", recipe(tuning(QSQ), 1, taught)).run(tmp_path / name)
    alone, taught = (fitted_of(tmp_path / name) for name in ("alone", "taught"))
    assert alone.biases["fc3"] != taught.biases["fc3"]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            "resnet20",
            "'resnet20' learnt 10 classes of 32×32×3 frames of cifar10, "
            "'lenet5' 10 classes of 28×28×1 frames of mnist; use one of lenet5",
        ),
        (
            "autoencoder",
            "'autoencoder' learnt 640 classes of 1×1×640 frames of noise_640, "
            "'lenet5' 10 classes of 28×28×1 frames of mnist; use one of lenet5",
        ),
    ],
)
def test_a_teacher_of_another_task_is_refused(network: str, message: str, tmp_path: Path) -> None:
    teacher = Teacher(network=network, share=0.9, temperature=4)
    with pytest.raises(ShiftloomError) as caught:
        Job("small", recipe(tuning(QSQ), 1, teacher)).run(tmp_path)
    assert str(caught.value) == f"teacher.network: {message}"


def test_a_tuning_that_diverges_is_refused(tmp_path: Path) -> None:
    wild = recipe(tuning(QSQ, scale_rate=100))
    optimizer = wild.optimizer.model_copy(update={"peak_rate": 10.0, "warmup": 0.0})
    with pytest.raises(ShiftloomError, match=r"^epoch 1: the training diverged: .*; lower optimi"):
        Job("small", wild.model_copy(update={"optimizer": optimizer})).run(tmp_path)


@pytest.mark.parametrize("what", ["network", "start", "teacher"])
def test_another_training_with_the_same_recipe_is_not_resumed(what: str, tmp_path: Path) -> None:
    same = recipe(tuning(QSQ), 1, Teacher(network="lenet5", share=0.5, temperature=4))
    job = Job("small", same)
    job.run(tmp_path)
    other = tmp_path / "other.pt"
    module = load_checkpoint(trainable("lenet5"))
    with torch.no_grad():
        next(module.parameters()).mul_(0.99)
    save_checkpoint(module.state_dict(), other)
    changes: dict[str, Any] = {
        "network": {"name": "smaller"},
        "start": {"checkpoint": other},
        "teacher": {"teacher": other},
    }
    with pytest.raises(ShiftloomError) as caught:
        replace(job, **changes[what]).run(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/state.pt: belongs to another training, whose {what} is not this one's; "
        "choose another --out or delete it"
    )


def test_held_out_images_are_checked_first(tmp_path: Path) -> None:
    few = recipe(tuning(QSQ)).model_copy(update={"validation_images": 400})
    with pytest.raises(
        ShiftloomError, match=r"^validation_images: is 400; must be below the 400 images$"
    ):
        Job("small", few).run(tmp_path)


def test_weights_are_pruned_in_rounds_and_stay_zero(tmp_path: Path) -> None:
    settings = QSQ | {"pruning": {"method": "magnitude", "share": 0.8}}
    Job("small", recipe(tuning(settings, rounds=2), 1)).run(tmp_path)
    shares = [
        1 - np.count_nonzero(codes.values.data) / codes.values.data.size
        for codes in fitted_of(tmp_path).weights.values()
    ]
    assert min(shares) >= 0.79
    assert sorted(path.name for path in tmp_path.iterdir()) == ["round1", "round2", "small.slw"]


def test_channels_are_removed_in_rounds(tmp_path: Path) -> None:
    settings = QSQ | {"pruning": {"method": "filter_l1", "share": 0.5}}
    found = Job("small", recipe(tuning(settings, rounds=2), 1)).run(tmp_path)
    shapes = {n: w.values.data.shape for n, w in fitted_of(tmp_path).weights.items()}
    assert shapes["conv1"] == (3, 5, 5, 1)
    assert shapes["conv2"] == (8, 5, 5, 3)
    assert shapes["fc3"] == (10, 1, 1, 42)
    frames, labels = datasets.load("mnist", "test")
    classes = golden.run(written(found, settings).qgraph, frames).argmax(axis=1)
    assert (classes == labels).mean() == pytest.approx(found.test, abs=0.003)


@pytest.mark.parametrize(
    ("method", "shares"), [("magnitude", (0.3, 0.6)), ("channel", (0.3, 3 / 7))]
)
def test_shares_of_rounds(method: str, shares: tuple[float, float]) -> None:
    config = parse({"pruning": {"method": method, "share": 0.6}})
    found = [in_round(config, number, 2).pruning.share for number in (1, 2)]
    assert found == pytest.approx(shares)


def test_gradients_pass_through_every_kind_of_layer() -> None:
    module = Job("small", recipe(tuning(QSQ, normalized=True))).trainee().module
    frames = torch.from_numpy(datasets.load("mnist", "test")[0][:20])
    module(frames).square().sum().backward()
    still = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []
