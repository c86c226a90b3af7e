"""The page of a report: rows become text and pictures, so that the template only places them.

`Markup` text is what Vega drew, which escapes the names in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from shiftloom.codegen import charts, grids
from shiftloom.codegen.charts import Bar
from shiftloom.codegen.grids import Grid, number, percent, printable
from shiftloom.codegen.profile import LayerProfile
from shiftloom.codegen.render import render
from shiftloom.codegen.report import CodeHistogram, LayerRow, ReportData, UnitRow

MOST_BARS = 16
"""Units in a chart; the smaller ones are left to the table."""
MOST_GROUPED_BARS = 12
"""The same where each unit has two bars."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its words: `summary` tells what it shows to those who do not see it."""

    title: str
    caption: str
    summary: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class LayerCard:
    """A float layer in the flow diagram."""

    name: str
    operator: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitCard:
    """A unit in the flow diagram; `busy` is a CSS percentage, `stream` labels its output arrow.

    `name` may break after an underscore.
    """

    name: Markup
    kind: str
    folding: str
    clocks: str
    busy: str
    paces: bool
    stream: str
    stream_bits: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers of the network and the units that compute them."""

    layers: tuple[LayerCard, ...]
    units: tuple[UnitCard, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Text behind a title that opens on a click."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The template's names."""

    title: str
    network: str
    target: str
    figures: Grid
    accuracy: Grid
    layers: Grid
    units: Grid
    profile: Grid
    fifos: Grid
    stages: tuple[Stage, ...]
    costs: tuple[Picture, ...]
    codes: tuple[Picture, ...]
    profile_charts: tuple[Picture, ...]
    loops: tuple[Fold, ...]
    limits: tuple[str, ...]
    footer: str


def render_page(data: ReportData) -> str:
    """The HTML text of `data`."""
    page = Page(
        title=printable(data.title),
        network=printable(data.network),
        target=printable(f"{data.board} ({data.part}) at {data.clock_mhz:g} MHz"),
        figures=grids.figures_grid(data.figures),
        accuracy=grids.accuracy_grid(data.accuracy),
        layers=grids.layers_grid(data.layers),
        units=grids.units_grid(data.units),
        profile=grids.profile_grid(data.profile),
        fifos=grids.fifos_grid(data.fifos),
        stages=_stages(data),
        costs=(_cycles(data), _luts(data.units)) if data.units else (),
        codes=tuple(_histogram(codes) for codes in data.codes),
        profile_charts=(_sqnr(data.profile),) if data.profile else (),
        loops=tuple(Fold(printable(nest.layer), _paragraphs(nest.text)) for nest in data.loops),
        limits=tuple(filter(None, _paragraphs(data.limits).split("\n"))),
        footer=printable(data.footer),
    )
    return render("report/report.html.j2", page)


def _paragraphs(text: str) -> str:
    return "\n".join(printable(line.rstrip()) for line in text.split("\n"))


def _stages(data: ReportData) -> tuple[Stage, ...]:
    """Units under their layer; a layer without units joins the stage before it, or starts alone."""
    units: dict[str, list[UnitCard]] = {}
    pace = max((unit.cycles for unit in data.units), default=0)
    for unit in data.units:
        units.setdefault(unit.layer, []).append(_unit_card(unit, pace))
    layers: dict[str, list[LayerCard]] = {name: [] for name in units}
    current = ""
    for layer in data.layers:
        if layer.name in units or not current:
            current = layer.name
        layers.setdefault(current, []).append(_layer_card(layer))
    for name, cards in layers.items():
        if not cards:
            cards.append(LayerCard(printable(name), "", ()))
    order = sorted(layers, key=lambda name: name in units)
    return tuple(Stage(tuple(layers[name]), tuple(units.get(name, ()))) for name in order)


def _layer_card(layer: LayerRow) -> LayerCard:
    details = [grids.shape_text(layer.shape)]
    if layer.weights:
        details.append(f"{number(layer.weights)} weights of {layer.weight_bits} bits")
    if layer.activations:
        details.append(f"makes {layer.activations}")
    return LayerCard(
        printable(layer.name), printable(layer.operator), tuple(map(printable, details))
    )


