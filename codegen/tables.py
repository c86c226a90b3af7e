"""Tables for the console, from the same rows as the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from shiftloom.codegen import grids
from shiftloom.codegen.boards import Board
from shiftloom.codegen.coding.container import Found
from shiftloom.codegen.coding.sizes import LayerSize
from shiftloom.codegen.grids import Grid
from shiftloom.codegen.mixed.outcome import LayerChoice, Measured
from shiftloom.codegen.profile import LayerProfile
from shiftloom.codegen.report import (
    AccuracyRow,
    Change,
    FifoRow,
    Figure,
    LayerChange,
    LoopNest,
    UnitRow,
)


def figures_table(rows: Iterable[Figure]) -> Table:
    """Key figures."""
    return grid_table(grids.figures_grid(rows))


def accuracy_table(rows: Iterable[AccuracyRow]) -> Table:
    """Accuracy and mismatches of each stage."""
    return grid_table(grids.accuracy_grid(rows))


def units_table(rows: Iterable[UnitRow]) -> Table:
    """Folding, clocks and cells of each unit."""
    return grid_table(grids.units_grid(rows))


def profile_table(rows: Iterable[LayerProfile]) -> Table:
    """Integer network against the float network."""
    return grid_table(grids.profile_grid(rows))


def fifos_table(rows: Iterable[FifoRow]) -> Table:
    """Depths and widths of the FIFOs."""
    return grid_table(grids.fifos_grid(rows))


def nests_table(rows: Iterable[LoopNest]) -> Table:
    """The loops of each layer as the hardware runs them."""
    return grid_table(grids.nests_grid(rows))


def sizes_table(layers: tuple[LayerSize, ...]) -> Table:
    """Bits and bytes of the layers in a compressed file."""
    return grid_table(grids.sizes_grid(layers))


def records_table(records: Sequence[Found], layers: Sequence[LayerSize]) -> Table:
    """The records of a compressed file, and whether they are whole."""
    return grid_table(grids.records_grid(records, layers))


def layer_changes_table(rows: Iterable[LayerChange]) -> Table:
    """Each layer before and after pruning."""
    return grid_table(grids.layer_changes_grid(rows))


def changes_table(rows: Iterable[Change]) -> Table:
    """The whole network before and after pruning."""
    return grid_table(grids.changes_grid(rows))


def choices_table(rows: Sequence[LayerChoice], unit: str) -> Table:
    """Damage of the candidates in each layer, and the choice."""
    return grid_table(grids.choices_grid(rows, unit))


def measured_table(rows: Sequence[Measured], unit: str) -> Table:
    """The networks that a search compares."""
    return grid_table(grids.measured_grid(rows, unit))


def boards_table(boards: Iterable[Board]) -> Table:
    """The boards that can be targeted."""
    return grid_table(grids.boards_grid(boards))


def tools_table(tools: Iterable[grids.ToolRow]) -> Table:
    """The external tools and what is missing."""
    return grid_table(grids.tools_grid(tools))


def grid_table(grid: Grid) -> Table:
    """Cells as literal text: rich markup in a name is shown, never obeyed."""
    table = Table(
        title=grid.title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for index, column in enumerate(grid.columns):
        table.add_column(
            column.title,
            justify="right" if column.numeric else "left",
            style="bold" if index == 0 else "",
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
