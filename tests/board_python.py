"""The Python of a board: that of `.venv-board`, whose pynq has the simulated board."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[1] / ".venv-board" / "bin" / "python"


def board_python() -> Path:
    """Its interpreter; skips where it is missing, and fails in CI."""
    if not PYTHON.exists():
        reason = f"{PYTHON} is missing: run `make board`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return PYTHON


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
