"""LeNet-5 whole: the shipped network through HLS C++ and RTL on real images, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import shiftloom
from shiftloom import flow, results
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall

IMAGES = 1000
CACHE = Path(".cache") / "tests"


@pytest.fixture(scope="module")
def lenet(tmp_path_factory: pytest.TempPathFactory) -> shiftloom.OpenedBuild:
    """The fastest Pynq-Z2 plan of LeNet-5 without a DSP block, as in `shiftloom demo`."""
    folder = tmp_path_factory.mktemp("out") / "lenet5"
    config = shiftloom.parse_config({"target": {"dsp_share": 0}})
    graph = shiftloom.load_network("lenet5")
    quantized = shiftloom.quantize(graph, flow.calibration_frames("lenet5"), config)
    shiftloom.build(quantized, config, folder)
    return shiftloom.open_build(folder)


@pytest.fixture(scope="module")
def data() -> tuple[flow.Frames, flow.Frames]:
    frames, labels = flow.evaluation_set("lenet5")
    return frames[:IMAGES], labels[:IMAGES]


@pytest.mark.slow
def test_rtl_equals_golden_at_the_planned_rate(
    lenet: shiftloom.OpenedBuild, data: tuple[flow.Frames, flow.Frames]
) -> None:
    run = shiftloom.simulate_rtl(lenet, *data, Cache(CACHE))
    assert (run.mismatches, run.first) == (0, "")
    assert run.accuracy is not None
    assert run.accuracy >= 0.99
    assert run.interval == lenet.plan.interval == 784
    assert run.latency == lenet.plan.latency


@pytest.mark.slow
def test_rtl_equals_golden_under_random_stalls(
    lenet: shiftloom.OpenedBuild, data: tuple[flow.Frames, flow.Frames]
) -> None:
    frames, labels = data
    run = shiftloom.simulate_rtl(lenet, frames[:100], labels[:100], Cache(CACHE), stall=Stall(3))
    assert (run.mismatches, run.interval) == (0, 0)


@pytest.mark.slow
def test_hls_equals_golden(
    lenet: shiftloom.OpenedBuild, data: tuple[flow.Frames, flow.Frames]
) -> None:
    run = shiftloom.simulate_hls(lenet, *data, Cache(CACHE))
    assert run.mismatches == 0
    assert run.images == IMAGES


@pytest.mark.slow
def test_a_wrong_golden_model_would_be_noticed(
    lenet: shiftloom.OpenedBuild,
    data: tuple[flow.Frames, flow.Frames],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The comparison can fail: one logit off by one in one image is one mismatch."""
    from shiftloom.codegen import golden

    honest = golden.run

    def off_by_one(*arguments: object) -> np.ndarray:
        logits = honest(*arguments)  # type: ignore[arg-type]
        logits[7, 3] += 1
        return logits

    monkeypatch.setattr(golden, "run", off_by_one)
    run = shiftloom.simulate_rtl(lenet, data[0][:10], None, Cache(CACHE))
    assert run.mismatches == 1
    assert run.first == "image 7: wrong in the stream of frames, right alone"


def test_the_report_shows_every_unit(lenet: shiftloom.OpenedBuild) -> None:
    page = results.write_report(lenet).read_text("utf-8")
    for unit in lenet.units:
        assert unit.name in page
