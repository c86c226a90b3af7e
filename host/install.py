"""Installs a package: `python3 NAME.zip` runs this file, `python3 DIR/NAME/current` checks again.

A version lies in a folder of its own, DIR/NAME/VERSION, which appears whole or not at all. The link
DIR/NAME/current leads to the one in use: to a new one when that has passed its self-test, or could
not be tested and the one before has no bitstream. Older versions go when the new one has passed;
what is not of an installer stays. Standard library only; it is in every package as `__main__.py`
and imports nothing of Shiftloom.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = 1
"""Version of the layout of a package."""
MANIFEST = "package.json"
DESIGN = "host/accelerator.json"
PYTHON = (3, 10)
"""The oldest that the driver runs on."""
DIRECTORY = "~/shiftloom"
DRIVER = "python"
"""Folder of a version into which the wheel of the driver is unpacked..."""
OVERLAY = "overlay"
"""... and that of the bitstream, which may come later."""
NOTEBOOK = ".ipynb"
"""A notebook is changed wherever it is used: that is no damage."""
CURRENT = "current"
VERSION_DIGITS = 16
MAX_MEMBERS = 10_000
SELF_TEST_SECONDS = 600
SWITCHING = "switching"
"""The last step: with `--ask` it is done only if a byte comes on standard input, in time."""
ANSWER_SECONDS = 60
_SPARE = 1 << 20
"""Bytes that stay free on the disk."""
_PIECE = 1 << 20
_ELSEWHERE = "choose another folder by --directory"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VERSION = re.compile(rf"[0-9a-f]{{{VERSION_DIGITS}}}(-[0-9]+)?")
_STAGING = re.compile(r"\.new-[a-z0-9_]{8}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP)
Begins = Callable[[str], None]
_DAMAGE = (zipfile.BadZipFile, EOFError, ValueError, LookupError, TypeError, RuntimeError)
"""What zipfile and json raise on damaged bytes."""


class InstallError(Exception):
    """A refusal: nothing was installed, and what was there is as it was."""


class Package(NamedTuple):
    """An archive whose members are named as its manifest says; their bytes are not read yet."""

    path: Path
    name: str
    version: str
    """The first 16 digits of the SHA-256 of the manifest, which has those of all members."""
    digest: str
    """That of the design."""
    driver: str
    """Member with the wheel of the driver."""
    files: dict[str, dict[str, Any]]
    """Of each member `bytes` and `sha256`."""


def read(path: Path) -> Package:
    """The package in an archive; raises InstallError where it is damaged or unsafe to unpack."""
    try:
        with _damage(path), zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except OSError as error:
        raise InstallError(f"{path}: cannot be read: {error.strerror}; check the path") from error


def _read(path: Path, archive: zipfile.ZipFile) -> Package:
    members = _members(archive, path)
    if MANIFEST not in members:
        hint = "it is cut short, or not of shiftloom package"
        raise InstallError(f"{path}: has no {MANIFEST}; {hint}")
    made = _package(path, archive.read(MANIFEST))
    sizes = {name: info.file_size for name, info in members.items() if name != MANIFEST}
    if sizes != {name: entry["bytes"] for name, entry in made.files.items()}:
        raise InstallError(f"{path}: has other members than its manifest; package it again")
    digest = json.loads(archive.read(DESIGN).decode())["digest"]
    if digest != made.digest:
        problem = f"{DESIGN} is of the design {digest[:16]}, the manifest of {made.digest[:16]}"
        raise InstallError(f"{path}: {problem}; package it again")
    return made


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Whatever reading an archive raises, as a refusal of it."""
    try:
        yield
    except _DAMAGE as error:
        raise InstallError(f"{path}: is damaged ({error}); package or copy it again") from error


