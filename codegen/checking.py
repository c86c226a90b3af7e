"""`shiftloom check`: what keeps an ONNX model from being built, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from shiftloom.codegen.frontends.onnx import Finding


def findings_table(path: Path, findings: Sequence[Finding]) -> Table | str:
    """One row for every unsupported node, or one line that says there is none."""
    if not findings:
        return f"{path.name}: every node is supported"
    table = Table("node", "problem", "what would help", title=f"{path.name}: {_count(findings)}")
    for finding in findings:
        cells = (finding.node, finding.reason, finding.rewrite)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _count(findings: Sequence[Finding]) -> str:
    return "1 problem" if len(findings) == 1 else f"{len(findings)} problems"
