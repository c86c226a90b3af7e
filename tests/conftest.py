"""What all tests share: where the original data files are, and the working folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
    return (given or default).absolute()


@pytest.fixture(autouse=True)
def _same_folder() -> Iterator[None]:
    """A test that leaves the process in another working folder fails: paths may be relative."""
    folder_before = Path.cwd()
    yield
    folder_after = Path.cwd()
    os.chdir(folder_before)
    assert folder_after == folder_before, f"the test left the working folder {folder_before}"
