"""The installer of a package refuses every damage of an archive, and leaves what was there."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import package_files as made
import pytest
from package_installs import installed, refused

from shiftloom.host import install
from shiftloom.host.install import InstallError
from shiftloom.packaging import Package

pytestmark = pytest.mark.usefixtures("quick")


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
        lambda data: made.with_manifest(data, driver="x-0.1.0-x.whl"),
        "has no driver of version 0.1.0, but 'x-0.1.0-x.whl'; package it again",
    ),
    "other driver": (
        lambda data: made.with_manifest(data, shiftloom="0.2.0"),
        "has no driver of version 0.2.0, but 'driver/shiftloom_host-0.1.0-py3-none-any.whl'; "
        "package it again",
    ),
    "other design": (
        lambda data: made.with_manifest(data, digest="ab" * 32),
        "host/accelerator.json is of the design DIGEST, the manifest of abababababababab; "
        "package it again",
    ),
    "files": (
        lambda data: made.with_manifest(data, files=[1]),
        "is damaged (cannot convert dictionary update sequence element #0 to a sequence); "
        "package or copy it again",
    ),
    "entries": (
        lambda data: made.with_manifest(data, files={"x": 1, "x-0.1.0-x": 1}, driver="x-0.1.0-x"),
        "is damaged ('int' object is not subscriptable); package or copy it again",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_archive_is_refused(
    damage: str, first: Path, second: Path, board: Path, versions: tuple[Package, ...]
) -> None:
    installed(second, board)
    change, message = DAMAGES[damage]
    first.write_bytes(change(first.read_bytes()))
    digest = str(versions[0].manifest["digest"])[:16]
    assert refused(first, board) == message.replace("DIGEST", digest)


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
    count = len(made.members(first.read_bytes()))
    assert refused(first, board) == f"has {count} members, at most 5 are read"


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
            assert install.damaged((board / "tiny/current").resolve()) is None
            shutil.rmtree(board)
            installed(second, board)


def test_missing_archive_is_refused(tmp_path: Path, board: Path) -> None:
    message = "cannot be read: No such file or directory; check the path"
    assert refused(tmp_path / "none.zip", board) == message
