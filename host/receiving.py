"""What `shiftloom deploy` runs on the board: this file is sent to its Python as a program.

`prepare` makes a folder for the archive, or finds its version installed and tests that; `install`
compares the SHA-256 of what has arrived and runs the archive's own installer; `discard` removes the
folder. Each prints a line of JSON for each `step`, and a last one with what it has done, or has
`refused`. Standard library only.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PYTHON = (3, 10)
"""The oldest that the driver runs on."""
ARCHIVE = "package.zip"
MANIFEST = "package.json"
_COPIES = 3
"""Times the archive's size that must be free: itself, unpacked, and the driver once more."""
_SPARE = 1 << 20
_PIECE = 1 << 20
_ELSEWHERE = "choose another folder by --directory"
_FREE = f"free space, or {_ELSEWHERE}"
_STEP = b'{"step": '
"""How the line of a step begins."""


class RefusedError(Exception):
    """A problem, and what would help."""


def prepare(directory: Path, name: str, version: str, size: int) -> dict[str, Any]:
    """Where an archive of `size` bytes goes, or the self-test of its version, if that is in use."""
    if sys.version_info < PYTHON:
        found, wanted = sys.version.split()[0], ".".join(map(str, PYTHON))
        hint = "give another one by --python"
        raise RefusedError(f"its Python is {found}, the driver needs {wanted}", hint)
    if importlib.util.find_spec("numpy") is None:
        hint = "give the Python that has pynq by --python"
        raise RefusedError("its Python has no NumPy", hint)
    current = directory / name / "current"
    if _version(current) == version:
        done = _run(current)
        if "refused" not in done:
            return done
    folder = directory / f".incoming-{name}"
    discard(folder)
    folder.mkdir(parents=True)
    free, needed = shutil.disk_usage(folder).free, _COPIES * size + _SPARE
    if free < needed:
        folder.rmdir()
        problem = f"{directory}: {free} bytes are free, {needed} are needed"
        raise RefusedError(problem, _FREE)
    return {"archive": str(folder / ARCHIVE)}


def _version(folder: Path) -> str:
    try:
        return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def install(folder: Path, sha256: str, directory: Path) -> dict[str, Any]:
    """Install the archive in `folder` below `directory`; the folder goes in any case."""
    try:
        if not (folder / ARCHIVE).is_file():
            raise RefusedError("nothing has arrived", "deploy again")
        found = hashlib.sha256()
        print(json.dumps({"step": "comparing"}), flush=True)
        with (folder / ARCHIVE).open("rb") as file:
            for piece in iter(lambda: file.read(_PIECE), b""):
                found.update(piece)
        if found.hexdigest() != sha256:
            problem = f"arrived with SHA-256 {found.hexdigest()[:16]}, sent was {sha256[:16]}"
            raise RefusedError(problem, "deploy again")
        return _run(folder / ARCHIVE, "--directory", str(directory))
    finally:
        discard(folder)


def discard(folder: Path) -> dict[str, Any]:
    """Remove what has arrived, if anything has."""
    shutil.rmtree(folder, ignore_errors=True)
    return {}


def _run(program: Path, *arguments: str) -> dict[str, Any]:
    """What an archive, or an installed version, says that it has done; its steps are passed on."""
    command = [sys.executable, "-B", str(program), "--json", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    answer, said = b"", b""
    with subprocess.Popen(command, **pipes) as running:
        for line in running.stdout or ():
            if line.startswith(_STEP):
                print(line.decode().strip(), flush=True)
            elif line.startswith(b"{"):
                answer = line
            else:
                said = line.strip() or said
    try:
        return dict(json.loads(answer.decode()))
    except ValueError:
        text = said.decode("utf-8", "replace") or f"ended with {running.returncode}"
        problem, _, hint = text.partition("; ")
        return {"refused": [problem, hint]}


_COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "prepare": prepare,
    "install": install,
    "discard": discard,
}


def main(arguments: list[str] | None = None) -> int:
    """Do one command; the exit code is 0, and refusals are in what is printed."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command")
    command = commands.add_parser("prepare")
    for name, kind in (("directory", Path), ("name", str), ("version", str), ("size", int)):
        command.add_argument(name, type=kind)
    command = commands.add_parser("install")
    for name, kind in (("folder", Path), ("sha256", str), ("directory", Path)):
        command.add_argument(name, type=kind)
    commands.add_parser("discard").add_argument("folder", type=Path)
    given = vars(parser.parse_args(arguments))
    function = _COMMANDS[given.pop("command")]
    if "directory" in given:
        given["directory"] = Path(os.path.abspath(given["directory"].expanduser()))
    try:
        done = function(**given)
    except RefusedError as error:
        done = {"refused": list(error.args)}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = _FREE if full else _ELSEWHERE
        done = {"refused": [f"{given['directory']}: {error.strerror}", hint]}
    print(json.dumps(done, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
