"""Charts as SVG text, drawn by Vega without a browser or network.

Colours are CSS variables of the page that embeds them, so one picture serves light and dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import altair as alt

WIDTH = 420
_LABEL_LIMIT = 140
_INK, _MUTED, _LINE = "var(--ink)", "var(--muted)", "var(--line)"
_SERIES = ("var(--bar)", "var(--bar2)", "var(--bar3)", "var(--bar4)")
_ROW, _GROUPED_ROW = 22, 16
_LABEL_ROOM = 32
"""Pixels around points, for the labels of those at the edge."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `text` stands at its end, `series` picks its colour."""

    label: str
    value: float
    text: str
    series: str = ""


def bars(
    rows: Sequence[Bar], axis: str, mark: float | None = None, label_limit: int = _LABEL_LIMIT
) -> str:
    """Horizontal bars in the given order, grouped where several series share a label.

    `mark` draws a dashed line at a value of the axis; labels are cut at `label_limit` pixels.
    """
    series = list(dict.fromkeys(row.series for row in rows))
    labels = list(dict.fromkeys(row.label for row in rows))
    base = alt.Chart(alt.InlineData(values=[asdict(row) for row in rows])).encode(
        x=alt.X(
            "value:Q",
            title=axis,
            scale=_scale([row.value for row in rows], mark),
            axis=alt.Axis(tickCount=5, labelFlush=False),
        ),
        y=alt.Y("label:N", title=None, sort=labels, axis=_label_axis(label_limit)),
    )
    if len(series) > 1:
        base = base.encode(yOffset=alt.YOffset("series:N", sort=series))
    layers: list[alt.Chart] = [
        base.mark_bar().encode(color=_series_colour(series)),
        base.mark_text(align="left", dx=4, fill=_INK, fontSize=11).encode(text="text:N"),
    ]
    if mark is not None:
        layers.append(_rule(mark))
    height = len(labels) * max(_ROW, _GROUPED_ROW * len(series))
    return _svg(alt.LayerChart(layer=layers), WIDTH, height)


def histogram(counts: Sequence[tuple[str, int]]) -> str:
    """Columns of each label's share of all counts, in the given order."""
    total = sum(count for _, count in counts) or 1
    values = [
        {"label": label, "share": count / total, "text": f"{100 * count / total:.0f}"}
        for label, count in counts
    ]
    top = max([count / total for _, count in counts] + [0.01])
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "label:N",
            title=None,
            sort=[label for label, _ in counts],
            axis=alt.Axis(labelAngle=0, ticks=False, labelPadding=5),
        ),
        y=alt.Y("share:Q", axis=None, scale=alt.Scale(domain=[0, 1.15 * top], nice=False)),
    )
    layers: list[alt.Chart] = [
        base.mark_bar(fill=_SERIES[0]),
        base.mark_text(dy=-6, fill=_MUTED, fontSize=11).encode(text="text:N"),
    ]
    return _svg(alt.LayerChart(layer=layers), 180, 105)


@dataclass(frozen=True, slots=True)
class Point:
    """A point of one of at most four series; `label` stands beside it."""

    x: float
    y: float
    series: str
    label: str = ""


def points(rows: Sequence[Point], x: str, y: str) -> str:
    """Points over two axes, which need not begin at 0; `x` and `y` are the axes' titles."""
    chart = _points(rows, x, y, alt.Scale(zero=False))
    layers: list[alt.Chart] = [chart.mark_point(filled=True, size=50)]
    if any(row.label for row in rows):
        text = chart.mark_text(align="left", dx=6, fontSize=11).encode(text="label:N")
        layers.append(text)
    return _svg(alt.LayerChart(layer=layers), WIDTH, 240)


