"""MLPerf Tiny's networks on the xc7z020: clocks, rates, cells, utilization and accuracy.

Run as `python benchmarks/mlperf_tiny.py [CASE ...] [--simulate N] [--synth] [--accuracy] [--data
FOLDER] [--json FILE]`; without a case all of them, `--list` names them. `--simulate N` streams the
first N test frames through the RTL, compares every output integer and counts the clocks: of a
frame alone (single stream) and of frames back to back (pipelined). With `--synth` Yosys counts the
cells of every unit, which takes minutes. Rates assume 125 MHz.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from shiftloom import flow, open_build, parse_config, quantize, simulate_rtl, synthesize_units
from shiftloom.codegen import boards, cost
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.quantize import Quantized
from shiftloom.simulation import default_cache

BOARD = "pynq-z2"
LIMITS = {"lut_share": 0.8, "ff_share": 1.0, "dsp_share": 1.0, "bram_share": 1.0}
"""Of the xc7z020: 42,560 LUTs, 220 DSPs, 140 block RAMs of 36 kbit."""
QSQ: dict[str, Any] = {"format": "qsq", "quantizer": "calibrated"}
INT8: dict[str, Any] = {"format": "int", "weight_bits": 8}
IMPORTED: dict[str, Any] = {}


@dataclass(frozen=True)
class Case:
    """A network in a number format, what the scheduler aims at, and the rates to compare with.

    `record` is the published single-stream rate on this chip (MLPerf Tiny v1.1), `goal` ours; a
    `goal` of the objective `interval` counts frames back to back.
    """

    name: str
    network: str
    defaults: dict[str, Any]
    objective: str
    fps: float | None
    record: float | None = None
    goal: float | None = None


CASES = (
    Case("resnet8-3bit", "mlperf_resnet8", QSQ, "latency", 8200, 2431, 8000),
    Case("resnet8-3bit-pipelined", "mlperf_resnet8", QSQ, "interval", 12100, None, 12000),
    Case("resnet8-int8", "mlperf_resnet8", IMPORTED, "latency", 2500, 2431),
    Case("ds_cnn-3bit", "mlperf_ds_cnn", QSQ, "latency", 20500, 3088, 20000),
    Case("ds_cnn-int8", "mlperf_ds_cnn", IMPORTED, "latency", None, 3088),
    Case("mobilenet-3bit", "mobilenet_v1_025", QSQ, "latency", 2600, 105, 2500),
    Case("mobilenet-int8", "mobilenet_v1_025", INT8, "latency", None, 105),
    Case("autoencoder-3bit", "autoencoder", QSQ, "interval", None),
    Case("autoencoder-int8", "autoencoder", INT8, "interval", None),
    Case("tfc-2bit", "tfc_2w2a", IMPORTED, "interval", None),
)
"""Targets lie a little above the goals: the goals count the clocks of the RTL."""


@dataclass(frozen=True)
class Figures:
    """What was found of a case; None where it was not asked for."""

    case: str
    build_seconds: float
    interval: int
    latency: int
    bottleneck: str
    utilization: float
    predicted: dict[str, float]
    accuracy: dict[str, float] | None
    simulated: dict[str, Any] | None
    synthesized: dict[str, float] | None


def measure(case: Case, arguments: argparse.Namespace) -> Figures:
    """Quantize, build, and what the arguments ask for."""
    start = time.perf_counter()
    settings = {"board": BOARD, "objective": case.objective, "fps": case.fps, **LIMITS}
    config = parse_config({"target": settings, "defaults": case.defaults})
    graph = flow.load_network(case.network, data=arguments.data)
    frames = flow.calibration_frames(case.network, arguments.data)
    quantized = quantize(graph, frames, config)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / case.name
        built = flow.build(quantized, config, folder)
        seconds = time.perf_counter() - start
        slowest = max(built.units, key=lambda unit: unit.cycles())
        return Figures(
            case.name,
            round(seconds, 1),
            built.plan.interval,
            built.plan.latency,
            slowest.name,
            slowest.cycles() / built.plan.interval,
            _cells(cost.total(built.units)),
            _accuracy(case, quantized, arguments.data) if arguments.accuracy else None,
            _simulate(case, folder, arguments) if arguments.simulate else None,
            _synthesize(folder) if arguments.synth else None,
        )


def _cells(found: Resources) -> dict[str, float]:
    return {name: round(value, 1) for name, value in asdict(found).items()}


def _accuracy(case: Case, quantized: Quantized, data: Path | None) -> dict[str, float] | None:
    """Float and integer accuracy on all test frames, and on those that calibrated nothing."""
    frames, labels = flow.evaluation_set(case.network, data)
    if labels is None:
        return None
    every = flow.accuracy(quantized, frames, labels)
    found = {"float": every.real, "integer": every.quantized, "frames": every.images}
    shared = flow.calibration_overlap(case.network)
    if shared:
        others = flow.accuracy(quantized, frames[shared:], labels[shared:])
        found |= {"integer_uncalibrated": others.quantized, "uncalibrated": others.images}
    return found


def _simulate(case: Case, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    frames, labels = flow.evaluation_set(case.network, arguments.data)
    frames = frames[: arguments.simulate]
    labels = None if labels is None else labels[: arguments.simulate]
    with Progress(transient=True) as bar:
        task = bar.add_task(case.name, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        run = simulate_rtl(open_build(folder), frames, labels, default_cache(), advance)
    return {
        "frames": run.images,
        "mismatches": run.mismatches,
        "accuracy": run.accuracy,
        "interval": run.interval,
        "latency": run.latency,
    }


def _synthesize(folder: Path) -> dict[str, float]:
    """Cells of all units and of the shell."""
    with Progress(transient=True) as bar:
        task = bar.add_task("Yosys", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        cells = synthesize_units(open_build(folder), default_cache(), advance)
    return _cells(sum(cells.values(), Resources()))


def lines(case: Case, found: Figures) -> Iterator[str]:
    """What is printed of a case."""
    clock = boards.get(BOARD).clock_mhz * 1e6

    def rates(interval: float, latency: int) -> str:
        text = f"latency {latency:,} clocks = {clock / latency:,.0f} inf/s"
        if interval:
            text += f"; interval {interval:,.0f} clocks = {clock / interval:,.0f} inf/s"
        return text

    yield f"[bold]{case.name}[/bold]  {found.build_seconds:g} s to build"
    yield f"  planned      {rates(found.interval, found.latency)}"
    if found.simulated:
        run = found.simulated
        yield f"  RTL          {rates(run['interval'], run['latency'])}"
        yield f"               {run['mismatches']} mismatches in {run['frames']:,} frames"
    yield f"  compare      {_comparison(case)}"
    yield f"  bottleneck   {found.bottleneck}, utilization {found.utilization:.1%}"
    for what, cells in (("predicted", found.predicted), ("Yosys", found.synthesized)):
        if cells:
            yield f"  {what:12} " + ", ".join(f"{value:,.0f} {n}" for n, value in cells.items())
    if found.accuracy:
        shares = (f"{n} {v:.2%}" if v <= 1 else f"{n} {v:,}" for n, v in found.accuracy.items())
        yield f"  accuracy     {', '.join(shares)}"


def _comparison(case: Case) -> str:
    kind = "single stream" if case.objective == "latency" else "pipelined"
    parts = [f"published record {case.record:,.0f} inf/s single stream"] if case.record else []
    parts += [f"goal {case.goal:,.0f} inf/s {kind}"] if case.goal else []
    return ", ".join(parts) or "none published on this chip"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    parser.add_argument("--simulate", type=int, default=0, metavar="N", help="frames through RTL")
    parser.add_argument("--synth", action="store_true", help="count cells with Yosys")
    parser.add_argument("--accuracy", action="store_true", help="of the golden model")
    parser.add_argument("--data", type=Path, help="data folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console = Console(width=120, highlight=False)
    unknown = set(arguments.cases) - {case.name for case in CASES}
    if unknown or arguments.list:
        console.print(f"cases: {', '.join(case.name for case in CASES)}")
        raise SystemExit(2 if unknown else 0)
    results = []
    for case in CASES:
        if not arguments.cases or case.name in arguments.cases:
            found = measure(case, arguments)
            results.append(asdict(found))
            for line in lines(case, found):
                console.print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
