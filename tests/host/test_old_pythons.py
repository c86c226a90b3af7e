"""What runs on the board is written for its Python, and what says so for older ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from shiftloom.host import install, receiving, selftest
from shiftloom.packaging import wheel

HOST = Path(__file__).parents[2] / "host"
STAND_ALONE = ("install.py", "receiving.py")
"""They say that a Python is too old, so it has to read them."""


@pytest.mark.parametrize("file", sorted(HOST.glob("*.py")), ids=lambda file: file.name)
def test_driver_is_written_for_its_oldest_python(file: Path) -> None:
    oldest = (3, 7) if file.name in STAND_ALONE else install.PYTHON
    ast.parse(file.read_text("utf-8"), feature_version=oldest)


def test_newer_syntax_is_seen() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("def f(x, /): pass", feature_version=(3, 7))


@pytest.mark.parametrize("name", STAND_ALONE)
def test_programs_that_are_sent_import_nothing_of_ours(name: str) -> None:
    tree = ast.parse((HOST / name).read_text("utf-8"))
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    parts = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported = [*parts, *(alias.name for node in plain for alias in node.names)]
    assert [name for name in imported if name.split(".")[0] in ("shiftloom", "numpy")] == []
    assert "json" in imported


def test_oldest_python_is_one_number() -> None:
    oldest = ".".join(map(str, install.PYTHON))
    assert receiving.PYTHON == install.PYTHON
    assert f"\nRequires-Python: >={oldest}\n" in wheel._METADATA
    assert receiving.MANIFEST == install.MANIFEST


def test_oldest_numpy_is_one_number() -> None:
    assert receiving.NUMPY == selftest.NUMPY
    oldest = ".".join(map(str, selftest.NUMPY))
    assert f"\nRequires-Dist: numpy (>={oldest})\n" in wheel._METADATA
    for page in ("deploy", "driver", "tutorial"):
        text = (HOST.parent / f"docs/{page}.md").read_text("utf-8")
        assert set(re.findall(r"NumPy,? (?:from )?(\d+\.\d+)", text)) == {oldest}