def labelled(rows: Sequence[Point], x: str, y: str) -> str:
    """Points with labels aslant, which near neighbours leave readable, and room for the last."""
    place = alt.Scale(zero=False, padding=_LABEL_ROOM, nice=False)
    chart = _points(rows, x, y, place).encode(
        x=alt.X("x:Q", title=x, scale=place, axis=alt.Axis(tickCount=5)),
        y=alt.Y("y:Q", title=y, scale=place, axis=alt.Axis(tickCount=5)),
    )
    text = chart.mark_text(align="left", angle=315, dx=7, dy=-3, fontSize=11)
    layers: list[alt.Chart] = [
        chart.mark_point(filled=True, size=50, opacity=1),
        text.encode(text="label:N"),
    ]
    return _svg(alt.LayerChart(layer=layers), WIDTH, 240)


def lines(rows: Sequence[Point], x: str, y: str) -> str:
    """A line a series through its points, over powers of two on the axis `x`."""
    places = sorted({row.x for row in rows})
    low, high = places[0] / 1.1, places[-1] * 1.1
    scale = alt.Scale(type="log", base=2, domain=[low, high], nice=False)
    chart = _points(rows, x, y, scale, places)
    dots = chart.mark_point(filled=True, size=50, opacity=1)
    layers: list[alt.Chart] = [chart.mark_line(), dots]
    return _svg(alt.LayerChart(layer=layers), WIDTH, 240)


def _points(
    rows: Sequence[Point], x: str, y: str, scale: alt.Scale, ticks: Sequence[float] | None = None
) -> alt.Chart:
    series = list(dict.fromkeys(row.series for row in rows))
    axis = alt.Axis(values=list(ticks), format="d") if ticks else alt.Axis()
    chart: alt.Chart = alt.Chart(alt.InlineData(values=[asdict(row) for row in rows])).encode(
        x=alt.X("x:Q", title=x, scale=scale, axis=axis),
        y=alt.Y("y:Q", title=y, scale=alt.Scale(zero=False)),
        color=_series_colour(series),
    )
    return chart


def standalone(drawn: str) -> str:
    """A chart for a file of its own: with the report's colours on paper in place of variables."""
    style = (resources.files("shiftloom.templates") / "report" / "report.css").read_text("utf-8")
    for name, colour in re.findall(r"--(\w+): (#\w{6});", style.split("@media")[0]):
        drawn = drawn.replace(f"var(--{name})", colour)
    return drawn


def _scale(values: Sequence[float], mark: float | None) -> alt.Scale:
    """From 0, or the least value below; the longest bar leaves room for its text."""
    top = max(*values, mark or 0, 0)
    low = min(*values, 0)
    return alt.Scale(domain=[low, low + (1.25 * (top - low) or 1)], nice=False)


def _series_colour(series: list[str]) -> alt.Color:
    colours = list(_SERIES[: len(series)])
    legend = alt.Legend(title=None, orient="top") if len(series) > 1 else None
    return alt.Color("series:N", scale=alt.Scale(domain=series, range=colours), legend=legend)


def _rule(at: float) -> alt.Chart:
    chart = alt.Chart(alt.InlineData(values=[{"at": at}]))
    marked: alt.Chart = chart.mark_rule(
        stroke="var(--mark)", strokeDash=[5, 3], strokeWidth=1.5
    ).encode(x="at:Q")
    return marked


def _label_axis(limit: int) -> alt.Axis:
    return alt.Axis(labelLimit=limit, ticks=False, domain=False, labelPadding=6)


def _svg(chart: alt.LayerChart, width: int, height: int) -> str:
    """The chart at `width` × `height` pixels, its labels inside the width."""
    axis: dict[str, Any] = {
        "labelColor": _INK,
        "titleColor": _MUTED,
        "gridColor": _LINE,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    }
    styled = chart.properties(
        width=width,
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        padding=4,
    ).configure(
        background="transparent",
        font="Liberation Sans",
        axis=alt.AxisConfig(**axis),
        legend=alt.LegendConfig(
            labelColor=_INK, labelFontSize=12, symbolType="square", symbolOpacity=1
        ),
        view=alt.ViewConfig(stroke=None),
    )
    text = io.StringIO()
    styled.save(text, format="svg")
    return text.getvalue()
