"""A build that is quick to make, packages of it, and archives that are damaged on purpose."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import reload_nets as nets

from shiftloom import packaging
from shiftloom.codegen import fileset
from shiftloom.codegen.coding.build_file import build_bytes
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.packaging import Package

Member = tuple[zipfile.ZipInfo | str, bytes]


def written(folder: Path) -> OpenedBuild:
    """The build of a small network whose weights can be loaded."""
    fileset.write(nets.build().files, folder / "tiny")
    return open_build(folder / "tiny")


def weights(folder: Path, seed: int = 5) -> Path:
    """A file of other weights for that build."""
    path = folder / f"other{seed}.slw"
    path.write_bytes(build_bytes(nets.other(nets.build(), seed)[1]))
    return path


def packages(folder: Path) -> tuple[Package, Package]:
    """One with the build's own weights, and one with others: two versions."""
    build = written(folder)
    return packaging.package(build), packaging.package(build, weights=weights(folder))


def members(data: bytes) -> dict[str, bytes]:
    """The members of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(given: list[Member], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members, whatever they are named."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for info, content in given:
            made.writestr(info, content)
    return buffer.getvalue()


def with_member(data: bytes, info: zipfile.ZipInfo | str, content: bytes = b"x") -> bytes:
    """The archive with a further member."""
    return archive([*members(data).items(), (info, content)])


def with_manifest(data: bytes, **changes: Any) -> bytes:
    """The archive with other entries in its manifest."""
    found = members(data)
    manifest = {**json.loads(found["package.json"]), **changes}
    return archive(list({**found, "package.json": json.dumps(manifest).encode()}.items()))


def tree(folder: Path) -> Mapping[str, bytes]:
    """Every file and link below a folder."""
    return {
        path.relative_to(folder).as_posix(): bytes(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