def _unit_card(unit: UnitRow, pace: int) -> UnitCard:
    return UnitCard(
        Markup("_<wbr>").join(printable(unit.name).split("_")),
        printable(unit.kind),
        printable(unit.folding),
        f"{number(unit.cycles)} clocks",
        f"{100 * min(1.0, max(0.0, unit.utilization)):.1f}%",
        unit.cycles == pace,
        printable(unit.stream),
        f"{number(unit.stream_bits)} bit" if unit.stream_bits else "",
    )


def _cycles(data: ReportData) -> Picture:
    busiest = sorted(range(len(data.units)), key=lambda i: -data.units[i].cycles)[:MOST_BARS]
    shown = [data.units[i] for i in sorted(busiest)]
    rows = [Bar(printable(unit.name), unit.cycles, number(unit.cycles)) for unit in shown]
    return Picture(
        "Where the clocks go",
        f"Clocks a unit is busy per frame, in stream order. The dashed line is the frame interval, "
        f"{number(data.interval)} clocks.{_left_out(shown, data.units)}",
        "; ".join(f"{row.label} {row.text}" for row in rows),
        Markup(charts.bars(rows, "clocks a frame", data.interval)),
    )


def _luts(units: Sequence[UnitRow]) -> Picture:
    shown = sorted(units, key=lambda unit: -max(unit.lut, unit.lut_synthesized or 0))
    shown = shown[:MOST_GROUPED_BARS]
    rows = []
    for unit in shown:
        name = printable(unit.name)
        rows.append(Bar(name, unit.lut, number(unit.lut), "predicted"))
        if unit.lut_synthesized is not None:
            count = unit.lut_synthesized
            rows.append(Bar(name, count, number(count), "synthesized"))
    return Picture(
        "Where the LUTs go",
        f"{_lut_totals(units)}{_left_out(shown, units)}",
        "; ".join(f"{row.label} {row.text} {row.series}" for row in rows),
        Markup(charts.bars(rows, "LUTs")),
    )


def _lut_totals(units: Sequence[UnitRow]) -> str:
    known = [unit for unit in units if unit.lut_synthesized is not None]
    text = f"All units: {number(sum(unit.lut for unit in units))} LUTs predicted."
    if not known:
        return text
    predicted = sum(unit.lut for unit in known)
    found = sum(unit.lut_synthesized or 0 for unit in known)
    which = "" if len(known) == len(units) else f" (in the {len(known)} units synthesized)"
    error = f", predicted {100 * (predicted / found - 1):+.1f} %" if found else ""
    return f"{text} Synthesis finds {number(found)}{error}{which}.".replace("-", "−")


def _left_out(shown: Sequence[UnitRow], units: Sequence[UnitRow]) -> str:
    rest = len(units) - len(shown)
    return f" {rest} smaller units are in the table below." if rest else ""


def _histogram(row: CodeHistogram) -> Picture:
    codes = [(printable(code), count) for code, count in row.codes]
    total = sum(count for _, count in codes)
    shares = (f"{code}: {percent(count / total if total else 0)}" for code, count in codes)
    return Picture(
        printable(row.layer),
        f"{number(total)} weights",
        ", ".join(shares),
        Markup(charts.histogram(codes)),
    )


def _sqnr(rows: Sequence[LayerProfile]) -> Picture:
    finite = [row.sqnr_db for row in rows if abs(row.sqnr_db) != float("inf")]
    most = max([*finite, 1.0])
    drawn = [
        Bar(
            printable(row.reference),
            min(row.sqnr_db, most) if row.sqnr_db > 0 else max(row.sqnr_db, -most),
            grids.decibel(row.sqnr_db),
        )
        for row in rows
    ]
    return Picture(
        "Signal to quantization noise",
        "Integers against the float network, layer by layer: higher is closer. Errors of earlier "
        "layers are included.",
        "; ".join(f"{row.label} {row.text}" for row in drawn),
        Markup(charts.bars(drawn, "SQNR (dB)")),
    )
