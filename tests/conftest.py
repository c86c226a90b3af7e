"""The one option of the tests: where the original data files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from shiftloom.models import folder

collect_ignore = ["board/on_board"]
"""What the Python of a board runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--data FOLDER`: a folder with `mnist/` and others, for tests of more than what ships."""
    what = f"folder with the original data files; default: {folder.DEFAULT}, if it is there"
    parser.addoption("--data", type=Path, help=what)


@pytest.fixture(scope="session")
def data(request: pytest.FixtureRequest) -> Path:
    """The data folder, or a skip where none was given and the default one is not there."""
    given: Path | None = request.config.getoption("--data")
    default = request.config.rootpath / folder.DEFAULT
    if given is None and not default.is_dir():
        pytest.skip("no data folder: give --data FOLDER")
    if given is not None and not given.is_dir():
        pytest.fail(f"--data {given}: no such folder")
    return given or default
