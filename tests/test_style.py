"""Style and types of all code: ruff's rules and format, mypy strict; each check shown to fail."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("ruff")
pytest.importorskip("mypy")

ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / "pyproject.toml"
UNTIDY = "import os\nx = { 'a':1 }\n"
ILL_TYPED = 'x: int = "a"\n'


def _run(module: str, *arguments: object, folder: Path = ROOT) -> tuple[int, str]:
    """Exit status and output of `python -m module arguments`."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return done.returncode, done.stdout + done.stderr


def _ruff(*arguments: object) -> tuple[int, str]:
    return _run("ruff", *arguments, "--config", SETTINGS, "--no-cache")


def _folders() -> dict[str, Path]:
    """Each folder that is mapped to a package of its own, `shiftloom` first."""
    mapping = tomllib.loads(SETTINGS.read_text("utf-8"))["tool"]["setuptools"]["package-dir"]
    return {package: ROOT / folder for package, folder in sorted(mapping.items())}


def _linked(folder: Path) -> Path:
    """The package as it is installed, by links: `shiftloom/` with the mapped folders inside.

    From the root mypy would see the thin `shiftloom/` alone, and pass without having looked.
    """
    (package, thin), *inner = _folders().items()
    top = folder / package
    top.mkdir(parents=True)
    for file in thin.iterdir():
        if file.name != "__pycache__":
            (top / file.name).symlink_to(file)
    for name, source in inner:
        (folder / name.replace(".", "/")).symlink_to(source)
    return folder


def _mypy(folder: Path, package: str = "shiftloom") -> tuple[int, str]:
    options = ("--config-file", SETTINGS, "--strict", "--cache-dir", ROOT / ".mypy_cache/installed")
    return _run("mypy", *options, "-p", package, folder=folder)


def test_ruff_check() -> None:
    status, output = _ruff("check", ROOT)
    assert status == 0, output


def test_ruff_format() -> None:
    status, output = _ruff("format", "--check", ROOT)
    assert status == 0, output


def test_mypy_strict_over_every_file(tmp_path: Path) -> None:
    status, output = _mypy(_linked(tmp_path))
    assert status == 0, output
    files = sum(len(list(folder.rglob("*.py"))) for folder in _folders().values())
    checked = re.search(r"no issues found in (\d+) source files", output)
    assert checked is not None, output
    assert int(checked[1]) >= files  # it counts data folders, too


@pytest.mark.parametrize(
    ("command", "complaint"), [("check", "F401"), ("format", "would be reformatted")]
)
def test_ruff_finds_what_is_untidy(command: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "untidy.py"
    file.write_text(UNTIDY)
    status, output = _ruff(command, *(["--check"] if command == "format" else []), file)
    assert status == 1
    assert complaint.lower() in output.lower()


def test_mypy_finds_an_error_in_a_mapped_folder(tmp_path: Path) -> None:
    tree = _linked(tmp_path / "tree")
    broken = tree / "shiftloom" / "broken"
    broken.mkdir()
    (broken / "__init__.py").write_text(ILL_TYPED)
    status, output = _mypy(tree, "shiftloom.broken")
    assert status == 1
    assert "Incompatible types in assignment" in output
