"""Calibration: weights are found again, and the shipped models predict what Yosys makes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("scipy")
pytest.importorskip("pyosys")

from shiftloom import fitting
from shiftloom.codegen import cost
from shiftloom.codegen.cost import Resources
from shiftloom.rtl_sim.cache import Cache
from shiftloom.samples import samples

CACHE = Cache(Path(__file__).parents[1] / ".cache" / "synth")
FEW = ("mvu_shift_11", "constant_4", "window_7", "requant_5", "pool_5", "fifo_3", "width_3")
WEIGHTS = {"one": 5.0, "bits": 1.5, "rows_luts": 0.25}


@dataclass(frozen=True)
class Plain:
    """A unit with random measures."""

    name: str
    measures: dict[str, float]
    kind: str = "plain"

    def features(self) -> dict[str, float]:
        return self.measures

    def cells(self) -> Resources:
        """What the weights make of them; no register comes from a `_luts` measure."""
        lut = sum(WEIGHTS[name] * value for name, value in self.measures.items())
        return Resources(lut, self.measures["bits"], 0, 0)


def plain_units() -> list[Plain]:
    rng = np.random.default_rng(0)
    rows = rng.integers(1, 200, (9, 2)).tolist()
    return [Plain(f"u{i}", {"one": 1, "bits": b, "rows_luts": r}) for i, (b, r) in enumerate(rows)]


def test_weights_are_found_again() -> None:
    units = plain_units()
    model = fitting.fit_kind(units, [unit.cells() for unit in units])
    assert model["lut"] == pytest.approx(WEIGHTS, rel=1e-3)
    assert model["ff"] == pytest.approx({"bits": 1.0}, rel=1e-3)


def test_no_weight_is_negative() -> None:
    units = plain_units()
    cells = [Resources(200 - unit.measures["bits"] / 2, 10) for unit in units]
    model = fitting.fit_kind(units, cells)
    assert min(model["lut"].values()) > 0
    assert "bits" not in model["lut"]


def test_features_of_one_resource_are_left_out_of_the_other() -> None:
    units = plain_units()
    found = [unit.measures["rows_luts"] for unit in units]
    for unit in units:
        unit.measures["cell_registers"] = unit.measures["rows_luts"]
    model = fitting.fit_kind(units, [Resources(cells, cells) for cells in found])
    assert model["lut"] == {"rows_luts": 1}
    assert model["ff"] == {"cell_registers": 1}


def test_errors_are_relative() -> None:
    units = plain_units()
    models = {"plain": fitting.fit_kind(units, [unit.cells() for unit in units])}
    doubled = {unit.name: Resources(2 * unit.cells().lut, unit.cells().ff) for unit in units}
    error = fitting.error_of(units, doubled, models)
    assert (error.samples, error.lut_mean, error.lut_max) == (9, 0.5, 0.5)
    assert error.ff_max < 0.001


def test_data_and_table_tell_the_same() -> None:
    error = fitting.Error(4, 0.01, 0.02, 0.03, 0.04)
    fitted = fitting.Fitted({"fifo": {"lut": {"one": 2.0}}}, {"fifo": error}, "0.70")
    data = json.loads(json.dumps(fitted.data()))
    assert data["models"] == {"fifo": {"lut": {"one": 2.0}}}
    assert data["errors"]["fifo"]["lut_max"] == 0.02
    text = StringIO()
    Console(width=100, file=text).print(fitted.table())
    assert "2.0%" in text.getvalue()


@pytest.mark.slow
def test_prediction_of_some_samples_against_yosys() -> None:
    units = [unit for unit in samples() if unit.name in FEW]
    steps: list[tuple[int, int]] = []
    found = fitting.synthesize(units, CACHE, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (len(units), len(units))
    for unit in units:
        predicted = cost.predict(unit)
        assert predicted.lut == pytest.approx(found[unit.name].lut, rel=0.15, abs=3)
        assert predicted.ff == pytest.approx(found[unit.name].ff, rel=0.15, abs=3)
        assert predicted.dsp == found[unit.name].dsp
        assert predicted.bram36 == found[unit.name].bram36
