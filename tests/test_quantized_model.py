"""A quantized ONNX model from its file to hardware: exact, and beside ONNX Runtime."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from network_runs import check_hls, check_rtl, compiled
from qdq_model import SHAPE, frames, quantized_model

pytest.importorskip("onnxruntime")
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from float32_rounding import Runtime, compare

from shiftloom import flow
from shiftloom.codegen.frontends.onnx import survey
from shiftloom.codegen.graph import GraphInput

SEEDS = (0, 1)
NO_FRAMES = np.empty((0, *SHAPE))
"""An imported model needs no calibration."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(0, tmp_path)


def saved(seed: int, folder: Path) -> Path:
    file = folder / "quantized.onnx"
    onnx.save(quantized_model(seed), file)
    return file


def test_the_model_is_valid_and_supported(path: Path) -> None:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert survey(path) == []
    (source,) = flow.from_file(path, "quantized").inputs
    assert source == GraphInput(SHAPE, 8, float(np.float32(0.0173)), 119)


@pytest.mark.parametrize("seed", SEEDS)
def test_golden_is_exact_and_the_runtime_differs_by_rounding_only(
    seed: int, tmp_path: Path
) -> None:
    model = saved(seed, tmp_path)
    found = compare(flow.from_file(model, "quantized"), Runtime(model), frames(200))
    assert (found.frames, found.logits) == (200, 1000)
    assert found.golden == 0
    assert found.unexplained == 0
    assert found.first > 0
    assert found.farthest < 1e-4


def test_another_zero_point_in_the_runtime_is_noticed(path: Path, tmp_path: Path) -> None:
    graph, model = flow.from_file(path, "quantized"), onnx.load(path)
    zero = next(t for t in model.graph.initializer if t.name == "b_zero")
    zero.CopyFrom(onnx.numpy_helper.from_array(np.asarray(np.int8(12)), "b_zero"))
    onnx.save(model, tmp_path / "other.onnx")
    found = compare(graph, Runtime(tmp_path / "other.onnx"), frames(4))
    assert found.unexplained > 0
    assert found.golden == 0


def test_rtl_and_hls_equal_golden(path: Path, tmp_path: Path) -> None:
    built = compiled(flow.from_file(path, "quantized"), NO_FRAMES, {}, tmp_path)
    kinds = {unit.kind for unit in built.units}
    assert kinds >= {"dw_dsp", "mvu_dsp", "fork", "add", "concat", "requant"}
    check_rtl(built, frames(24))
    check_hls(built, frames(24))