def _package(path: Path, text: bytes) -> Package:
    found = json.loads(text.decode())
    if found["format"] != FORMAT:
        problem = f"is a package of format {found['format']}, this program reads {FORMAT}"
        raise InstallError(f"{path}: {problem}; package it again")
    name, driver, files = str(found["name"]), str(found["driver"]), dict(found["files"])
    if not _NAME.fullmatch(name):
        raise InstallError(f"{path}: the name {name[:40]!r} is none of a build; package it again")
    if driver not in files or f"-{found['shiftloom']}-" not in driver:
        problem = f"has no driver of version {found['shiftloom']}, but {driver[:80]!r}"
        raise InstallError(f"{path}: {problem}; package it again")
    version = hashlib.sha256(text).hexdigest()[:VERSION_DIGITS]
    return Package(path, name, version, str(found["digest"]), driver, files)


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Members by name: regular files, stored as they are, inside of the target, each once."""
    found: dict[str, zipfile.ZipInfo] = {}
    listed = archive.infolist()
    if len(listed) > MAX_MEMBERS:
        raise InstallError(f"{path}: has {len(listed)} members, at most {MAX_MEMBERS} are read")
    for info in listed:
        name, kind = info.filename, stat.S_IFMT(info.external_attr >> 16)
        if not all(_PART.fullmatch(part) for part in name.split("/")):
            raise InstallError(f"{path}: member {name[:80]!r} would leave the target")
        if name in found:
            raise InstallError(f"{path}: member {name} is there twice")
        if kind not in (0, stat.S_IFREG):
            raise InstallError(f"{path}: member {name} is no regular file")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise InstallError(f"{path}: member {name} is compressed or encrypted")
        found[name] = info
    if sum(info.file_size for info in listed) > path.stat().st_size:
        raise InstallError(f"{path}: its members take more room than the archive")
    return found


def _silent(_: str) -> None:
    """For people: they read what was done when it is."""


def install(package: Package, directory: Path, begins: Begins = _silent) -> dict[str, Any]:
    """Install a package below `directory`, test it, and switch to it; what was done, as plain data.

    `begins` hears of each step, installing, testing and switching, before it is done; if it raises,
    it is not done. Raises InstallError where anything is refused, with the folder as it was.
    """
    home = directory.absolute() / package.name
    try:
        with _alone(home):
            return _install(package, home, begins)
    except OSError as error:
        problem = f"{home}: cannot be written: {error.strerror or error}"
        raise InstallError(f"{problem}; {_hint(error)}") from error


def _hint(error: OSError) -> str:
    """What would help where a folder cannot be written."""
    if error.errno in _FULL:
        return f"free space, or {_ELSEWHERE}"
    if error.errno in _IN_THE_WAY:
        return f"move away what is in its place, or {_ELSEWHERE}"
    return _ELSEWHERE


def _install(package: Package, home: Path, begins: Begins) -> dict[str, Any]:
    before = _current(home)
    begins("installing")
    for stale in home.iterdir():
        if _STAGING.fullmatch(stale.name):
            _remove(stale)
    found = _installed(package, home)
    target = found or _unpacked(package, home)
    tested = _tested(home, target, before, found is None, begins)
    if tested["state"] == "passed":
        for other in home.iterdir():
            if other.name != target.name:
                _take_away(other)
    return {
        "name": package.name,
        "version": target.name,
        "digest": package.digest,
        "directory": str(home),
        "before": before,
        "current": _current(home),
        "self_test": tested,
    }


def _tested(
    home: Path, target: Path, before: str | None, new: bool, begins: Begins
) -> dict[str, Any]:
    """Test a version, and switch to it if that is no loss.

    A `new` one that has failed, or whose test was interrupted, goes.
    """
    stays = not new
    try:
        begins("testing")
        tested = self_test(target)
        skipped = tested["state"] == "skipped"
        if tested["state"] == "passed" or (skipped and not _has_overlay(home, before)):
            begins(SWITCHING)
            _switch(home, target.name)
        stays = stays or skipped
    finally:
        if not stays and _current(home) != target.name:
            _remove(target)
    return tested


def _has_overlay(home: Path, version: str | None) -> bool:
    """Whether a version has its bitstream, without which none can run."""
    names = (f"{OVERLAY}/{home.name}.{kind}" for kind in ("bit", "hwh"))
    return version is not None and all((home / version / name).is_file() for name in names)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the lock of a folder; raises InstallError where another installer has it.

    Folders that are made for it go again while nothing is in them.
    """
    made = [folder for folder in (home, *home.parents) if not folder.exists()]
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InstallError(f"{home}: another installer is at work; wait for it") from error
    try:
        yield
    finally:
        for folder in made:
            _remove_if_empty(folder)
        os.close(handle)


