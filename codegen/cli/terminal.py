"""What commands print and write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shiftloom.codegen import fileset

console = Console(width=None if sys.stdout.isatty() else 120)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; the yielded function takes (done, of all)."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def write_json(path: Path | None, value: Any) -> None:
    """Write the figures of a command where `--json` asked for them."""
    if path is not None:
        fileset.write_file(path, fileset.json_bytes(value))
