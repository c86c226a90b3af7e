"""What `shiftloom deploy` runs on the board: its Python gets this file as a program, by SSH.

It makes a folder for the archive, or finds its version installed and tests that. Then it waits
until the other side has copied, compares the SHA-256 of what has come, and runs the archive's own
installer; where copying has failed, it tells whether there is room. It prints JSON: a line for each
`step`, one with the place of the `archive`, and at last what was done, or is `refused`. The folder
goes when this program ends. Standard library only.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import hashlib
import importlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PYTHON = (3, 10)
"""The oldest that the driver runs on."""
NUMPY = (1, 21)
ARCHIVE = "package.zip"
MANIFEST = "package.json"
_COPIES = 3
"""Times the archive's size that must be free: itself, unpacked, and the driver once more."""
_SPARE = 1 << 20
_PIECE = 1 << 20
_BLOCK = 512
_ELSEWHERE = "choose another folder by --directory"
_OTHER_PYTHON = "give the Python that has pynq by --python, a PYNQ image's is in its pynq-venv"
_AGAIN = "deploy again"
_FREE = f"free space, or {_ELSEWHERE}"
_NOT_COPIED = "not copied"
"""What the other side says instead of a SHA-256."""
_STEP = b'{"step": '
"""How the line of a step begins..."""
_LAST_STEP = b'{"step": "switching"}'
"""... and that of the one before which the other side is asked."""


class RefusedError(Exception):
    """A problem, and what would help."""


def receive(directory: Path, name: str, version: str, size: int) -> dict[str, Any]:
    """Install an archive of `size` bytes that the other side copies, or test its version in use."""
    _check_python()
    current = directory / name / "current"
    if _version(current) == version:
        done = _run(current)
        if "refused" not in done:
            return done
    with _incoming(directory, name) as folder:
        free, needed = shutil.disk_usage(folder).free, _COPIES * size + _SPARE
        if free < needed:
            problem = f"{directory}: {free} bytes are free, {needed} are needed"
            raise RefusedError(problem, _FREE)
        _say({"archive": str(folder / ARCHIVE)})
        said = sys.stdin.readline().strip()
        if said == _NOT_COPIED:
            return _room(folder / ARCHIVE, size)
        if not said:
            raise RefusedError("nothing has arrived", _AGAIN)
        return _install(folder / ARCHIVE, said, directory)


def _check_python() -> None:
    if sys.version_info < PYTHON:
        found, wanted = sys.version.split()[0], ".".join(map(str, PYTHON))
        raise RefusedError(f"its Python is {found}, the driver needs {wanted}", _OTHER_PYTHON)
    try:
        found = str(importlib.import_module("numpy").__version__)
    except ImportError as error:
        raise RefusedError("its Python cannot import NumPy", _OTHER_PYTHON) from error
    if tuple(map(int, re.findall(r"\d+", found)[:2])) < NUMPY:
        wanted = ".".join(map(str, NUMPY))
        raise RefusedError(f"its NumPy is {found}, the driver needs {wanted}", _OTHER_PYTHON)


@contextmanager
def _incoming(directory: Path, name: str) -> Iterator[Path]:
    """A folder for what arrives, of this program alone; it goes in any case.

    So do folders that were left behind: nobody holds their locks. Folders that are made for it go
    again while nothing is in them.
    """
    made = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # between making a folder and locking it
        stale = re.compile(rf"\.incoming-{name}-[a-z0-9_]{{8}}")
        for other in directory.iterdir():
            if stale.fullmatch(other.name):
                _tidy(other)
        folder = Path(tempfile.mkdtemp(prefix=f".incoming-{name}-", dir=directory))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    finally:
        os.close(handle)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
        for each in made:
            with suppress(OSError):
                each.rmdir()


def _tidy(folder: Path) -> None:
    """Remove a folder that nobody holds the lock of."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what, sort_keys=True), flush=True)


def _room(archive: Path, size: int) -> dict[str, Any]:
    """The free bytes, refused where the rest of what was to arrive has no room in them."""
    place = archive.parent.parent
    free = shutil.disk_usage(place).free
    found = archive.stat() if archive.is_file() else None
    written = min(found.st_size, found.st_blocks * _BLOCK) if found else 0
    missing = size - written  # scp writes in parallel: a full disk leaves holes
    if free < missing:
        problem = f"{place}: {free} bytes are free, {missing} are yet to arrive"
        raise RefusedError(problem, _FREE)
    return {"free": free}


def _version(folder: Path) -> str:
    try:
        return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _install(archive: Path, sha256: str, directory: Path) -> dict[str, Any]:
    """Install what has arrived, if it is what was sent."""
    if not archive.is_file():
        raise RefusedError("nothing has arrived", _AGAIN)
    _say({"step": "comparing"})
    found = hashlib.sha256()
    with archive.open("rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            found.update(piece)
    if found.hexdigest() != sha256:
        problem = f"arrived with SHA-256 {found.hexdigest()[:16]}, sent was {sha256[:16]}"
        raise RefusedError(problem, _AGAIN)
    return _run(archive, "--directory", str(directory), "--ask")


def _run(program: Path, *arguments: str) -> dict[str, Any]:
    """What an archive, or an installed version, says that it has done; its steps are passed on.

    It is ended where the other side has gone, up to the last step: before that it asks that side.
    """
    command = [sys.executable, "-B", str(program), "--json", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    answer, said = b"", b""
    with subprocess.Popen(command, **pipes) as running:
        try:
            for line in _lines(running):
                if line.startswith(_STEP):
                    print(line.decode(), flush=True)
                elif line.startswith(b"{"):
                    answer = line
                else:
                    said = line.strip() or said
        except BaseException:
            running.terminate()
            raise
    try:
        return dict(json.loads(answer.decode()))
    except ValueError:
        text = said.decode("utf-8", "replace") or f"ended with {running.returncode}"
        problem, _, hint = text.partition("; ")
        return {"refused": [problem, hint]}


def _lines(running: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """The lines that a program prints, at once; where standard input has ended, it is ended."""
    output, left = running.stdout.fileno() if running.stdout else -1, b""
    watched = select.poll()
    watched.register(output, select.POLLIN)
    watched.register(0, select.POLLRDHUP)
    while True:
        gone = any(handle == 0 for handle, _ in watched.poll())
        if gone:
            running.terminate()
        piece = b"" if gone else os.read(output, _PIECE)
        *lines, left = (left + piece).split(b"\n")
        if gone or _LAST_STEP in lines:
            with suppress(KeyError):  # that was so before
                watched.unregister(0)
        yield from lines
        if not gone and not piece:
            yield left
            return


def main(arguments: list[str] | None = None) -> int:
    """The exit code is 0, and refusals are in what is printed."""
    parser = argparse.ArgumentParser()
    for name, kind in (("directory", Path), ("name", str), ("version", str), ("size", int)):
        parser.add_argument(name, type=kind)
    given = parser.parse_args(arguments)
    directory = Path(os.path.abspath(given.directory.expanduser()))
    try:
        done = receive(directory, given.name, given.version, given.size)
    except RefusedError as error:
        done = {"refused": list(error.args)}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        done = {"refused": [f"{directory}: {error.strerror}", _FREE if full else _ELSEWHERE]}
    _say(done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
