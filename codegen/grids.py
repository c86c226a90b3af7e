"""Tables as plain text cells, each written once and shown by the console and by the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shiftloom.codegen.boards import Board
from shiftloom.codegen.coding.container import Found
from shiftloom.codegen.coding.sizes import LayerSize, total
from shiftloom.codegen.mixed.outcome import LayerChoice, Measured
from shiftloom.codegen.profile import LayerProfile
from shiftloom.codegen.report import (
    AccuracyRow,
    Change,
    FifoRow,
    Figure,
    LayerChange,
    LayerRow,
    LoopNest,
    UnitRow,
)

NONE = "–"
"""Shown where there is no number."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; numbers are set flush right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A titled table of text; each row has a cell a column, the first names the row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def printable(text: str) -> str:
    """`text` with control and direction characters replaced: a model's names are untrusted."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def number(value: float | None, digits: int = 0) -> str:
    """1234.5 as "1,234" (half to even), 2.50 with at most `digits` decimals; a dash for None."""
    if value is None:
        return NONE
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def percent(share: float | None, digits: int = 1) -> str:
    """0.5 as "50.0 %", a dash for None."""
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def decibel(value: float) -> str:
    """22.17 as "22.2 dB"; "exact" where nothing differs."""
    if math.isinf(value):
        return "exact" if value > 0 else "no signal"
    return f"{value:.1f} dB".replace("-", "−")


def scientific(value: float) -> str:
    """0.00123 as "1.23e−03"."""
    return f"{value:.2e}".replace("-", "−")


def shape_text(shape: tuple[int, ...]) -> str:
    """(28, 28, 6) as "28 × 28 × 6"."""
    return " × ".join(map(str, shape))


def grid(title: str, columns: str, rows: Iterable[tuple[str, ...]]) -> Grid:
    """`columns` are titles split by "|", "#" before those of numbers."""
    heads = tuple(Column(c.removeprefix("#"), c.startswith("#")) for c in columns.split("|"))
    return Grid(title, heads, tuple(tuple(map(printable, row)) for row in rows))


def figures_grid(rows: Iterable[Figure]) -> Grid:
    """Key figures with their notes."""
    return grid(
        "Key figures", "Figure|#Value|Note", ((row.label, row.value, row.note) for row in rows)
    )


def accuracy_grid(rows: Iterable[AccuracyRow]) -> Grid:
    """Accuracy of each stage, and its outputs unlike the golden model's."""
    cells = (
        (row.stage, percent(row.accuracy, 2), number(row.images), number(row.mismatches))
        for row in rows
    )
    return grid("Accuracy", "Stage|#Accuracy|#Images|#Mismatches", cells)


def layers_grid(rows: Iterable[LayerRow]) -> Grid:
    """The float network's layers."""
    cells = (
        (
            row.name,
            row.operator,
            shape_text(row.shape),
            number(row.weights or None),
            number(row.weight_bits if row.weights else None),
            row.activations or NONE,
        )
        for row in rows
    )
    return grid("Layers", "Layer|Operator|Output|#Weights|#Bits|Activations", cells)


def units_grid(rows: Iterable[UnitRow]) -> Grid:
    """Folding, clocks and cells of each unit."""
    cells = (
        (
            row.name,
            row.kind,
            row.folding or NONE,
            number(row.cycles),
            percent(row.utilization),
            number(row.lut),
            number(row.lut_synthesized),
            number(row.ff),
            number(row.dsp),
            number(row.bram36, 1),
        )
        for row in rows
    )
    titles = "Unit|Kind|Folding|#Clocks|#Busy|#LUT predicted|#LUT synthesized|#FF|#DSP|#BRAM36"
    return grid("Units", titles, cells)


def profile_grid(rows: Iterable[LayerProfile]) -> Grid:
    """How far the integers are from the float network."""
    cells = (
        (
            row.reference,
            row.type,
            decibel(row.sqnr_db),
            percent(row.saturation, 3),
            f"{row.low:,} … {row.high:,}".replace("-", "−"),
            f"{row.max_abs_error:.3g}",
        )
        for row in rows
    )
    titles = "Layer|Type|#SQNR|#Saturated|#Used range|#Largest error"
    return grid("Integer against float", titles, cells)


def fifos_grid(rows: Iterable[FifoRow]) -> Grid:
    """Depths and widths."""
    cells = (
        (row.name, number(row.depth), number(row.width), number(row.depth * row.width))
        for row in rows
    )
    return grid("FIFOs", "FIFO|#Depth|#Width (bits)|#Storage (bits)", cells)


def nests_grid(rows: Iterable[LoopNest]) -> Grid:
    """Loops of each layer, a row a line."""
    cells = (
        (row.layer if index == 0 else "", line)
        for row in rows
        for index, line in enumerate(row.text.splitlines())
    )
    return grid("Loops", "Layer|Loops, the outermost first", cells)


