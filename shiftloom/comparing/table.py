"""The comparison as a table, as plain data, and as a plot of each measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shiftloom.codegen import fileset
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.fileset import FileSet
from shiftloom.codegen.grids import NONE, Grid, grid, number, percent
from shiftloom.comparing.run import Measured, Row
from shiftloom.comparing.traffic import Traffic

DATA = "dataflows.json"
_CLOCKS = (
    "Network|Dataflow|#Multipliers|#Interval|#planned|#Latency|#planned|#Wrong|#Utilization|"
    "Refused because"
)
_CELLS = (
    "Network|Dataflow|#LUT|#FF|#DSP|#BRAM36|"
    "#DRAM bytes|#Weights|#Activations|#Partial sums|#Toggles"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that is plotted: its name, the title of its axis, and where it stands."""

    name: str
    title: str
    of: Callable[[Measured], float | None]
    text: Callable[[float], str] = number


MEASURES = (
    Measure("interval", "clocks between frames", lambda found: found.interval),
    Measure("latency", "clocks of a frame alone", lambda found: found.latency),
    Measure("utilization", "share of multipliers at work", lambda f: f.utilization, percent),
    Measure("lut", "LUTs by Yosys", lambda f: f.resources.lut if f.resources else None),
    Measure("ff", "flip-flops by Yosys", lambda f: f.resources.ff if f.resources else None),
    Measure("dram", "bytes of DRAM a frame", lambda found: found.dram_bytes),
    Measure("weights", "bits of weights read a frame", lambda f: f.traffic.weights),
    Measure("activations", "bits of activations read a frame", lambda f: f.traffic.activations),
    Measure("partial_sums", "bits of partial sums read a frame", lambda f: f.traffic.partial_sums),
    Measure("toggles", "bits that change a frame", lambda found: found.all_toggles),
)


def grids(rows: Sequence[Row]) -> tuple[Grid, Grid]:
    """Clocks, a line for each network and dataflow, and cells and what moves a frame, in bits."""
    used = ((row.network, row.dataflow, *_cells(row.found)) for row in rows if row.found)
    return (
        grid("Clocks", _CLOCKS, ((row.network, row.dataflow, *_clocks(row)) for row in rows)),
        grid("Cells, and bits a frame", _CELLS, used),
    )


def _clocks(row: Row) -> tuple[str, ...]:
    found = row.found
    if found is None:
        return (*[NONE] * 7, row.refusal)
    return (
        number(found.multipliers),
        number(found.interval, 1),
        number(found.planned_interval),
        number(found.latency),
        number(found.planned_latency),
        number(found.mismatches),
        percent(found.utilization),
        "",
    )


def _cells(found: Measured) -> tuple[str, ...]:
    cells = found.resources
    return (
        number(cells.lut if cells else None),
        number(cells.ff if cells else None),
        number(cells.dsp if cells else None),
        number(cells.bram36 if cells else None, 1),
        number(found.dram_bytes),
        number(found.traffic.weights),
        number(found.traffic.activations),
        number(found.traffic.partial_sums),
        number(found.all_toggles),
    )


def data(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Everything found, as plain data; `rows_of` reads it back."""
    return [_plain(row) for row in rows]


def _plain(row: Row) -> dict[str, Any]:
    if row.found is None:
        return asdict(row)
    found = asdict(row.found) | {
        "utilization": row.found.utilization,
        "all_toggles": row.found.all_toggles,
    }
    return asdict(row) | {"found": found}


def rows_of(plain: Iterable[dict[str, Any]]) -> tuple[Row, ...]:
    """The rows that `data` made this of."""
    return tuple(_row(each) for each in plain)


def _row(plain: dict[str, Any]) -> Row:
    if plain["found"] is None:
        return Row(**plain)
    found = {name: plain["found"][name] for name in Measured.__dataclass_fields__}
    cells = found["resources"]
    found["resources"] = None if cells is None else Resources(**cells)
    found["traffic"] = Traffic(**found["traffic"])
    return Row(**plain | {"found": Measured(**found)})


def plots(rows: Sequence[Row]) -> dict[str, str]:
    """A chart of each measure as SVG, by its name; measures of which nothing is known have none."""
    from shiftloom.codegen import charts

    drawn = {}
    for measure in MEASURES:
        values = [
            (row, value)
            for row in rows
            if row.found and (value := measure.of(row.found)) is not None
        ]
        bars = [charts.Bar(r.network, v, measure.text(v), r.dataflow) for r, v in values]
        if bars:
            drawn[measure.name] = charts.standalone(charts.bars(bars, measure.title))
    return drawn


def files(rows: Sequence[Row]) -> FileSet:
    """What a comparison writes: the data and the plots."""
    made = {DATA: fileset.json_bytes(data(rows))}
    for name, drawn in plots(rows).items():
        made[f"plots/{name}.svg"] = drawn.encode()
    return fileset.with_manifest(made)
