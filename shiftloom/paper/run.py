"""The experiments by name, and what a run writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from shiftloom.codegen import fileset
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import FileSet
from shiftloom.codegen.values import nearest
from shiftloom.paper.bench import NETWORKS, Bar, Bench
from shiftloom.paper.published import SOURCE
from shiftloom.paper.result import Result, csv_bytes

PAGE, DATA = "paper.html", "paper.json"


@dataclass(frozen=True)
class Request:
    """What to run: test images at most, `weights` for Fig. 11, whether classifiers are trained."""

    data: Path | None = None
    images: int | None = None
    weights: Path | None = None
    tuning: bool = True


Experiment = Callable[[Request, Sequence[Bench], Bar], Result]


def _savings(request: Request, benches: Sequence[Bench], bar: Bar) -> Result:
    from shiftloom.paper import savings

    return savings.run(benches, bar)


def _table3(request: Request, benches: Sequence[Bench], bar: Bar) -> Result:
    from shiftloom.paper import table3

    return table3.run(benches, bar, request.tuning)


def _levels(request: Request, benches: Sequence[Bench], bar: Bar) -> Result:
    from shiftloom.paper import levels

    return levels.run(benches, bar)


def _vectors(request: Request, benches: Sequence[Bench], bar: Bar) -> Result:
    from shiftloom.paper import vectors

    return vectors.run(benches, bar)


def _digits(request: Request, benches: Sequence[Bench], bar: Bar) -> Result:
    from shiftloom.paper import digits

    return digits.run(request.weights, request.data, bar)


EXPERIMENTS: dict[str, Experiment] = {
    "savings": _savings,
    "digits": _digits,
    "table3": _table3,
    "levels": _levels,
    "vectors": _vectors,
}


def check(names: Sequence[str], request: Request) -> tuple[str, ...]:
    """The experiments to run, all of them without names, in their order.

    Raises ShiftloomError for a name that is not known, for a weights file that no experiment
    reads, and where the extras are not installed that draw and that load the networks.
    """
    for name in names:
        if name not in EXPERIMENTS:
            raise ShiftloomError(f"experiment {name!r}", "is not known", nearest(name, EXPERIMENTS))
    if request.weights is not None and names and "digits" not in names:
        raise ShiftloomError(
            f"--weights {request.weights}", "is read by the experiment digits", "add it"
        )
    for module, extra in (("altair", "report"), ("torch", "torch")):
        if find_spec(module) is None:
            raise ShiftloomError(
                "shiftloom paper", f"needs {module}", f"pip install 'shiftloom[{extra}]'"
            )
    return tuple(name for name in EXPERIMENTS if not names or name in names)


def run(names: Sequence[str], request: Request, bar: Bar) -> tuple[Result, ...]:
    """The results of the experiments named, of all without names."""
    benches = [Bench(network, request.data, request.images) for network in NETWORKS]
    return tuple(EXPERIMENTS[name](request, benches, bar) for name in check(names, request))


def data(results: Sequence[Result]) -> dict[str, Any]:
    """All results as plain data."""
    return {
        "source": SOURCE,
        "experiments": {result.name: result.data() for result in results},
    }


def files(results: Sequence[Result]) -> FileSet:
    """What a run writes: the page, the data, a CSV file of each kind of rows, the plots."""
    from shiftloom.codegen import charts
    from shiftloom.paper.page import render_page

    made = {PAGE: render_page(results).encode(), DATA: fileset.json_bytes(data(results))}
    for result in results:
        made |= {f"{name}.csv": csv_bytes(rows) for name, rows in result.rows.items()}
        for plot in result.plots:
            made[f"plots/{plot.name}.svg"] = charts.standalone(plot.svg).encode()
    return fileset.with_manifest(made)
