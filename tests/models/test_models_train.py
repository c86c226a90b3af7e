"""Recipes and training: strict keys, determinism, and resuming to the same bits."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from shiftloom.codegen import cli
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import datasets
from shiftloom.models.augment import augment, move
from shiftloom.models.checkpoint import load_checkpoint
from shiftloom.models.recipe import Augmentation, Optimizer, Recipe, load_recipe
from shiftloom.models.registry import trainable
from shiftloom.models.splits import Images, Labels
from shiftloom.models.training import loop
from shiftloom.models.training.loop import Epoch, Run, learning_rate
from shiftloom.models.training.loss import Loss
from shiftloom.training import Job

LENET = trainable("lenet5")
FRAMES, LABELS = (array[:400] for array in datasets.load("mnist", "test"))
TINY = Recipe(
    seed=7,
    epochs=3,
    batch=50,
    validation_images=100,
    average_decay=0.5,
    label_smoothing=0.1,
    optimizer=Optimizer(kind="adamw", peak_rate=0.003, warmup=0.3, weight_decay=0.01),
    augmentation=Augmentation(rotate_degrees=10, shift_pixels=2, scale=0.1, shear=0.1),
)


TUNING = "{start: lenet5, scale_rate: 1, quantization: {}"
"""A tuning whose mapping is still open."""


def train(recipe: Recipe, frames: Images, labels: Labels, out: Path, *calls: Any) -> Run:
    trainee = Job("lenet5", recipe).trainee()
    return loop.train(trainee, recipe, Loss(recipe), frames, labels, out, *calls)


def trained(out: Path, recipe: Recipe = TINY) -> bytes:
    train(recipe, FRAMES, LABELS, out)
    return (out / "lenet5.pt").read_bytes()


@pytest.mark.parametrize("stop", [1, 2])
def test_resumed_training_gives_the_same_bits(stop: int, tmp_path: Path) -> None:
    def interrupt(epoch: Epoch) -> None:
        if epoch.number == stop:
            raise KeyboardInterrupt

    whole = trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(TINY, FRAMES, LABELS, tmp_path / "parts", interrupt)
    assert (tmp_path / "parts" / "lenet5.pt").read_bytes() != whole
    assert trained(tmp_path / "parts") == whole
    logs = [(tmp_path / run / "lenet5.json").read_text() for run in ("whole", "parts")]
    assert logs[0] == logs[1]


def test_interruption_within_an_epoch_repeats_that_epoch(tmp_path: Path) -> None:
    def on_batch(done: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TINY, FRAMES, LABELS, tmp_path / "parts", lambda epoch: None, on_batch)
    seen: list[int] = []
    train(TINY, FRAMES, LABELS, tmp_path / "parts", lambda epoch: None, seen.append)
    assert seen == list(range(seen[0], seen[-1] + 1))  # earlier epochs count as done
    assert seen[0] > 1
    assert (tmp_path / "parts/lenet5.pt").read_bytes() == trained(tmp_path / "whole")


def test_finished_training_is_left_as_it_is(tmp_path: Path) -> None:
    content = trained(tmp_path)
    seen: list[Epoch] = []
    run = train(TINY, FRAMES, LABELS, tmp_path, seen.append)
    assert seen == []
    assert [epoch.number for epoch in run.epochs] == [1, 2, 3]
    assert (tmp_path / "lenet5.pt").read_bytes() == content


def test_training_learns_and_its_checkpoint_loads(tmp_path: Path) -> None:
    run = train(TINY.model_copy(update={"epochs": 6}), FRAMES, LABELS, tmp_path)
    assert run.epochs[-1].loss < 0.9 * run.epochs[0].loss
    loaded = load_checkpoint(LENET, tmp_path / "lenet5.pt").state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in run.average.state_dict().items())
    assert json.loads((tmp_path / "lenet5.json").read_text())["recipe"]["seed"] == 7


def test_seed_and_optimizer_matter(tmp_path: Path) -> None:
    sgd = TINY.optimizer.model_copy(update={"kind": "sgd"})
    recipes = {
        "base": TINY,
        "seed": TINY.model_copy(update={"seed": 8}),
        "sgd": TINY.model_copy(update={"optimizer": sgd}),
    }
    assert len({trained(tmp_path / name, recipe) for name, recipe in recipes.items()}) == 3


def test_training_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    trained(tmp_path, TINY.model_copy(update={"epochs": 1}))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    trained(tmp_path, TINY.model_copy(update={"epochs": 1}))
    with pytest.raises(ShiftloomError) as caught:
        trained(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/state.pt: belongs to another training, whose recipe is not this one's; "
        "choose another --out or delete it"
    )


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_a_training_that_diverges_is_refused(kind: str, tmp_path: Path) -> None:
    wild = Optimizer.model_construct(kind=kind, peak_rate=1e30, warmup=0.0, weight_decay=0.0)
    with pytest.raises(
        ShiftloomError,
        match=r"^epoch 1: the training diverged: "
        r"(the loss is (nan|inf)|[\w.]+ is no longer finite); "
        r"lower optimizer\.peak_rate$",
    ):
        trained(tmp_path, TINY.model_copy(update={"optimizer": wild}))
    assert list(tmp_path.iterdir()) == []


def test_damaged_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"damaged")
    with pytest.raises(ShiftloomError, match=r"state\.pt: is damaged; delete it to start again$"):
        trained(tmp_path)


def test_too_few_images(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError) as caught:
        train(TINY, FRAMES[:100], LABELS[:100], tmp_path)
    assert str(caught.value) == "validation_images: is 100; must be below the 100 images"
    with pytest.raises(ShiftloomError) as caught:
        train(TINY, FRAMES[:120], LABELS[:120], tmp_path)
    assert str(caught.value) == "batch: is 50; only 20 images are there"


def test_learning_rate_rises_then_falls_to_zero() -> None:
    settings = Optimizer(kind="sgd", peak_rate=0.4, warmup=0.2, weight_decay=0)
    rates = [learning_rate(settings, progress) for progress in (0, 0.1, 0.2, 0.6, 1)]
    assert rates == pytest.approx([0, 0.2, 0.4, 0.2, 0])


def test_no_augmentation_keeps_the_image() -> None:
    images = LENET.to_torch(FRAMES[:10])
    same = augment(images, Augmentation(), torch.Generator().manual_seed(1))
    assert torch.allclose(same, images, atol=1e-5)


def test_shift_moves_by_at_most_its_bound() -> None:
    images = torch.zeros(200, 1, 28, 28)
    images[:, :, 14, 14] = 1
    moved = augment(images, Augmentation(shift_pixels=2), torch.Generator().manual_seed(1))
    rows, columns = torch.nonzero(moved.sum(dim=(0, 1))).T
    assert (int(rows.min()), int(rows.max())) == (12, 16)
    assert (int(columns.min()), int(columns.max())) == (12, 16)
    assert moved.sum(dim=(1, 2, 3)).tolist() == pytest.approx([1.0] * 200, abs=1e-4)


def test_rotation_keeps_the_distance_from_the_centre() -> None:
    images = torch.zeros(100, 1, 29, 29)
    images[:, :, 4, 14] = 1
    turned = augment(images, Augmentation(rotate_degrees=30), torch.Generator().manual_seed(1))
    rows, columns = torch.nonzero(turned.sum(dim=(0, 1)) > 0.3).T
    radius = [math.hypot(row - 14, column - 14) for row, column in zip(rows, columns, strict=True)]
    assert min(radius) > 8.5
    assert max(radius) < 11.5
    assert (int(columns.min()), int(columns.max())) == (9, 19)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sed: 1", "sed: is not a key; did you mean 'seed'? known: seed, epochs, batch, "),
        ("optimizer: {rate: 1, kind: sgd}", "did you mean 'peak_rate'? known: kind, peak_rate, "),
        ("epochs: 0", "epochs: is 0; Input should be greater than or equal to 1"),
        ("batch: many", "batch: is 'many'; Input should be a valid integer"),
        ("average_decay: .nan", "average_decay: is nan; Input should be a finite number"),
        ("optimizer: {kind: sgd}", "optimizer: peak_rate: is missing; a recipe gives every key "),
        ("seed: [", "is not valid yaml: line 1, column "),
        ("seed: true", "seed: is True; Input should be a valid integer"),
        (
            f"tuning: {TUNING}, layers: [1]}}",
            "tuning: layers: 0: is 1; Input should be a valid string",
        ),
        (
            f"tuning: {TUNING}, layers: []}}",
            "tuning: layers: is []; Tuple should have at least 1 item",
        ),
        (
            f"tuning: {TUNING[:-2]}{{defaults: {{activation: 1}}}}}}",
            "tuning.quantization: defaults.activation: unknown key; did you mean ",
        ),
        (
            f"tuning: {TUNING}, rounds: 3}}",
            "tuning.rounds: 3 rounds mean nothing with pruning.method: none; leave it out, or ",
        ),
        (
            "optimizer: {kind: sgd, warmup: 0, weight_decay: 0, peak_rate: 1.0e+10}",
            "optimizer: peak_rate: is 10000000000.0; Input should be less than or equal to 10",
        ),
        (
            "teacher: {network: lenet5, share: 1, temperature: 1.0e-300}",
            "teacher: temperature: is 1e-300; Input should be greater than or equal to 0.1",
        ),
    ],
)
def test_wrong_recipe(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    name = line.split(":", maxsplit=1)[0]
    shipped = load_recipe("lenet5").model_dump()
    shipped.pop(name, None)
    path.write_text(f"{json.dumps(shipped)[:-1]}, {line}}}".replace("{", "{ "))
    with pytest.raises(ShiftloomError, match=re.escape(message)) as caught:
        load_recipe("lenet5", path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"no\.yaml: cannot be read \(No such file"):
        load_recipe("lenet5", tmp_path / "no.yaml")


def test_recipe_digest_covers_every_field() -> None:
    assert TINY.digest() == TINY.model_copy().digest()
    other = TINY.augmentation.model_copy(update={"shear": 0.2})
    assert TINY.digest() != TINY.model_copy(update={"augmentation": other}).digest()


def command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["train", *arguments])
    said = str(result.exception) if result.exception else result.output
    return result.exit_code, " ".join(said.split())


def test_command_trains_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load", lambda name, split, data=None: (FRAMES, LABELS))
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.model_dump_json())
    code, output = command("lenet5", "--out", str(tmp_path / "out"), "--recipe", str(path))
    assert code == 0
    assert "epoch 3 loss" in output
    assert output.endswith("% of 400 test images")


def test_command_refuses_unknown_networks(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.model_dump_json())
    code, output = command("lenet6", "--out", str(tmp_path), "--recipe", str(path))
    assert code == 1
    assert "did you mean 'lenet5'?" in output


def test_labels_of_another_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError) as caught:
        train(TINY, FRAMES, LABELS[:-1], tmp_path)
    assert str(caught.value) == "labels: are 399 for 400 images; give one an image"


def test_crop_flip_and_erase_keep_pixels_or_blank_them() -> None:
    frames = np.arange(4 * 6 * 5 * 2, dtype=np.uint8).reshape(4, 6, 5, 2) + 1
    random = torch.Generator().manual_seed(2)
    flipped = move(frames, Augmentation(flip=True), random, 0)
    kinds = [np.array_equal(a, b) for a, b in zip(flipped, frames, strict=True)]
    assert set(kinds) == {True, False}
    assert all(
        np.array_equal(a, b if same else b[:, ::-1])
        for a, b, same in zip(flipped, frames, kinds, strict=True)
    )
    cropped = move(frames, Augmentation(crop=2), random, 7)
    shifts = [np.roll(frames[0], (dy, dx), (0, 1)) for dy in range(-2, 3) for dx in range(-2, 3)]
    assert any(((cropped[0] == s) | (cropped[0] == 7)).all() for s in shifts)
    erased = move(frames, Augmentation(erase=3), random, 0)
    blank = (erased == 0).all(axis=3).sum(axis=(1, 2))
    assert ((blank >= 2) & (blank <= 9)).all()
    assert ((erased == frames) | (erased == 0)).all()
