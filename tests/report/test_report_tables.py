"""Console tables from the report's rows."""

from __future__ import annotations

import io

from report_data import sample
from rich.console import Console
from rich.table import Table

from shiftloom.codegen import boards, grids, tables
from shiftloom.codegen.report import Change, LayerChange, LoopNest

CHANGES = [
    LayerChange(
        "fc1",
        (8, 4),
        (1200, 1200),
        (0, 9),
        (1200, 1191),
        ("dsp", ""),
        (5, None),
        (70.4, None),
        (3, 3),
    )
]


def _shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_tables_show_every_row() -> None:
    data = sample()
    cases = [
        (tables.figures_table(data.figures), ["Clocks a frame", "800", "of 1,000", "4,321"]),
        (tables.accuracy_table(data.accuracy), ["RTL", "98.77 %", "9,999", "3", "not run", "–"]),
        (tables.units_table(data.units), ["fc1_matrix", "PE 8 × SIMD 10", "75.0 %", "3,456"]),
        (tables.profile_table(data.profile), ["relu1", "31.4 dB", "exact", "1.250 %", "−90 … 7"]),
        (tables.fifos_table(data.fifos), ["relu1_fifo", "17", "16", "272"]),
        (
            tables.layer_changes_table(CHANGES),
            ["fc1", "8 → 4", "1,200", "0 → 9", "dsp → –", "5 → –", "70 → –"],
        ),
        (tables.changes_table([Change("Clocks", "800", "400")]), ["Clocks", "800", "400"]),
        (
            tables.nests_table([LoopNest("conv", "for y in 3:\n  [parallel]")]),
            ["conv", "[parallel]"],
        ),
        (tables.boards_table([boards.get("pynq-z2")]), ["pynq-z2", "53,200", "125 MHz", "140"]),
    ]
    for table, words in cases:
        text = _shown(table)
        assert [word for word in words if word not in text] == []


def test_markup_and_escapes_in_names_are_literal() -> None:
    text = _shown(tables.fifos_table(sample("[red]\x1b[2J").fifos))
    assert "[red]\ufffd[2Jrelu1_fifo" in text


def test_numbers_as_text() -> None:
    assert grids.number(1234567) == "1,234,567"
    assert grids.number(2.50, 1) == "2.5"
    assert grids.number(100.0, 1) == "100"
    assert grids.number(None) == grids.percent(None) == "–"
    assert grids.percent(0.12345) == "12.3 %"
    assert grids.decibel(-3.0) == "−3.0 dB"