def _current(home: Path) -> str | None:
    """Name of the version in use; raises InstallError where `current` is not of an installer."""
    link = home / CURRENT
    if not link.is_symlink() and not link.exists():
        return None
    if link.is_symlink() and _VERSION.fullmatch(os.readlink(link)):
        return os.readlink(link)
    raise InstallError(f"{link}: is no link to a version; move it away, or {_ELSEWHERE}")


def _installed(package: Package, home: Path) -> Path | None:
    """The folder of this very version, with every file as the manifest says."""
    for folder in sorted(home.glob(f"{package.version}*")):
        if _VERSION.fullmatch(folder.name) and damaged(folder) is None:
            return folder
    return None


def _files(folder: Path) -> dict[str, str] | None:
    """SHA-256 of every file of a version by its manifest; None where its name is of another one."""
    try:
        text = (folder / MANIFEST).read_bytes()
        if hashlib.sha256(text).hexdigest()[:VERSION_DIGITS] != folder.name[:VERSION_DIGITS]:
            return None
        files = json.loads(text.decode())["files"]
        return {str(name): str(files[name]["sha256"]) for name in sorted(files)}
    except (OSError, *_DAMAGE):
        return None


def _sha256(path: Path) -> str:
    """That of a file, nothing where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def damaged(folder: Path) -> str | None:
    """The first file of a version that is missing or changed; its version is its folder's name."""
    files = _files(folder)
    if files is None:
        return MANIFEST
    checked = (name for name in files if not name.endswith(NOTEBOOK))
    return next((name for name in checked if _sha256(folder / name) != files[name]), None)


def _take_away(folder: Path) -> None:
    """Remove what an installer made of a version; changed files, and any others, stay.

    The manifest goes last, so that whatever ends this, the next installer goes on. What is no
    folder of a version stays as it is.
    """
    files = None if folder.is_symlink() or not _VERSION.fullmatch(folder.name) else _files(folder)
    if files is None:
        return
    for name, sha256 in files.items():
        path = folder / name
        if path.resolve() == folder.resolve() / name and _sha256(path) == sha256:
            path.unlink()
    for name in (DRIVER, OVERLAY):
        _remove(folder / name)
    for path in sorted(folder.rglob("*"), reverse=True):
        _remove_if_empty(path)
    (folder / MANIFEST).unlink()
    _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _unpacked(package: Package, home: Path) -> Path:
    """The folder of the version, unpacked beside its place and then renamed."""
    needed = sum(entry["bytes"] for entry in package.files.values())
    needed += package.files[package.driver]["bytes"] + _SPARE
    free = shutil.disk_usage(home).free
    if free < needed:
        hint = f"free space, or {_ELSEWHERE}"
        raise InstallError(f"{home}: {free} bytes are free, {needed} are needed; {hint}")
    staging = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    try:
        _unpack(package.path, staging, package)
        _unpack(staging / package.driver, staging / DRIVER, None)
        (staging / OVERLAY).mkdir(exist_ok=True)
        staging.chmod(0o755)
        target = _free(home, package.version)
        os.rename(staging, target)
    finally:
        if staging.exists():
            _remove(staging)
    return target


def _free(home: Path, version: str) -> Path:
    """A name that no folder has: a damaged one of this version stays until the new one passed."""
    names = (version, *(f"{version}-{number}" for number in range(1, MAX_MEMBERS)))
    return next(home / name for name in names if not (home / name).exists())


def _unpack(path: Path, folder: Path, package: Package | None) -> None:
    """Write all members; raises InstallError where one is not what the manifest says."""
    with _damage(path), zipfile.ZipFile(path) as archive:
        for name, info in _members(archive, path).items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            found = _written(archive, info, target)
            entry = package.files.get(name) if package else None
            if entry is not None and found != entry["sha256"]:
                raise InstallError(f"{path}: member {name} has another SHA-256; copy it again")


