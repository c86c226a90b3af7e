"""What the scripts of this folder share: tables in Markdown, and their places in a page."""

from __future__ import annotations

import re

from shiftloom.codegen.grids import Grid


def markdown(shown: Grid) -> str:
    """A table in Markdown, without a newline behind its last row."""
    head = [column.title for column in shown.columns]
    rule = ["---:" if column.numeric else "---" for column in shown.columns]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *shown.rows))


def replaced(text: str, name: str, content: str) -> str:
    """`text` with `content` between its markers `<!-- name:begin -->` and `<!-- name:end -->`."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise SystemExit(f"a page needs the markers {begin} and {end} once, in this order")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)
