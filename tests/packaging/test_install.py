"""The installer of a package: what is on the board afterwards, and what its self-test decides."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import package_files as made
import pytest
from package_installs import FAILED, PASSED, SKIPPED, installed, run

from shiftloom.host import install
from shiftloom.host.install import InstallError
from shiftloom.packaging import Package

self_test = install.self_test
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Sets what self-tests find from now on."""
    return lambda found: monkeypatch.setattr(install, "self_test", lambda _: found)


def test_archive_installs_itself(first: Path, board: Path, versions: tuple[Package, ...]) -> None:
    name = f"tiny {versions[0].version}"
    overlay = board / "tiny" / versions[0].version / "overlay"
    reason = f"Self-test skipped: there is no tiny.bit and no tiny.hwh; put it into {overlay}\n"
    assert run(first, "--directory", board) == (0, f"{name} is in use now\n{reason}", "")
    current = board / "tiny" / "current"
    assert current.readlink() == Path(versions[0].version)
    members = made.members(versions[0].data)
    assert {name: (current / name).read_bytes() for name in members} == members
    assert (current / "python/shiftloom/host/selftest.py").is_file()
    before = made.tree(board)
    assert run(first, "--directory", board) == (0, f"{name} is in use already\n{reason}", "")
    assert run(current) == (0, f"{name} is in use already\n{reason}", "")
    assert made.tree(board) == before


def test_driver_is_that_of_the_package(first: Path, board: Path) -> None:
    installed(first, board)
    python = (board / "tiny/current/python").resolve()
    program = "import shiftloom.host.loading, shiftloom, sys; print(shiftloom.__file__)"
    program += "; print(sorted(m for m in sys.modules if 'codegen' in m))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=python,
        env={"PYTHONPATH": str(python)},
    )
    assert done.stdout == f"{python}/shiftloom/__init__.py\n[]\n"


def test_update_goes_only_when_it_has_passed(
    first: Path,
    second: Path,
    board: Path,
    tested: Callable[[dict[str, str]], None],
    versions: tuple[Package, ...],
) -> None:
    old, new = (each.version for each in versions)
    tested(PASSED)
    installed(first, board)
    tested(FAILED)
    before = made.tree(board)
    found = installed(second, board)
    assert (found["before"], found["current"], found["version"]) == (old, old, new)
    assert install.sentences(found) == (
        f"tiny {new} was not taken into use; {old} stays\nSelf-test failed: 1 wrong integers"
    )
    assert made.tree(board) == before
    tested(SKIPPED)  # the version in use has no bitstream, either
    assert installed(second, board)["current"] == new
    assert _names(board) == sorted(["current", old, new])
    tested(PASSED)
    assert installed(second, board)["before"] == new
    assert _names(board) == sorted(["current", new])


def _names(board: Path) -> list[str]:
    return sorted(path.name for path in (board / "tiny").iterdir())


def test_first_version_that_fails_leaves_nothing(
    first: Path, board: Path, tested: Callable[[dict[str, str]], None]
) -> None:
    tested(FAILED)
    found = installed(first, board)
    assert found["current"] is None
    assert "was not taken into use\nSelf-test failed" in install.sentences(found)
    assert not board.exists()
    (board / "tiny").mkdir(parents=True)
    installed(first, board)
    assert _names(board) == []  # the folder was somebody's


def test_version_in_use_that_fails_later_stays(
    first: Path, board: Path, tested: Callable[[dict[str, str]], None]
) -> None:
    tested(PASSED)
    installed(first, board)
    tested(FAILED)
    before = made.tree(board)
    assert installed(first, board)["self_test"]["state"] == "failed"
    assert made.tree(board) == before


def test_self_test_that_fails_gives_exit_code_1(first: Path, board: Path) -> None:
    installed(first, board)
    (board / "tiny/current/overlay/tiny.bit").write_bytes(b"")
    (board / "tiny/current/overlay/tiny.hwh").write_bytes(b"")
    status, shown, _ = run(first, "--directory", board, "--json")
    reason = (
        "overlay/tiny.bit: begins with b'': no .bit file of AMD's tools; "
        "export both files again, for this board, and package them"
    )
    assert status == 1
    *steps, done = map(json.loads, shown.splitlines())
    assert steps == [{"step": "installing"}, {"step": "testing"}]
    assert done["self_test"]["reason"] == reason


def test_damaged_version_is_installed_anew_beside_it(
    first: Path, board: Path, versions: tuple[Package, ...]
) -> None:
    installed(first, board)
    current, version = board / "tiny/current", versions[0].version
    for name in ("registers.json", "package.json"):
        broken = current.resolve() / name
        broken.write_bytes(broken.read_bytes() + b" ")
        message = f"{broken}: is missing or changed; install the package again\n"
        assert run(current) == (2, "", message)
        number = int(current.readlink().name.partition("-")[2] or 0)
        assert installed(first, board)["current"] == f"{version}-{number + 1}"
        (current / "host/accelerator.json").unlink()
        with pytest.raises(InstallError):
            install.again(current)
        assert installed(first, board)["current"] == f"{version}-{number + 2}"


def test_self_test_that_says_nothing_has_failed(first: Path, board: Path) -> None:
    installed(first, board)
    place = board / "tiny/current/python/shiftloom/host/selftest.py"
    place.write_text("raise SystemExit('no luck')")
    found = self_test(board / "tiny/current")
    assert found == {"state": "failed", "reason": "ended with 1: no luck"}


def test_self_test_without_an_end_has_failed(
    first: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(first, board)
    place = board / "tiny/current/python/shiftloom/host/selftest.py"
    place.write_text("import time\ntime.sleep(60)")
    monkeypatch.setattr(install, "SELF_TEST_SECONDS", 0.2)
    found = self_test(board / "tiny/current")
    assert found == {"state": "failed", "reason": "no end after 0.2 seconds"}
