"""Table III and fig. 7 to 10 on few images: what is quantized, trained and claimed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from paper_bench import quiet

from shiftloom import flow
from shiftloom.codegen import config, golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import Int, Qsq
from shiftloom.codegen.quantize import quantize
from shiftloom.models import datasets
from shiftloom.models.splits import Images, Labels
from shiftloom.paper import levels, table3, vectors
from shiftloom.paper.bench import RULES, Bench, qsq
from shiftloom.paper.levels import LevelRow
from shiftloom.paper.vectors import VectorRow

RULE = {**qsq(4), **RULES["eq. 10, least-squares α"]}


def no_training_set(monkeypatch: pytest.MonkeyPatch, but: Any = None) -> None:
    """Training images are those that `but` gives, or are not there."""
    load = datasets.load

    def some(name: str, split: Any, data: Path | None = None) -> tuple[Images, Labels | None]:
        if split != "train":
            return load(name, split, data)
        if but is None:
            raise ShiftloomError("train.gz", "is not there", "give a folder with --data")
        return but(load)

    monkeypatch.setattr(datasets, "load", some)


def test_accuracy_is_that_of_the_golden_model() -> None:
    bench = Bench("lenet5", images=200)
    quantized = quantize(bench.graph, bench.calibration, config.parse(bench.settings(RULE)))
    frames, labels = flow.evaluation_set("lenet5")
    assert labels is not None
    right = golden.run(quantized.qgraph, frames[:200]).argmax(axis=1) == labels[:200]
    assert bench.accuracy(bench.settings(RULE)) == right.mean()
    assert 0.8 < right.mean() < 0.95


def test_table3_without_training(monkeypatch: pytest.MonkeyPatch) -> None:
    no_training_set(monkeypatch)
    found = table3.run([Bench("lenet5", images=100)], quiet)
    rows: Sequence[table3.AccuracyRow] = found.rows["table3"]  # type: ignore[assignment]
    assert [(row.step, row.epochs, row.published_percent) for row in rows] == [
        ("float", 0, 98.68),
        ("quantized", 0, 97.59),
        ("quantized", 0, 97.59),
        ("quantized", 0, 97.59),
        ("classifier trained", 5, 98.35),
        ("classifier trained", 20, 98.55),
    ]
    literal, bands, least = (row.accuracy or 0 for row in rows[1:4])
    assert literal < 0.3 < bands < least
    assert rows[1].verdict.startswith("miss by −")
    assert rows[3].verdict == "reached"
    assert [row.verdict for row in rows[4:]] == ["not measured"] * 2
    reason = "train.gz: is not there; give a folder with --data"
    assert found.absent == (f"LeNet-5, classifier trained: {reason}",)
    assert [claim.holds for claim in found.claims] == ["not measured"]
    assert "LeNet-5 3 bit, eq. 10, α of eq. 9 97.59 published" in found.plots[0].summary


def test_training_can_be_left_out() -> None:
    found = table3.run([Bench("lenet5", images=20)], quiet, tuning=False)
    assert {row["epochs"] for row in found.data()["rows"]["table3"]} == {0}
    assert found.absent == ("LeNet-5, classifier trained: left out by --no-tuning",)


def test_only_the_classifier_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    no_training_set(monkeypatch, lambda load: load("mnist", "test"))
    bench = Bench("lenet5", images=400)
    settings = bench.settings(RULE)
    start = bench.quantized(settings).fitted
    with quiet("classifier") as advance:
        made = table3.tuned(bench, settings, 1, advance)
    held = [name for name in made.weights if made.weights[name] == start.weights[name]]
    assert held == list(bench.convolutions) == ["conv1", "conv2"]
    assert all(made.biases[name] == start.biases[name] for name in held)
    assert made.biases["fc3"] != start.biases["fc3"]
    before, after = bench.accuracy(settings), bench.accuracy(settings, made)
    assert before is not None
    assert after is not None
    assert before + 0.05 < after


def test_accuracy_that_training_lost_is_no_gain() -> None:
    def row(step: str, epochs: int, accuracy: float) -> table3.AccuracyRow:
        return table3.AccuracyRow("lenet5", step, 3, "rule", epochs, 9, accuracy, None, "", "")

    start = row("quantized", 0, 0.5)
    gain, loss = (row("classifier trained", 5, accuracy) for accuracy in (0.6, 0.4))
    assert table3.regained([start, gain]) == (
        True,
        "3 bits, rule, 5 epochs: 50.00 % → 60.00 %",
    )
    assert table3.regained([start, gain, loss])[0] is False


def test_fig7_quantizes_each_convolution_alone() -> None:
    bench = Bench("convnet", Path("/nowhere"))
    parsed = config.parse(bench.settings(qsq(2), ("conv3_conv",)))
    formats = {name: parsed.layer(name).weight_format for name in bench.layers}
    assert formats.pop("conv3_conv") == Qsq(2, None, "filter")
    assert set(formats.values()) == {Int(8)}
    assert list(parsed.layers) == ["conv3_conv"]
    everything = config.parse(bench.settings(qsq(2)))
    assert (
        tuple(everything.layers)
        == bench.convolutions
        == (*("conv1_conv", "conv2_conv", "conv3_conv", "conv4_conv"),)
    )


def test_fig7_of_lenet() -> None:
    found = levels.run([Bench("lenet5", images=100)], quiet)
    rows: Sequence[LevelRow] = found.rows["levels"]  # type: ignore[assignment]
    assert [(row.layer, row.phi) for row in rows] == [
        (layer, phi) for layer in ("all", "conv1", "conv2") for phi in (1, 2, 4)
    ]
    assert rows[0].accuracy is not None
    assert rows[2].accuracy is not None
    assert rows[0].accuracy < rows[2].accuracy
    assert [plot.name for plot in found.plots] == ["fig7_lenet5"]


def test_a_fall_with_phi_is_shown() -> None:
    assert levels.rises([0.5, 0.5, 0.6]) is True
    assert levels.rises([0.5, 0.7, 0.6]) is False
    assert levels.rises([0.5, None, 0.6]) is None


def test_vector_sweep_of_lenet() -> None:
    found = vectors.run([Bench("lenet5", images=100)], quiet)
    rows: Sequence[VectorRow] = found.rows["vectors"]  # type: ignore[assignment]
    assert [(row.bits, row.length) for row in rows] == [
        (bits, length) for bits in (2, 3) for length in (2, 4, 8, 16, 32, 64)
    ]
    three = rows[6:]
    filters = {"conv1": (6, 25), "conv2": (16, 150), "fc1": (120, 400), "fc2": (84, 120)}
    filters |= {"fc3": (10, 84)}
    for row in three:
        scales = sum(-(-count // row.length) * size for count, size in filters.values())
        assert row.weight_bits == 3 * 61_470 + 32 * scales
        assert row.saving == 1 - row.weight_bits / (32 * 61_470)
    kept = [(claim.text.partition(" (")[0], claim.holds) for claim in found.claims]
    assert kept[:2] == [
        ("Savings grow with N", "holds"),
        ("2 bits save slightly more energy than 3 at every N", "holds"),
    ]
    assert [plot.name for plot in found.plots] == ["fig8_lenet5", "fig9_lenet5", "fig10_lenet5"]


def test_without_data_savings_are_there_and_accuracies_are_not() -> None:
    benches = [Bench("convnet", Path("/nowhere"))]
    for experiment in (levels, vectors):
        found = experiment.run(benches, quiet)
        (reason,) = found.absent
        assert reason.startswith("ConvNet: cifar10/cifar10_batch_0.png: is needed, but there is no")
        rows = found.data()["rows"][experiment.NAME]
        assert {row["accuracy"] for row in rows} == {None}
        assert "not measured" in {claim.holds for claim in found.claims}
    assert [plot.name for plot in found.plots] == ["fig9_convnet"]
    assert rows[-1]["saving"] == pytest.approx(0.8882, abs=5e-5)


def test_the_first_convolution_of_the_convnet_needs_more_levels(data: Path) -> None:
    bench = Bench("convnet", data, images=100)
    assert (bench.absent, bench.count) == ("", 100)
    two, three, all_two = (
        bench.accuracy(bench.settings(qsq(phi), named))
        for phi, named in ((1, ("conv1_conv",)), (4, ("conv1_conv",)), (1, None))
    )
    assert two is not None
    assert three is not None
    assert all_two is not None
    assert all_two < two < 0.6 < 0.7 < three
