"""What a board has: Python 3.10, NumPy 1.21 and pynq; `host/` uses only that."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

HOST = Path(__file__).parents[2] / "host"
FILES = sorted(HOST.rglob("*.py"))
OLDEST = (3, 10)
NEWER = {"tomllib"}
"""Modules of the standard library that the oldest Python lacks."""
ALLOWED = (sys.stdlib_module_names - NEWER) | {"numpy", "pynq", "shiftloom.host"}
NUMPY = {
    *("abs", "arange", "argsort", "argwhere", "array", "asarray", "concatenate", "copyto", "dtype"),
    *("empty", "flatnonzero", "float64", "floating", "floor", "frombuffer", "fromfile", "fromiter"),
    *("iinfo", "int64", "integer", "isfinite", "left_shift", "load", "packbits", "pad"),
    *("prod", "repeat", "uint8", "uint32", "unpackbits", "zeros", "__version__"),
}
"""Names that NumPy 1.21 has; one that `host/` uses besides is looked up there first."""


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


def newer(source: str) -> list[str]:
    """What of NumPy a source runs, annotations apart, and NumPy 1.21 lacks.

    These are names, and types that are subscribed to: `np.integer[Any]` is an error there.
    """
    tree = ast.parse(source, feature_version=OLDEST)
    run = _run(tree, deferred="from __future__ import annotations" in source)
    return [ast.unparse(node) for node in run if _is_newer(node)]


def _is_newer(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(_of_numpy(node.value), type)
    return _of_numpy(node) is not None and ast.unparse(node).removeprefix("np.") not in NUMPY


def _of_numpy(node: ast.AST) -> object:
    """What `np.name` is, None of anything else."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np":
        return getattr(np, node.attr)
    return None


def _run(node: ast.AST, *, deferred: bool) -> Iterator[ast.AST]:
    """A tree without the annotations that are `deferred`."""
    yield node
    for name, value in ast.iter_fields(node):
        if deferred and name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _run(child, deferred=deferred)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_board_can_run_it(file: Path) -> None:
    assert foreign(file.read_text("utf-8")) == []
    assert newer(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Digits = int | np.integer[Any]", ["np.integer[Any]"]),
        ("def f(x: np.dtype[Any]) -> None: ...", ["np.dtype[Any]"]),
        ("def f(x):\n    return np.bitwise_count(x)", ["np.bitwise_count"]),
        ("from __future__ import annotations\ndef f(x: np.dtype[Any]) -> np.bool: ...", []),
        ("from __future__ import annotations\nx: np.dtype[Any] = np.dtype[Any]", ["np.dtype[Any]"]),
        ("x = np.zeros(3)[1]", []),
    ],
)
def test_newer_numpy_is_seen(source: str, found: list[str]) -> None:
    assert newer(source) == found


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