def _written(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> str:
    """Copy one member to the disk, and its SHA-256."""
    found = hashlib.sha256()
    with archive.open(info) as source, target.open("xb") as sink:
        for piece in iter(lambda: source.read(_PIECE), b""):
            found.update(piece)
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    return found.hexdigest()


def self_test(folder: Path) -> dict[str, Any]:
    """What the self-test of a version says: `state` passed, failed or skipped, and a `reason`."""
    command = [sys.executable, "-B", "-m", "shiftloom.host.selftest", str(folder), "--json"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd=folder,  # Python looks there first: a folder shiftloom elsewhere must not be found
            env={**os.environ, "PYTHONPATH": str(folder / DRIVER)},
            stdin=subprocess.DEVNULL,
            timeout=SELF_TEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"state": "failed", "reason": f"no end after {SELF_TEST_SECONDS} seconds"}
    try:
        found = dict(json.loads(done.stdout.decode().splitlines()[-1]))
        return {**found, "state": str(found["state"]), "reason": str(found["reason"])}
    except (ValueError, IndexError, KeyError, TypeError):
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        reason = f"ended with {done.returncode}: {''.join(last)[:200]}"
        return {"state": "failed", "reason": reason}


def _switch(home: Path, version: str) -> None:
    """Let `current` lead to a version, at once."""
    place = tempfile.TemporaryDirectory(prefix=".new-", dir=home, ignore_cleanup_errors=True)
    with place as staging:
        os.symlink(version, Path(staging, CURRENT))
        os.replace(Path(staging, CURRENT), home / CURRENT)


def _remove(folder: Path) -> None:
    """Remove a folder with all that is in it; what is no folder, or a link, stays."""
    shutil.rmtree(folder, ignore_errors=True)


def again(folder: Path, begins: Begins = _silent) -> dict[str, Any]:
    """Check the files of an installed version, and run its self-test."""
    folder = folder.resolve()
    bad = damaged(folder)
    if bad is not None:
        raise InstallError(f"{folder / bad}: is missing or changed; install the package again")
    found = json.loads((folder / MANIFEST).read_text("utf-8"))
    begins("testing")
    return {
        "name": found["name"],
        "version": folder.name,
        "digest": found["digest"],
        "directory": str(folder.parent),
        "before": folder.name,
        "current": _current(folder.parent),
        "self_test": self_test(folder),
    }


def sentences(done: dict[str, Any]) -> str:
    """What was done, for people."""
    tested, version, current = done["self_test"], done["version"], done["current"]
    state = "is in use already" if done["before"] == current else "is in use now"
    if version != current:
        state = f"was not taken into use; {current} stays" if current else "was not taken into use"
    lines = [f"{done['name']} {version} {state}"]
    lines += [f"Self-test {tested['state']}: {tested['reason']}"]
    if _waits(done):
        lines += ["Install it again with a bitstream, and by the Python that has pynq."]
    return "\n".join(lines)


def _waits(done: dict[str, Any]) -> bool:
    """Whether a version is not in use because it could not be tested."""
    return bool(done["self_test"]["state"] == "skipped" and done["current"] != done["version"])


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, 1 where the new version is not taken into use, or the one in use fails its test.

    2 is a refusal, 130 an interruption.
    """
    if sys.version_info < PYTHON:
        wanted = ".".join(map(str, PYTHON))
        print(f"Python {sys.version.split()[0]}: the driver needs {wanted}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(description="Installs and tests a Shiftloom package.")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each step")
    parser.add_argument("--ask", action="store_true", help="with --json, before the last step")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    shown = partial(_print_step, asks=options.ask)
    place, begins = Path(sys.argv[0]), shown if options.json else _silent
    try:
        if place.is_dir():
            done = again(place, begins)
        else:
            done = install(read(place), options.directory.expanduser(), begins)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing half-installed was left", file=sys.stderr)
        return 130
    print(json.dumps(done, sort_keys=True) if options.json else sentences(done))
    return int(done["self_test"]["state"] == "failed" or _waits(done))


def _print_step(name: str, asks: bool) -> None:
    print(json.dumps({"step": name}), flush=True)
    asks = asks and name == SWITCHING
    if asks and not (select.select([0], [], [], ANSWER_SECONDS)[0] and os.read(0, 1)):
        raise InstallError("the other side has not agreed to take it into use; deploy again")


if __name__ == "__main__":
    sys.exit(main())
