"""The installer of a package: every damage is refused, and what was there before works on."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import package_files as made
import pytest

from shiftloom.host import install
from shiftloom.host.install import InstallError
from shiftloom.packaging import Package

PASSED = {"state": "passed", "reason": "16 frames, every output integer right"}
SKIPPED = {"state": "skipped", "reason": "no overlay"}
FAILED = {"state": "failed", "reason": "1 wrong integers"}
self_test = install.self_test


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No processes for self-tests, but in those of `run`."""
    monkeypatch.setattr(install, "self_test", lambda _: SKIPPED)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """The folder of all packages on the board."""
    return tmp_path / "board"


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Sets what self-tests find from now on."""
    return lambda found: monkeypatch.setattr(install, "self_test", lambda _: found)


def installed(path: Path, board: Path) -> dict[str, Any]:
    return install.install(install.read(path), board)


def refused(path: Path, board: Path) -> str:
    """The whole message of a refusal, the paths left out; nothing of it stays on the disk."""
    before = made.tree(board)
    with pytest.raises(InstallError) as caught:
        installed(path, board)
    assert made.tree(board) == before
    assert list(board.rglob(".new-*")) == []
    return str(caught.value).replace(f"{path}: ", "").replace(f"{board}/", "")


def run(program: Path, *arguments: object, limit: int | None = None) -> tuple[int, str, str]:
    """Exit code and outputs of `python3 program arguments`; `limit` bytes are in a file at most."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limited)
    return done.returncode, done.stdout, done.stderr


# ---------------------------------------------------------------- what works


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
    tested(SKIPPED)
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
    assert _names(board) == []


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
    reason = "ValueError: overlay/tiny.bit: begins with b'': no .bit file of AMD's tools"
    assert status == 1
    assert json.loads(shown)["self_test"]["reason"] == reason


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


# ---------------------------------------------------------------- archives that are refused


def _link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("host/link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def _device() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("host/device")
    info.create_system, info.external_attr = 3, (stat.S_IFCHR | 0o666) << 16
    return info


def _changed(data: bytes) -> bytes:
    found = made.members(data)
    text = found["registers.json"]
    return made.archive([*{**found, "registers.json": text.swapcase()}.items()])


OUTSIDE = "member {!r} would leave the target"
OTHER = "has other members than its manifest; package it again"
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    **{
        name: (lambda data, name=name: made.with_member(data, name), OUTSIDE.format(name))
        for name in ("../x", "/x", "host/../../x", "host//x", "host/", "a\\b", "C:x", ".x", "x\ny")
    },
    "link": (lambda data: made.with_member(data, _link()), "member host/link is no regular file"),
    "device": (
        lambda data: made.with_member(data, _device()),
        "member host/device is no regular file",
    ),
    "further": (lambda data: made.with_member(data, "x"), OTHER),
    "lacking": (lambda data: made.archive([*made.members(data).items()][1:]), OTHER),
    "compressed": (
        lambda data: made.archive([*made.members(data).items()], zipfile.ZIP_DEFLATED),
        "member __main__.py is compressed or encrypted",
    ),
    "changed": (_changed, "member registers.json has another SHA-256; copy it again"),
    "cut": (
        lambda data: data[:-100],
        "has no package.json; it is cut short, or not of shiftloom package",
    ),
    "no archive": (
        lambda _: b"GIF89a",
        "is damaged (File is not a zip file); package or copy it again",
    ),
    "format": (
        lambda data: made.with_manifest(data, format=2),
        "is a package of format 2, this program reads 1; package it again",
    ),
    "name": (
        lambda data: made.with_manifest(data, name="../x"),
        "the name '../x' is none of a build; package it again",
    ),
    "driver": (
        lambda data: made.with_manifest(data, driver="x.whl"),
        "has no driver 'x.whl'; package it again",
    ),
    "files": (
        lambda data: made.with_manifest(data, files=[1]),
        "is damaged (cannot convert dictionary update sequence element #0 to a sequence); "
        "package or copy it again",
    ),
    "entries": (
        lambda data: made.with_manifest(data, files={"x": 1, "driver": 1}, driver="driver"),
        "is damaged ('int' object is not subscriptable); package or copy it again",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_archive_is_refused(damage: str, first: Path, second: Path, board: Path) -> None:
    installed(second, board)
    change, message = DAMAGES[damage]
    first.write_bytes(change(first.read_bytes()))
    assert refused(first, board) == message


def test_duplicate_is_refused(first: Path, board: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        first.write_bytes(made.with_member(first.read_bytes(), "registers.json"))
    assert refused(first, board) == "member registers.json is there twice"


def test_members_larger_than_the_archive_are_refused(first: Path, board: Path) -> None:
    """As of members that lie over each other: here the archive's length is said to be less."""
    data = first.read_bytes()
    place = data.rfind(b"PK\x01\x02")
    changed = data[: place + 20] + b"\xff\xff\xff\x7f" * 2 + data[place + 28 :]
    first.write_bytes(changed)
    assert refused(first, board) == "its members take more room than the archive"


def test_more_members_than_any_package_has_are_refused(
    first: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "MAX_MEMBERS", 5)
    assert refused(first, board) == "has 9 members, at most 5 are read"


def test_flipped_byte_is_refused_wherever_it_is(first: Path, second: Path, board: Path) -> None:
    installed(second, board)
    before, whole = made.tree(board), first.read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        data = bytearray(whole)
        data[place] ^= 1
        first.write_bytes(data)
        try:
            installed(first, board)
        except InstallError:
            assert made.tree(board) == before
        else:  # a field of the archive that means nothing, as a time
            assert install.damaged(board / "tiny/current") is None
            shutil.rmtree(board)
            installed(second, board)


def test_missing_archive_is_refused(tmp_path: Path, board: Path) -> None:
    message = "cannot be read: No such file or directory; check the path"
    assert refused(tmp_path / "none.zip", board) == message


# ---------------------------------------------------------------- disks and interruptions


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


def test_folder_that_is_a_file_is_refused(first: Path, board: Path) -> None:
    board.write_bytes(b"")
    with pytest.raises(InstallError) as caught:
        installed(first, board)
    reason = "cannot be written: Not a directory; free space, or choose another folder"
    assert str(caught.value) == f"{board}/tiny: {reason} by --directory"


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


# ---------------------------------------------------------------- self-tests that end badly


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
