"""`shiftloom pack` and `unpack`: files, figures, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import run

from shiftloom import compression, flow
from shiftloom.codegen.coding.fitted_file import read_fitted
from shiftloom.codegen.config import Config, LayerConfig, parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, Layer, kernel
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array

FLOAT = flow.load_network("lenet5")


@pytest.fixture(scope="module")
def lenet() -> Quantized:
    return quantize(FLOAT, flow.calibration_frames("lenet5"), Config())


def test_a_quantized_network_is_written_and_comes_back(
    lenet: Quantized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, figures = tmp_path / "l.slw", tmp_path / "l.json"
    options = ("--images", "500", "-o", str(file), "--json", str(figures))
    assert run(monkeypatch, "pack", "lenet5", *options) == 0
    assert read_fitted(file.read_bytes(), str(file)) == lenet.fitted
    found = json.loads(figures.read_text())
    assert found["parameters"] == 61_706
    assert found["bytes"] == file.stat().st_size
    assert found["ratio"] == 4 * 61_706 / found["bytes"] > 32 / 3
    assert 1 <= found["over_entropy"] < 1.05
    assert found["accuracy"]["images"] == 500
    assert found["accuracy"]["quantized"] >= 0.98
    assert [layer["name"] for layer in found["layers"]] == ["conv1", "conv2", "fc1", "fc2", "fc3"]


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "ternary", "scales": 2},
        {"format": "csd", "alpha_bits": None},
        {"axis": "filter", "vector": 4},
    ],
    ids=str,
)
def test_formats_that_the_quantizer_completes_come_back(settings: dict[str, Any]) -> None:
    config = parse({"defaults": settings})
    quantized = quantize(FLOAT, flow.calibration_frames("lenet5")[:8], config)
    made = compression.compress_quantized(quantized, config, FLOAT)
    assert read_fitted(made.data, "l.slw") == quantized.fitted


def test_the_weights_of_a_file_are_expanded(
    lenet: Quantized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, arrays, figures = (tmp_path / f"l.{end}" for end in ("slw", "npz", "json"))
    file.write_bytes(compression.compress_quantized(lenet, Config(), FLOAT).data)
    assert run(monkeypatch, "unpack", str(file), "-o", str(arrays), "--json", str(figures)) == 0
    with np.load(arrays) as found:
        assert len(found.files) == 10
        for name, weights in lenet.fitted.weights.items():
            assert np.array_equal(found[f"{name}.weights"], weights.real)
            assert np.array_equal(found[f"{name}.bias"], lenet.fitted.biases[name].data)
    assert json.loads(figures.read_text())["content"] == "a quantized network"


def test_deep_compression_is_written_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, figures = tmp_path / "out/lenet5.slw", tmp_path / "l.json"
    settings = ("--prune", "0.4", "--prune", "conv1=0", "--share-bits", "fc1=3")
    options = ("--images", "500", "--json", str(figures))
    assert run(monkeypatch, "pack", "lenet5", *settings, *options) == 0
    found = json.loads(figures.read_text())
    zeros = {layer["name"]: layer["zeros"] / layer["weights"] for layer in found["layers"]}
    assert zeros == pytest.approx({"conv1": 0, "conv2": 0.4, "fc1": 0.4, "fc2": 0.4, "fc3": 0.4})
    assert found["content"] == "a float network of shared weights"
    assert found["accuracy"]["quantized"] >= 0.97
    graph = compression.expand(file.read_bytes(), "l").value.applied(flow.load_network("lenet5"))
    values = {
        node.name: len(np.unique(kernel(node.op)))
        for node in graph.nodes
        if isinstance(node.op, Layer)
    }
    assert values["fc1"] == 8
    assert values["fc2"] <= 32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["pack", "lenet5", "--prune", "conv_1=0.5"],
            "--prune conv_1=0.5: no such layer; did you mean 'conv1'? "
            "known: conv1, conv2, fc1, fc2, fc3",
        ),
        (
            ["pack", "lenet5", "--share-bits", "fc1=few"],
            "--share-bits fc1=few: is no number; write NUMBER or LAYER=NUMBER",
        ),
        (
            ["pack", "lenet5", "--prune", "=0.5"],
            "--prune =0.5: no such layer; known: conv1, conv2, fc1, fc2, fc3",
        ),
        (
            ["pack", "lenet5", "--prune", "conv1=0.1", "--prune", "conv1=0.9"],
            "--prune conv1=0.9: conv1 has a number already; give one",
        ),
        (
            ["pack", "lenet5", "--share-bits", "3", "--share-bits", "4"],
            "--share-bits 4: all layers have a number already; give one",
        ),
        (
            ["pack", "lenet5_w2", "--prune", "0.5"],
            "network 'lenet5_w2': was tuned with settings of its own; take 'lenet5'",
        ),
        (
            ["pack", "lenet5", "--prune", "1"],
            "conv1: pruning a share of 1; use 0 to below 1",
        ),
        (
            ["pack", "lenet5", "--prune", "0.999"],
            "conv1: none of its 150 weights stays at a share of 0.999; use a smaller share",
        ),
        (
            ["pack", "lenet5", "-o", "lenet5.txt"],
            "--output lenet5.txt: suffix '.txt'; compressed files are written as .slw",
        ),
        (
            ["unpack", "lenet5.slw", "-o", "lenet5.npy"],
            "--output lenet5.npy: suffix '.npy'; weights are written as .npz",
        ),
        (
            ["pack", "lenet5", "--share-bits", "2.5"],
            "conv1: 2.5 share bits; use 1 to 8",
        ),
        (
            ["pack", "lenet5", "--prune", "0.5", "--config", "x.yaml"],
            "--prune and --share-bits: compress a float network; "
            "leave out --config and --calibration",
        ),
        (
            ["unpack", "nowhere.slw"],
            "nowhere.slw: cannot be read (No such file or directory); check the path",
        ),
        (["unpack", "/dev/zero"], "/dev/zero: is no regular file; check the path"),
    ],
)
def test_refusals_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err == f"shiftloom: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_pruned_network_is_compared_with_the_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.yaml").write_text("pruning: {method: channel, share: 0.5}")
    file, figures = tmp_path / "l.slw", tmp_path / "l.json"
    options = ("--config", str(tmp_path / "c.yaml"), "--images", "300", "--json", str(figures))
    assert run(monkeypatch, "pack", "lenet5", *options, "-o", str(file)) == 0
    found = json.loads(figures.read_text())
    frames, labels = flow.evaluation_set("lenet5")
    assert labels is not None
    assert found["accuracy"]["real"] == flow.real_accuracy(FLOAT, frames[:300], labels[:300])
    assert found["ratio"] == 4 * 61_706 / found["bytes"]
    assert found["parameters"] < 61_706 / 2


def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.slw"
    file.write_bytes(b"PK\3\4" * 9)
    assert run(monkeypatch, "unpack", str(file)) == 2
    assert "begins with b'PK\\x03\\x04PK\\x03\\x04'; give a file of" in capsys.readouterr().err


def test_codes_that_come_back_as_others_are_refused(lenet: Quantized) -> None:
    weights = dict(lenet.fitted.weights)
    narrow = Array(weights["fc3"].values.data.astype(np.int32))
    weights["fc3"] = replace(weights["fc3"], values=narrow)
    other = replace(lenet, fitted=Fitted(weights))
    with pytest.raises(ShiftloomError) as caught:
        compression.compress_quantized(other, Config(), FLOAT)
    assert str(caught.value) == (
        "lenet5: comes back as other weights, biases or ranges; "
        "integers must be int64, real numbers float32 or float64"
    )


def test_settings_that_make_another_integer_network_are_refused(lenet: Quantized) -> None:
    with pytest.raises(ShiftloomError) as caught:
        compression.compress_quantized(lenet, Config(defaults=LayerConfig(m_bits=6)), FLOAT)
    assert str(caught.value) == (
        "lenet5: comes back as another integer network; "
        "give the settings that it was quantized with"
    )
