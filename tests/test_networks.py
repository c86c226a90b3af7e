"""The networks of MLPerf Tiny and a QONNX one, whole: golden = RTL = HLS C++ on their test sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from network_runs import check_hls, check_rtl, compiled

import shiftloom
from shiftloom import flow
from shiftloom.codegen import golden
from shiftloom.simulation import Simulation

QSQ = {"format": "qsq", "quantizer": "calibrated"}
INT8 = {"format": "int", "weight_bits": 8}
IMPORTED: dict[str, Any] = {}
SHARES = {"lut_share": 0.8, "ff_share": 1.0, "dsp_share": 1.0, "bram_share": 1.0}
DIGITS = 10_000
"""Images of MNIST's test set."""


@dataclass(frozen=True)
class Case:
    """A network in a number format, and the kinds of matrix units that its build must have."""

    network: str
    defaults: dict[str, Any]
    objective: str
    kinds: set[str]


IMPORTED_INT8 = {
    "mlperf_ds_cnn": Case("mlperf_ds_cnn", IMPORTED, "latency", {"mvu_dsp", "dw_dsp"}),
    "mlperf_resnet8": Case("mlperf_resnet8", IMPORTED, "latency", {"mvu_dsp"}),
}
BITS3 = {
    "mlperf_ds_cnn": Case("mlperf_ds_cnn", QSQ, "latency", {"mvu_shift", "dw_shift"}),
    "mlperf_resnet8": Case("mlperf_resnet8", QSQ, "latency", {"mvu_shift"}),
}
SEEDED = {
    "mobilenet-3bit": Case("mobilenet_v1_025", QSQ, "latency", {"mvu_shift", "dw_shift"}),
    "mobilenet-int8": Case("mobilenet_v1_025", INT8, "latency", {"mvu_dsp", "dw_dsp"}),
    "autoencoder-3bit": Case("autoencoder", QSQ, "interval", {"mvu_shift"}),
    "autoencoder-int8": Case("autoencoder", INT8, "interval", {"mvu_dsp"}),
}
"""Networks with random weights."""
ACCURACY = {"mlperf_ds_cnn": 0.902, "mlperf_resnet8": 0.878}
"""Of the imported integers on all 1,000 test frames."""


class Builder:
    """Builds each case once."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.data = data
        self.folder = folder
        self._made = cache(self._make)

    def __call__(self, case: Case) -> shiftloom.OpenedBuild:
        return self._made(case.network, case.objective, tuple(case.defaults.items()))

    def _make(
        self, name: str, objective: str, defaults: tuple[tuple[str, Any], ...]
    ) -> shiftloom.OpenedBuild:
        settings = {"target": {"objective": objective, **SHARES}, "defaults": dict(defaults)}
        graph = flow.load_network(name, data=self.data)
        calibration = flow.calibration_frames(name, self.data)
        return compiled(graph, calibration, settings, self.folder / str(len(defaults)))

    def frames(self, case: Case, count: int) -> tuple[flow.Frames, flow.Labels | None]:
        """The first frames of the network's test set."""
        frames, labels = flow.evaluation_set(case.network, self.data)
        return frames[:count], None if labels is None else labels[:count]


@pytest.fixture(scope="module")
def build(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(data, tmp_path_factory.mktemp("networks"))


def simulate(build: Builder, case: Case, count: int) -> Simulation:
    """RTL = golden on `count` test frames, with the matrix units that the case asks for."""
    built = build(case)
    assert {unit.kind for unit in built.units} >= case.kinds
    return check_rtl(built, *build.frames(case, count))


@pytest.mark.slow
def test_tfc_has_its_published_accuracy_in_hardware(build: Builder) -> None:
    """96.60 % by the golden model, and every logit of all images in RTL the same."""
    case = Case("tfc_2w2a", IMPORTED, "interval", {"mvu_shift"})
    frames, labels = build.frames(case, DIGITS)
    logits = golden.run(build(case).qgraph, frames)
    assert (logits.argmax(axis=1) == labels).sum() == 9660
    run = simulate(build, case, DIGITS)
    assert (run.images, run.accuracy) == (DIGITS, 0.966)
    check_hls(build(case), frames[:1000])


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPORTED_INT8)
def test_imported_int8_equals_golden(name: str, build: Builder) -> None:
    """The integers of the Q/DQ model as they are, on DSP blocks."""
    simulate(build, IMPORTED_INT8[name], 8)
    check_hls(build(IMPORTED_INT8[name]), build.frames(IMPORTED_INT8[name], 2)[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", BITS3)
def test_3_bit_weights_equal_golden(name: str, build: Builder) -> None:
    simulate(build, BITS3[name], 8)
    check_hls(build(BITS3[name]), build.frames(BITS3[name], 2)[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDED)
def test_hls_of_random_weights_equals_golden(name: str, build: Builder) -> None:
    """The compiler takes minutes over their RTL, which `make soak` runs."""
    built = build(SEEDED[name])
    assert {unit.kind for unit in built.units} >= SEEDED[name].kinds
    check_hls(built, build.frames(SEEDED[name], 1)[0])


@pytest.mark.soak
@pytest.mark.parametrize("name", IMPORTED_INT8)
def test_every_frame_of_imported_int8(name: str, build: Builder) -> None:
    run = simulate(build, IMPORTED_INT8[name], 1000)
    assert (run.images, run.accuracy) == (1000, ACCURACY[name])


@pytest.mark.soak
@pytest.mark.parametrize("name", BITS3)
def test_every_frame_of_3_bit_weights(name: str, build: Builder) -> None:
    """Quantized after training, a little below the imported integers."""
    run = simulate(build, BITS3[name], 1000)
    assert run.images == 1000
    assert run.accuracy is not None
    assert run.accuracy >= ACCURACY[name] - 0.03


@pytest.mark.soak
@pytest.mark.parametrize("name", SEEDED)
def test_rtl_of_random_weights_equals_golden(name: str, build: Builder) -> None:
    simulate(build, SEEDED[name], 2)
