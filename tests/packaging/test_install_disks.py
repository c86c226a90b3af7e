"""The installer on full disks and when it is interrupted: the older version works on."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import package_files as made
import pytest
from package_installs import installed, refused, run

from shiftloom.host import install
from shiftloom.host.install import InstallError
from shiftloom.packaging import Package

pytestmark = pytest.mark.usefixtures("quick")


def test_full_disk_is_seen_before_anything_is_written(
    first: Path, second: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(second, board)
    usage = type(shutil.disk_usage(board))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    needed = refused(first, board).partition("free, ")[2].partition(" ")[0]
    assert int(needed) > first.stat().st_size + install._SPARE
    assert refused(first, board) == (
        f"tiny: 1000 bytes are free, {needed} are needed; "
        "free space, or choose another folder by --directory"
    )
    refused(first, board / "new/folder")
    assert not (board / "new").exists()


def test_disk_that_fills_up_meanwhile_leaves_nothing(
    first: Path, second: Path, board: Path
) -> None:
    installed(second, board)
    before = made.tree(board)
    message = "cannot be written: File too large; free space, or choose another folder"
    assert run(first, "--directory", board, limit=20_000) == (
        *(2, ""),
        f"{board / 'tiny'}: {message} by --directory\n",
    )
    assert made.tree(board) == before


def test_every_write_that_fails_leaves_nothing(
    first: Path, second: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(second, board)
    message = "tiny: cannot be written: No space left on device; free space, or choose another"
    for number in range(0, len(made.members(first.read_bytes())), 3):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _failing(number, OSError(errno.ENOSPC, _FULL)))
            assert refused(first, board) == f"{message} folder by --directory"


_FULL = os.strerror(errno.ENOSPC)


def _failing(number: int, error: BaseException) -> Callable[[int], None]:
    """A function that raises when it is called for the `number`-th time, from 0."""
    calls: Iterator[int] = iter(range(10_000))

    def call(_: int) -> None:
        if next(calls) == number:
            raise error

    return call


@pytest.mark.parametrize("name", ["board", "tiny"])
def test_folder_that_is_a_file_is_refused(name: str, first: Path, board: Path) -> None:
    path = board if name == "board" else board / "tiny"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(InstallError) as caught:
        installed(first, board)
    reason = "Not a directory" if name == "board" else "File exists"
    assert str(caught.value) == f"{board}/tiny: cannot be written: {reason}; {IN_THE_WAY}"


ELSEWHERE = "choose another folder by --directory"
IN_THE_WAY = f"move away what is in its place, or {ELSEWHERE}"
HINTS = {
    errno.ENOSPC: f"free space, or {ELSEWHERE}",
    errno.EDQUOT: f"free space, or {ELSEWHERE}",
    errno.EISDIR: IN_THE_WAY,
    errno.EACCES: ELSEWHERE,
    errno.EROFS: ELSEWHERE,
}


@pytest.mark.parametrize("number", HINTS, ids=errno.errorcode.get)
def test_hint_fits_the_error(
    number: int, first: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "rename", _failing_rename(number))
    reason = f"cannot be written: {os.strerror(number)}"
    assert refused(first, board) == f"tiny: {reason}; {HINTS[number]}"


def _failing_rename(number: int) -> Callable[[str, str], None]:
    def call(source: str, target: str) -> None:
        raise OSError(number, os.strerror(number))

    return call


def test_interruption_leaves_nothing_at_any_write(
    first: Path, second: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(second, board)
    before = made.tree(board)
    for number in range(0, len(made.members(first.read_bytes())), 3):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _failing(number, KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                installed(first, board)
        assert made.tree(board) == before


def test_interruption_of_the_self_test_leaves_the_older_one(
    first: Path, second: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(second, board)
    before = made.tree(board)

    def stopped(_: Path) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "self_test", stopped)
    with pytest.raises(KeyboardInterrupt):
        installed(first, board)
    assert made.tree(board) == before


KILLED = """
import os, signal, sys
from shiftloom.host import install
calls = []
def fsync(_):
    calls.append(0)
    if len(calls) == 5:
        os.kill(os.getpid(), signal.{signal})
os.fsync = fsync
sys.argv[0] = sys.argv[1]
sys.exit(install.main(sys.argv[2:]))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_killed_installer_leaves_the_older_version_working(
    name: str, first: Path, second: Path, board: Path, versions: tuple[Package, ...]
) -> None:
    installed(second, board)
    before = made.tree(board)
    program = KILLED.format(signal=name)
    command = [sys.executable, "-c", program, str(first), "--directory", str(board)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if name == "SIGKILL":
        assert done.returncode == -signal.SIGKILL
        left = [path for path in made.tree(board) if path not in before]
        assert left
        assert all(path.startswith("tiny/.new-") for path in left)
    else:
        assert done.returncode == 130
        assert done.stderr == "interrupted; nothing half-installed was left\n"
        assert made.tree(board) == before
    assert run(board / "tiny/current")[0] == 0
    assert installed(first, board)["current"] == versions[0].version
    assert list(board.rglob(".new-*")) == []


def test_two_installers_do_not_meet(first: Path, board: Path) -> None:
    (board / "tiny").mkdir(parents=True)
    handle = os.open(board / "tiny", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert refused(first, board) == "tiny: another installer is at work; wait for it"
    os.close(handle)
    assert installed(first, board)["current"] is not None


def test_old_python_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(install, "PYTHON", (9, 0))
    assert install.main([]) == 2
    found = sys.version.split()[0]
    assert capsys.readouterr().err == f"Python {found}: the driver needs 9.0\n"
