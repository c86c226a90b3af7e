"""Calibration: the resource models of `codegen/cost.py` fitted to Yosys runs of sample units."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.table import Table
from scipy.optimize import nnls

from shiftloom.codegen import cost, emit_rtl, emit_unit
from shiftloom.codegen.cost import Costed, Model, Resources
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import Design, memory_of
from shiftloom.codegen.quality import Scalable
from shiftloom.rtl_sim import synth, tools
from shiftloom.rtl_sim.cache import Cache
from shiftloom.samples import DESIGN, samples
from shiftloom.synthesis import JOBS

Progress = Callable[[int, int], None]

_SMALL = 20
"""Cells below which an error counts as if there were that many."""
_NO_REGISTERS = ("_luts", "_mux")
"""Endings of the features that count LUTs only."""
_NO_LUTS = ("_registers",)
"""Endings of the features that count flip-flops only."""
_LEFT_OUT = {"lut": _NO_LUTS, "ff": _NO_REGISTERS}
_EXACT = {"dsp": ("dsp",), "bram36": ("block_rams",)}
"""Resources that are counted, by the features that count them."""


class Sample(Costed, Protocol):
    """A unit with a name."""

    @property
    def name(self) -> str:
        """Unique among the samples."""


@dataclass(frozen=True, slots=True)
class Error:
    """Relative errors of the predictions of one kind's samples, in LUTs and flip-flops."""

    samples: int
    lut_mean: float
    lut_max: float
    ff_mean: float
    ff_max: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models by kind, how well they predict their own samples, and by what they were measured."""

    models: Mapping[str, Model]
    errors: Mapping[str, Error]
    yosys: str

    def data(self) -> dict[str, object]:
        """What `cost.json` holds."""
        return {
            "models": self.models,
            "errors": {kind: asdict(error) for kind, error in self.errors.items()},
            "yosys": self.yosys,
        }

    def table(self) -> Table:
        """Predicted against synthesized, by kind."""
        table = Table(title="Predicted against synthesized", title_justify="left")
        table.add_column("Kind")
        for name in ("Samples", "LUT mean", "LUT max", "FF mean", "FF max"):
            table.add_column(name, justify="right")
        for kind, error in self.errors.items():
            shares = (error.lut_mean, error.lut_max, error.ff_mean, error.ff_max)
            table.add_row(kind, str(error.samples), *(f"{share:.1%}" for share in shares))
        return table


def fit(cache: Cache, progress: Progress | None = None) -> Fitted:
    """Synthesize every sample unit alone and fit each kind's weights; runs are cached."""
    units = samples()
    measured = synthesize(units, cache, progress)
    models: dict[str, Model] = {}
    errors: dict[str, Error] = {}
    for kind in dict.fromkeys(unit.kind for unit in units):
        own = [unit for unit in units if unit.kind == kind]
        models[kind] = fit_kind(own, [measured[unit.name] for unit in own])
        errors[kind] = error_of(own, measured, models)
    return Fitted(models, errors, tools.require("pyosys").version)


def synthesize(
    units: Sequence[Unit], cache: Cache, progress: Progress | None = None
) -> dict[str, Resources]:
    """Cells of each unit alone, by its name; `progress` is told (done, of all)."""
    measured: dict[str, Resources] = {}
    with (
        tempfile.TemporaryDirectory(prefix="shiftloom-") as folder,
        ThreadPoolExecutor(JOBS) as pool,
    ):
        runs = {}
        for unit in units:
            sources, top = _emit(unit, Path(folder) / unit.name)
            runs[pool.submit(synth.synthesize, sources, top, cache=cache)] = unit.name
        for run in as_completed(runs):
            cells = run.result()
            measured[runs[run]] = Resources(cells.lut, cells.ff, cells.dsp, cells.bram36)
            if progress:
                progress(len(measured), len(units))
    return measured


def _emit(unit: Unit, folder: Path) -> tuple[tuple[Path, ...], str]:
    """Write the files of one unit; returns them and the name of its module."""
    instance = unit.instance()
    streams = (*unit.sources, *unit.sinks)
    quality = (Scalable(instance.node, instance.node, "m", 1),) * instance.quality
    memory = memory_of((unit,))
    design = Design(DESIGN, "0" * 64, 100.0, "", streams, (instance,), (), (), memory, quality)
    texts = emit_rtl.emit(design, "Sample unit")
    folder.mkdir()
    files = tuple(folder / name for name in emit_unit.unit_files(design, instance))
    for file in files:
        file.write_text(texts[file.name], encoding="utf-8")
    return files, emit_unit.unit_module(design, instance)


def fit_kind(units: Sequence[Costed], measured: Sequence[Resources]) -> Model:
    """Weights of the features for each resource, none negative, least relative squares."""
    features = [unit.features() for unit in units]
    counted = {name for names in _EXACT.values() for name in names}
    model: dict[str, dict[str, float]] = {}
    for resource in ("lut", "ff"):
        names = [
            name
            for name in features[0]
            if name not in counted and not name.endswith(_LEFT_OUT[resource])
        ]
        target = np.array([getattr(cells, resource) for cells in measured], dtype=np.float64)
        scale = 1 / np.maximum(target, _SMALL)
        matrix = np.array([[f[name] for name in names] for f in features], dtype=np.float64)
        weights, _ = nnls(matrix * scale[:, None], target * scale)
        found = zip(names, weights.tolist(), strict=True)
        model[resource] = {name: round(weight, 4) for name, weight in found if weight > 5e-5}
    for resource, names_counted in _EXACT.items():
        model[resource] = {name: 1.0 for name in names_counted if name in features[0]}
    return model


def error_of(
    units: Sequence[Sample], measured: Mapping[str, Resources], models: Mapping[str, Model]
) -> Error:
    """Relative errors of the predictions of units that were measured."""

    def relative(resource: str) -> list[float]:
        pairs = [
            (getattr(cost.predict(unit, models), resource), getattr(measured[unit.name], resource))
            for unit in units
        ]
        return [abs(predicted - found) / max(found, _SMALL) for predicted, found in pairs]

    lut, ff = relative("lut"), relative("ff")
    means = (round(float(np.mean(lut)), 4), round(float(np.mean(ff)), 4))
    return Error(len(units), means[0], round(max(lut), 4), means[1], round(max(ff), 4))
