"""Imported networks: the golden model is exact, runtimes differ by float32 rounding only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import float32_rounding
from float32_rounding import NETWORKS, Runtime, compare

from shiftloom import flow
from shiftloom.codegen import golden
from shiftloom.codegen.config import Config
from shiftloom.codegen.quantize import quantize
from shiftloom.models import folder, registry


@pytest.mark.parametrize("name", NETWORKS)
def test_every_difference_from_onnx_runtime_is_float32_rounding(name: str, data: Path) -> None:
    found = float32_rounding.measure(name, data, 100)
    assert found.frames == 100
    assert found.golden == 0
    assert found.unexplained == 0
    assert found.first > 0
    assert found.farthest < 1e-4


def test_a_difference_of_another_cause_is_not_explained(data: Path) -> None:
    """A runtime that sees other frames differs where float32 rounding cannot have."""
    graph = flow.load_network("mlperf_ds_cnn", data=data)
    runtime = Runtime(folder.find(registry.get("mlperf_ds_cnn").file, data))
    x = flow.evaluation_set("mlperf_ds_cnn", data)[0][:2]
    integers = runtime.integers

    def changed(real: np.ndarray) -> dict[str, np.ndarray]:
        return integers(real[::-1])

    runtime.integers = changed  # type: ignore[method-assign, assignment]
    found = compare(graph, runtime, x)
    assert found.unexplained > 0
    assert found.golden == 0


@pytest.mark.parametrize(
    ("name", "share"), [("tfc_2w2a", 0.966), ("mlperf_ds_cnn", 0.902), ("mlperf_resnet8", 0.878)]
)
def test_accuracy_of_imported_integers(name: str, share: float, data: Path) -> None:
    frames, labels = flow.evaluation_set(name, data)
    network = quantize(flow.load_network(name, data=data), None, Config()).qgraph
    got = golden.run(network, frames)
    assert round(float((got.argmax(axis=1) == labels).mean()), 4) == share
