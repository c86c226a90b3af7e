"""Toggles of multipliers as tables: layer by layer, and of all of a network's products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shiftloom.codegen.grids import NONE, Grid, grid, number, percent
from shiftloom.energy.blocks import BEFORE, GATED, PLAIN, SHIFT
from shiftloom.energy.constants import CONSTANTS, PAPER_WORD, TOGGLE
from shiftloom.energy.designs import DesignRow
from shiftloom.energy.dram import Dram
from shiftloom.energy.multipliers import NO_QUALITY, Row

ALL_LAYERS = "all"


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the tables."""

    block: str
    quality: int


BASE = Key(PLAIN.name, NO_QUALITY)
"""What all others are compared with."""
CHOSEN = (PLAIN.name, GATED.name, "CSD, gate product", BEFORE.name, SHIFT.name)
"""Blocks among which a designer would choose."""


def change(value: float, base: float) -> str:
    """−25 % of a base; +0 % of itself."""
    return f"{100 * (value / base - 1):+.0f} %".replace("-", "−")


def whole(rows: Iterable[Row], weights: Mapping[str, int]) -> dict[Key, Row]:
    """Of each block and quality the mean over the layers, weighed by their products a frame."""
    grouped: dict[Key, list[Row]] = {}
    for row in rows:
        if row.layer in weights:
            grouped.setdefault(Key(row.block, row.quality), []).append(row)
    return {key: _mean(found, weights) for key, found in grouped.items()}


def _mean(rows: Sequence[Row], weights: Mapping[str, int]) -> Row:
    total = sum(weights[row.layer] for row in rows)

    def of(field: str) -> float:
        return sum(weights[row.layer] * float(getattr(row, field)) for row in rows) / total

    first, fields = rows[0], ("settled", "toggles", "pins", "enabled")
    cells = first.block, first.quality, first.lut, first.ff
    return Row(ALL_LAYERS, *cells, *map(of, fields))


def whole_grid(rows: Mapping[Key, Row]) -> Grid:
    """Toggles a product over the whole network, and how much more or less than those of `*`."""
    heads = "Multiplier|#K|#LUT|#FF|#Settled|#|#With glitches|#|#At pins|#|#Registers loaded"
    return grid("Toggles a product", heads, (_line(row, rows[BASE]) for row in rows.values()))


def _line(row: Row, base: Row) -> tuple[str, ...]:
    pairs = (
        (row.settled, base.settled),
        (row.toggles, base.toggles),
        (row.pins, base.pins),
    )
    cells = (text for value, other in pairs for text in (f"{value:.1f}", change(value, other)))
    loaded = f"{100 * row.enabled:.0f} %"
    return (row.block, _k(row.quality), number(row.lut), number(row.ff), *cells, loaded)


def layers_grid(rows: Sequence[Row]) -> Grid:
    """Toggles a product with glitches, of each layer, against those of `*` there."""
    names = tuple(dict.fromkeys(row.layer for row in rows))
    found = {(row.layer, Key(row.block, row.quality)): row.toggles for row in rows}
    heads = "|".join(["Multiplier", "#K", *(f"#{name}" for name in names)])
    keys = dict.fromkeys(Key(row.block, row.quality) for row in rows)
    lines = (
        (key.block, _k(key.quality), *(_against(found, name, key) for name in names))
        for key in keys
    )
    return grid("Toggles of each layer", heads, lines)


def _against(found: Mapping[tuple[str, Key], float], name: str, key: Key) -> str:
    known = found.get((name, key))
    return NONE if known is None else change(known, found[name, BASE])


def _k(quality: int) -> str:
    return number(None if quality == NO_QUALITY else quality)


def chosen_grid(rows: Mapping[Key, Row], accuracy: Mapping[str, float]) -> Grid:
    """Accuracy against toggles and energy of a product, for the arrangements worth a choice.

    `accuracy` is by K as text, and by the name of a block without K; exact weights have that of
    the largest K.
    """
    heads = "Multiplier|#K|#Accuracy|#Toggles|#pJ|#against `*`|#against `*`, gated"
    exact = accuracy[str(max(key.quality for key in rows))]
    gated = rows[Key(GATED.name, NO_QUALITY)].toggles
    lines = (
        (
            key.block,
            _k(key.quality),
            percent(accuracy.get(str(key.quality), accuracy.get(key.block, exact)), 2),
            f"{row.toggles:.1f}",
            f"{row.toggles * TOGGLE.picojoule:.2f}",
            change(row.toggles, rows[BASE].toggles),
            change(row.toggles, gated),
        )
        for key, row in rows.items()
        if key.block in CHOSEN
    )
    return grid("Arrangements", heads, lines)


def dram_grid(found: Iterable[Dram]) -> Grid:
    """Bytes and energy of a frame, by the equations and by counted beats."""
    heads = "Weights|#Float, eq. 11|#Stored, eq. 12|#Saved|#Counted a frame|#µJ|#µJ, the paper's"
    lines = (
        (
            each.name,
            number(each.float_bytes),
            number(each.weight_bytes),
            percent(1 - each.weight_bytes / each.float_bytes),
            number(each.counted_bytes),
            f"{each.nanojoule() / 1000:.1f}",
            f"{each.nanojoule(PAPER_WORD.picojoule) / 1000:.1f}",
        )
        for each in found
    )
    return grid("DRAM", heads, lines)


def designs_grid(found: Iterable[DesignRow], products: Mapping[str, int]) -> Grid:
    """Toggles a product of each layer's matrix unit, and all toggles of a frame."""
    every = tuple(found)
    names = tuple(every[0].matrices)
    heads = "|".join(["PE", *(f"#{name}" for name in names), "#Design, a frame"])
    lines = (
        (
            row.name,
            *(f"{row.matrices[name] / products[name]:.1f}" for name in names),
            number(row.design),
        )
        for row in every
    )
    return grid("Toggles of designs", heads, lines)


def constants_grid() -> Grid:
    """Every constant with its source."""
    lines = ((each.name, f"{each.picojoule:g}", each.source) for each in CONSTANTS)
    return grid("Constants", "Event|#pJ|Source", lines)
