"""What the tests of the documentation read: pages, their blocks and tables, their examples."""

from __future__ import annotations

import importlib
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    """Text of a page of docs/."""
    return (DOCS / name).read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of a language, in order."""
    return [body for kind, body in _BLOCK.findall(text) if kind == language]


def rows(text: str) -> Iterator[list[str]]:
    """Cells of every table row but heads, without code marks."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip().replace("\\|", "|") for cell in line.strip("|").split(" | ")]


def first_cells(text: str, pattern: str) -> list[str]:
    """What `pattern` captures in the first cells of a page's tables."""
    found = (re.fullmatch(pattern, row[0]) for row in rows(text))
    return [match[1] for match in found if match]


def example(text: str, name: str) -> types.ModuleType:
    """The first Python block of a page that is a whole file, as a module."""
    body = next(b for b in blocks(text, "python") if b.startswith('"""'))
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(body, name, "exec"), module.__dict__)
    return module


def script_of(name: str) -> types.ModuleType:
    """A script of docs/ as a module; they import what they share from beside them."""
    if str(DOCS) not in sys.path:
        sys.path.append(str(DOCS))
    return importlib.import_module(name)