def sizes_grid(layers: tuple[LayerSize, ...]) -> Grid:
    """Bits of each weight in a compressed file, and the bytes of each layer."""
    cells = (
        (
            layer.name,
            number(layer.weights),
            percent(layer.zeros / layer.weights),
            *(
                f"{bits / layer.weights:.3f}"
                for bits in (layer.packed, layer.huffman, layer.entropy)
            ),
            number(layer.bytes),
            f"{layer.ratio:.2f}",
        )
        for layer in (*layers, total(layers))
        if layer.weights
    )
    heads = "Layer|#Weights|#Zeros|#Packed bits|#Huffman|#Entropy|#Bytes|#Ratio"
    return grid("Compressed weights", heads, cells)


def records_grid(records: Sequence[Found], layers: Sequence[LayerSize]) -> Grid:
    """The records of a compressed file; the codes of a layer also beside their entropy."""
    weights = {layer.name: layer for layer in layers}
    cells = []
    for found in records:
        layer = weights.get(found.name) if found.kind in ("weights", "shared") else None
        bits = (layer.huffman, layer.entropy) if layer else (None, None)
        state = "right" if found.is_whole else "wrong"
        own = (*(number(None if b is None else b / 8) for b in bits), number(found.bytes))
        cells.append((printable(found.name), found.kind, *own, state))
    heads = "Record|Kind|#Bytes of codes|#Their entropy|#Bytes|CRC-32"
    return grid("Records", heads, cells)


def changed(pair: tuple[str, str]) -> str:
    """("4", "2") as "4 → 2"; once where nothing changed."""
    before, after = pair
    return before if before == after else f"{before} → {after}"


def layer_changes_grid(rows: Iterable[LayerChange]) -> Grid:
    """Each layer before and after pruning."""
    cells = (
        (
            row.layer,
            *(
                changed((number(before), number(after)))
                for before, after in (row.filters, row.weights, row.zeros, row.products)
            ),
            changed((row.pe[0] or NONE, row.pe[1] or NONE)),
            *(
                changed((number(before), number(after)))
                for before, after in (row.adders, row.lut, row.dsp)
            ),
        )
        for row in rows
    )
    titles = "Layer|#Filters|#Weights|#Zeros|#Products|PE|#Adders|#LUT|#DSP"
    return grid("Layers before → after", titles, cells)


def changes_grid(rows: Iterable[Change]) -> Grid:
    """Figures of the whole network before and after pruning."""
    return grid(
        "Network", "Figure|#Before|#After", ((row.label, row.before, row.after) for row in rows)
    )


def choices_grid(rows: Sequence[LayerChoice], unit: str) -> Grid:
    """Damage of every candidate in every layer, and what was chosen."""
    cells = (
        (
            row.layer,
            number(row.weights),
            *(scientific(damage) for damage in row.damages.values()),
            row.choice or NONE,
            number(row.cost),
        )
        for row in rows
    )
    names = "|".join(f"#{name}" for name in rows[0].damages)
    return grid("Damage by candidate", f"Layer|#Weights|{names}|Choice|#{unit}", cells)


def measured_grid(rows: Sequence[Measured], unit: str) -> Grid:
    """Networks with a candidate chosen for every layer, side by side."""
    cells = (
        (
            row.name,
            number(row.cost),
            f"{row.code_bits:.3f}",
            scientific(row.damage),
            percent(row.accuracy, 2),
        )
        for row in rows
    )
    titles = f"Network|#{unit}|#Bits a code|#Damage|#Accuracy in integers"
    return grid("Networks", titles, cells)


class ToolRow(Protocol):
    """A tool as `shiftloom doctor` lists it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def found(self) -> bool:
        """Whether it was found."""

    @property
    def version(self) -> str:
        """Its version, empty if unknown."""

    @property
    def needed_for(self) -> str:
        """What does not work without it."""

    @property
    def install_hint(self) -> str:
        """What to install."""


def tools_grid(rows: Iterable[ToolRow]) -> Grid:
    """Which tools are found, and what to install for the others."""
    cells = (
        (
            row.name,
            "found" if row.found else "MISSING",
            row.version,
            row.needed_for,
            "" if row.found else row.install_hint,
        )
        for row in rows
    )
    return grid("Tools", "Tool|State|Version|Needed for|To install", cells)


def boards_grid(rows: Iterable[Board]) -> Grid:
    """The boards that can be targeted."""
    cells = (
        (
            row.name,
            row.title,
            row.part,
            f"{row.clock_mhz:g} MHz",
            number(row.lut),
            number(row.ff),
            number(row.dsp),
            number(row.bram36),
        )
        for row in rows
    )
    return grid("Boards", "Board|Title|Part|#Clock|#LUT|#FF|#DSP|#BRAM36", cells)
