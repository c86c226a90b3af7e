"""A sweep of the quality as tables, as plain data, and as plots of accuracy against its price."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shiftloom.codegen.grids import NONE, Grid, grid, number, percent
from shiftloom.energy.products import Products
from shiftloom.energy.sweep import Hardware, Point

_SWEEP = (
    "Quality|#Accuracy|#Digits a product|#of activations ≠ 0|"
    "#Toggles a frame|#nJ a frame|#HLS wrong|#RTL wrong"
)
_ACCURACY = "accuracy (%)"


@dataclass(frozen=True, slots=True)
class Price:
    """What accuracy is drawn against: the name of the file, the axis, and where it stands."""

    name: str
    title: str
    of: Callable[[Point], float | None]


PRICES = (
    Price("products", "partial products a multiplication", lambda point: point.active),
    Price(
        "toggles",
        "bits that change a frame, in thousands",
        lambda point: point.hardware.all_toggles / 1000 if point.hardware else None,
    ),
    Price("energy", "nJ a frame, by toggles", lambda point: point.nanojoule),
)


def sweep_grid(points: Sequence[Point]) -> Grid:
    """A line for each quality."""
    return grid("Quality", _SWEEP, map(_line, points))


def _line(point: Point) -> tuple[str, ...]:
    found = point.hardware
    wrong = (found.hls_mismatches, found.rtl_mismatches) if found else (None, None)
    return (
        point.label,
        percent(point.accuracy, 2),
        number(point.digits, 2),
        number(point.active, 2),
        number(found.all_toggles if found else None),
        number(point.nanojoule, 1),
        *map(number, wrong),
    )


def layer_grid(points: Sequence[Point]) -> Grid:
    """Digits a product of each layer, a column for each quality."""
    heads = "|".join(["Layer", "Operand", "#Products a frame", *(f"#{p.label}" for p in points)])
    names = dict.fromkeys(layer.node for point in points for layer in point.layers)
    return grid("Digits a product", heads, (_layer_line(points, name) for name in names))


def _layer_line(points: Iterable[Point], name: str) -> tuple[str, ...]:
    found = [next((x for x in point.layers if x.node == name), None) for point in points]
    known = next(layer for layer in found if layer is not None)
    cells = (number(layer.digits, 2) if layer else NONE for layer in found)
    return (name, known.operand, number(known.products), *cells)


def data(points: Iterable[Point]) -> list[dict[str, Any]]:
    """Everything found, as plain data."""
    return [
        asdict(point)
        | {
            "nanojoule": point.nanojoule,
            "all_toggles": point.hardware.all_toggles if point.hardware else None,
        }
        for point in points
    ]


def points_of(plain: Iterable[dict[str, Any]]) -> tuple[Point, ...]:
    """The points that `data` made this of."""
    return tuple(map(_point, plain))


def _point(plain: dict[str, Any]) -> Point:
    found = {name: plain[name] for name in Point.__dataclass_fields__}
    found["layers"] = tuple(Products(**layer) for layer in found["layers"])
    hardware = found["hardware"]
    found["hardware"] = None if hardware is None else Hardware(**hardware)
    return Point(**found)


def plots(points: Sequence[Point]) -> dict[str, str]:
    """Accuracy against each price as SVG, by its name; none of prices that are not known."""
    from shiftloom.codegen import charts

    drawn = {}
    for price in PRICES:
        marks = [
            charts.Point(value, 100 * point.accuracy, "quality", point.label)
            for point in points
            if point.accuracy is not None and (value := price.of(point)) is not None
        ]
        if marks:
            picture = charts.labelled(marks, price.title, _ACCURACY)
            drawn[price.name] = charts.standalone(picture)
    return drawn
