"""What a board has: Python 3.10, NumPy and pynq; `host/` is written in that, and uses only that."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOST = Path(__file__).parents[2] / "host"
FILES = sorted(HOST.rglob("*.py"))
OLDEST = (3, 10)
NEWER = {"tomllib"}
"""Modules of the standard library that the oldest Python lacks."""
ALLOWED = (sys.stdlib_module_names - NEWER) | {"numpy", "pynq", "shiftloom.host"}


def foreign(source: str) -> list[str]:
    """Modules that a source imports and a board lacks; a SyntaxError for newer syntax."""
    tree = ast.parse(source, feature_version=OLDEST)
    return [name for name in _imported(tree) if not _allowed(name)]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)


def _allowed(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in ALLOWED or f"{name}.".startswith("shiftloom.host.")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_board_can_run_it(file: Path) -> None:
    assert foreign(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import tomllib", "tomllib"),
        ("def f():\n    from shiftloom.codegen import golden", "shiftloom.codegen"),
        ("import shiftloom.hosting", "shiftloom.hosting"),
        ("from scipy import signal", "scipy"),
    ],
)
def test_a_foreign_import_is_seen(source: str, module: str) -> None:
    assert foreign(source) == [module]


@pytest.mark.parametrize(
    "source", ["try:\n    pass\nexcept* OSError:\n    pass", "def f[T](x: T): ..."]
)
def test_newer_syntax_is_seen(source: str) -> None:
    with pytest.raises(SyntaxError):
        foreign(source)
