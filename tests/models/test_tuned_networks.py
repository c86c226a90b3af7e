"""Networks tuned with quantized weights: what ships, its accuracy in integers, and its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from shiftloom import flow
from shiftloom.codegen import cli, golden
from shiftloom.codegen.config import parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.models import registry
from shiftloom.models.registry import TUNED_NETWORKS

RIGHT = {
    "lenet5_w3": 9942,
    "lenet5_w2": 9942,
    "lenet5_sparse": 9913,
    "convnet_w3": 865,
    "convnet_w2": 841,
    "resnet8_w3": 868,
    "resnet20_w3a4": 918,
}
"""Test images that the integers classify right."""


def integers(name: str, data: Path | None) -> Quantized:
    """The integer network that ships under `name`."""
    tuned = flow.load_tuned(name)
    assert tuned is not None
    graph = flow.load_network(name, data=data)
    return quantize(graph, None, parse(dict(tuned.settings)), tuned.fitted)


def test_every_tuned_network_has_its_figure() -> None:
    assert set(RIGHT) == {network.name for network in TUNED_NETWORKS}


@pytest.mark.parametrize("name", RIGHT)
def test_accuracy_in_integers(name: str, request: pytest.FixtureRequest) -> None:
    needs_data = registry.base(name).dataset != "mnist"
    data = request.getfixturevalue("data") if needs_data else None
    quantized = integers(name, data)
    frames, labels = flow.evaluation_set(name, data)
    assert labels is not None
    assert quantized.qgraph.name == name
    assert (golden.run(quantized.qgraph, frames).argmax(axis=1) == labels).sum() == RIGHT[name]


def test_a_float_network_is_not_tuned() -> None:
    assert flow.load_tuned("lenet5") is None


def test_a_tuned_network_cannot_be_trained_as_float() -> None:
    with pytest.raises(
        ShiftloomError, match=r"^network 'lenet5_w3': is tuned; use one of: lenet5,"
    ):
        registry.trainable("lenet5_w3")


def test_other_settings_are_put_over_its_own(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("target: {fps: 2000}\nlayers: {conv1: {pe: shift}}\n")
    run = CliRunner().invoke(
        cli.app, ["build", "lenet5_w2", "-o", str(tmp_path), "--config", str(path)]
    )
    assert run.exit_code == 0, run.exception
    assert "lenet5_w2" in run.output
    assert (tmp_path / "lenet5_w2" / "design.json").is_file()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ("pruning: {method: channel}", "pruning"),
        ("repair: {equalize: true}", "repair"),
        ("calibration: {method: max}", "calibration"),
        ("defaults: {quantizer: adaround}", "layers.conv1: the quantizer"),
        ("layers: {fc2: {alpha_bits: 5}}", "layers.fc2: the quantizer"),
    ],
)
def test_what_training_settled_is_not_decided_again(
    settings: str, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(settings + "\n")
    run = CliRunner().invoke(cli.app, ["quantize", "lenet5_w2", "--config", str(path)])
    problem = "is settled: 'lenet5_w2' was tuned; leave it out, or take 'lenet5'"
    assert str(run.exception) == f"{key}: {problem}"


def test_another_format_than_its_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("defaults: {phi: 4}\n")
    run = CliRunner().invoke(cli.app, ["quantize", "lenet5_w2", "--config", str(path)])
    assert str(run.exception) == (
        "conv1: its weights came as Qsq(phi=1, vector=None, axis='output'), the settings ask for "
        "Qsq(phi=4, vector=None, axis='output'); use the settings that they were made with"
    )
