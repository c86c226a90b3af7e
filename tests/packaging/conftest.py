"""Two versions of a package, made once, and a board to bring them to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import board_sshd
import package_files
import pytest
from board_sshd import Sshd
from package_installs import SKIPPED

from shiftloom.host import install
from shiftloom.packaging import Package, Remote


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Package, Package]:
    """Packages of a small build with its own weights, and with others."""
    return package_files.packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def first(versions: tuple[Package, Package], tmp_path: Path) -> Path:
    """The archive with the build's own weights."""
    path = tmp_path / "tiny.zip"
    path.write_bytes(versions[0].data)
    return path


@pytest.fixture
def second(versions: tuple[Package, Package], tmp_path: Path) -> Path:
    """The archive with other weights: an update."""
    path = tmp_path / "tiny2.zip"
    path.write_bytes(versions[1].data)
    return path


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An SSH daemon on the loopback, which the programs on the PATH know."""
    running, patch = board_sshd.running(tmp_path_factory.mktemp("sshd")), pytest.MonkeyPatch()
    with running as board, patch.context() as patched:
        patched.setenv("PATH", f"{board.programs}:{os.environ['PATH']}")
        yield board


@pytest.fixture
def remote(sshd: Sshd) -> Remote:
    """A board at this daemon, with the Python of the tests."""
    return Remote(sshd.target, sshd.port, sshd.key, sys.executable)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """The folder of all packages on the board."""
    return tmp_path / "board"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No processes for self-tests, but in those of programs."""
    monkeypatch.setattr(install, "self_test", lambda _: SKIPPED)
