"""The Python of a board: that of `.venv-board`, with pynq, which `make` sets up."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[1] / ".venv-board" / "bin" / "python"
_HOOK = '''\
"""Puts the simulated board behind pynq, as soon as that is imported."""

import sys
from importlib.util import find_spec


class Hook:
    """Finds pynq once, and attaches the board when it has been loaded."""

    def find_spec(self, name, path=None, target=None):
        if name != "pynq":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            import shiftloom.host.simulated

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Hook())
'''


def board_python() -> Path:
    """Its interpreter; skips where it is missing, and fails in CI."""
    if not PYTHON.exists():
        reason = f"{PYTHON} is missing: run `make board`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return PYTHON


def with_board(folder: Path) -> Path:
    """A Python with the packages of the board's, and the simulated board behind pynq."""
    python = board_python()
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    packages, *_ = folder.glob("lib/python*/site-packages")
    theirs, *_ = python.parents[1].glob("lib/python*/site-packages")
    (packages / "board.pth").write_text(f"{theirs}\n")
    (packages / "sitecustomize.py").write_text(_HOOK)
    return folder / "bin" / "python"


def driver(folder: Path) -> Path:
    """A folder to import `shiftloom.host` from, as the board has it: alone."""
    package = folder / "driver" / "shiftloom"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "host").symlink_to(Path(__file__).parents[1] / "host")
    return package.parent


def environment(folder: Path) -> dict[str, str]:
    """That of this process, with the driver to import, and without options for its pytest."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return {**kept, "PYTHONPATH": str(driver(folder))}
