"""The one option of the tests: where the original data files are."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--data FOLDER`: a folder with `mnist/` and others, for tests of more than what ships."""
    parser.addoption("--data", type=Path, help="folder with the original data files")


@pytest.fixture(scope="session")
def data(request: pytest.FixtureRequest) -> Path:
    """The data folder, or a skip where none was given."""
    folder: Path | None = request.config.getoption("--data")
    if folder is None:
        pytest.skip("no data folder: give --data FOLDER")
    if not folder.is_dir():
        pytest.fail(f"--data {folder}: no such folder")
    return folder
