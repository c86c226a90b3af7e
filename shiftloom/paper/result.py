"""What an experiment gives: rows for files, tables and pictures for people, verdicts."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from shiftloom.codegen.grids import Grid, grid
from shiftloom.paper.published import Claim

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: `name` of its file, its title, what it shows, in words too, and its SVG."""

    name: str
    title: str
    caption: str
    summary: str
    svg: str


@dataclass(frozen=True, slots=True)
class Result:
    """One experiment.

    `rows` are dataclasses by the name of their CSV file, `absent` says what was not measured, why.
    """

    name: str
    title: str
    about: str
    rows: dict[str, tuple[DataclassInstance, ...]]
    grids: tuple[Grid, ...]
    plots: tuple[Plot, ...]
    claims: tuple[Claim, ...]
    absent: tuple[str, ...] = field(default=())

    def data(self) -> dict[str, Any]:
        """All of this as plain data, without pictures."""
        return {
            "title": self.title,
            "rows": {name: [asdict(row) for row in rows] for name, rows in self.rows.items()},
            "claims": [asdict(each) for each in self.claims],
            "absent": list(self.absent),
        }


def csv_bytes(rows: Sequence[DataclassInstance]) -> bytes:
    """A head of the fields' names and a line a row; what is None is left empty."""
    text = io.StringIO()
    names = [each.name for each in fields(rows[0])]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue().encode()


def claims_grid(claims: Sequence[Claim]) -> Grid:
    """What the paper says in words, and whether it holds."""
    cells = ((c.text, c.place, c.holds, c.evidence) for c in claims)
    return grid("What the paper says", "Claim|Place|Here|Evidence", cells)
