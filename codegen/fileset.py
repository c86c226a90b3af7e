"""A build as a map of paths to contents, its manifest, and the one atomic writer."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError

MANIFEST = "manifest.json"

FileSet = Mapping[str, bytes]
"""Relative POSIX path → content."""

RESULTS = (
    *("vivado/*", "overlay/*"),
    *("hls/*_project/*", "hls/*.log", "hls/logs/*", "hls/.Xil/*"),
)
"""Where the scripts and tools of vendors leave their results in a build, and users a bitstream.

Nothing else of a build is compiled with what lies there.
"""


def json_bytes(value: object) -> bytes:
    """Canonical JSON: sorted keys, two spaces, final newline."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def with_manifest(files: FileSet) -> FileSet:
    """The files and a manifest of their SHA-256 digests."""
    digests = {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    return {**files, MANIFEST: json_bytes({"files": digests})}


def write(files: FileSet, folder: Path) -> None:
    """Write a build so that `folder` is either what it was or complete.

    The files go to a fresh folder beside it, which then takes its place. An existing folder is
    replaced only if it is empty or a build. Raises ShiftloomError on a disk that is full, say.
    """
    staging: Path | None = None
    try:
        check_target(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        for path in sorted(files):
            target = staging / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[path])
        staging.chmod(0o755)
        _replace(staging, folder)
    except OSError as error:
        raise ShiftloomError(
            str(folder),
            f"cannot be written: {error.strerror}",
            "free space or choose another folder",
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def check_target(folder: Path) -> None:
    """Refuse to write over anything but a build or an empty folder."""
    if folder.exists() and not folder.is_dir():
        raise ShiftloomError(str(folder), "is a file", "give another output folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ShiftloomError(
            str(folder), "holds files that are not a build", "give another output folder"
        )


def _replace(staging: Path, folder: Path) -> None:
    """Move `staging` to `folder`, the old one aside first and then away."""
    old = staging.with_name(staging.name + "-old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(staging, folder)
    except BaseException:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_file(path: Path, content: bytes) -> None:
    """Write one file atomically, through a symbolic link to its target.

    Raises ShiftloomError naming the file, also where it is no regular one (a device, a folder).
    """
    staging: Path | None = None
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            raise ShiftloomError(str(path), "is no regular file", "give another place")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        staging = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        staging.chmod(0o644)
        os.replace(staging, path)
    except OSError as error:
        raise ShiftloomError(
            str(path), f"cannot be written: {error.strerror}", "free space or choose another place"
        ) from error
    finally:
        if staging is not None:
            staging.unlink(missing_ok=True)


def _files(folder: Path) -> list[str]:
    """Relative paths of everything in a build folder that is no folder."""
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()]


def verify(folder: Path) -> None:
    """Check a build against its manifest; raises ShiftloomError naming the first bad file.

    Files that are not of the build are refused but for `RESULTS`.
    """
    manifest = folder / MANIFEST
    try:
        digests = json.loads(manifest.read_text("utf-8"))["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ShiftloomError(
            str(folder), "is no complete build", "run shiftloom build again"
        ) from error
    for path, digest in digests:
        try:
            inside = (folder / path).resolve() == folder.resolve() / path
            content = (folder / path).read_bytes() if inside else b""
        except (OSError, ValueError) as error:
            raise ShiftloomError(str(folder / path), "is missing", "build again") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ShiftloomError(str(folder / path), "was changed since the build", "build again")
    listed = {path for path, _ in digests} | {MANIFEST}
    surplus = sorted(
        path
        for path in _files(folder)
        if path not in listed and not any(fnmatchcase(path, each) for each in RESULTS)
    )
    if surplus:
        raise ShiftloomError(str(folder / surplus[0]), "is not of the build", "remove it")
