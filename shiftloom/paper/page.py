"""The results as one page of HTML that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from shiftloom.codegen.build import VERSION
from shiftloom.codegen.grids import Grid, printable
from shiftloom.codegen.render import render
from shiftloom.codegen.report_page import Picture
from shiftloom.paper.published import SOURCE
from shiftloom.paper.result import Plot, Result, claims_grid


@dataclass(frozen=True, slots=True)
class Section:
    """One experiment, as the template places it."""

    name: str
    title: str
    about: str
    absent: tuple[str, ...]
    pictures: tuple[Picture, ...]
    grids: tuple[Grid, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The template's names."""

    title: str
    source: str
    claims: Grid
    sections: tuple[Section, ...]
    footer: str


def render_page(results: Sequence[Result]) -> str:
    """The HTML text of the results."""
    page = Page(
        "The paper's experiments",
        SOURCE,
        claims_grid([each for result in results for each in result.claims]),
        tuple(_section(result) for result in results),
        f"Shiftloom {VERSION}",
    )
    return render("report/paper.html.j2", page)


def _section(result: Result) -> Section:
    return Section(
        result.name,
        result.title,
        result.about,
        tuple(map(printable, result.absent)),
        tuple(_picture(plot) for plot in result.plots),
        result.grids,
    )


def _picture(plot: Plot) -> Picture:
    return Picture(plot.title, plot.caption, plot.summary, Markup(plot.svg))
