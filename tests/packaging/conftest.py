"""Two versions of a package, made once."""

from __future__ import annotations

from pathlib import Path

import package_files
import pytest

from shiftloom.packaging import Package


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
