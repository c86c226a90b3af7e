"""Builds on disk: written whole or not at all, never over foreign files, checked by digest."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from refusals import refuses

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import MANIFEST, json_bytes, verify, with_manifest, write, write_file

OLD = with_manifest({"design.json": b"{}\n", "rtl/top.sv": b"old\n"})
NEW = with_manifest({"design.json": b"{}\n", "rtl/top.sv": b"new\n", "hls/top.cpp": b"x\n"})


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def build(tmp_path: Path) -> Path:
    write(OLD, tmp_path / "out" / "net")
    return tmp_path / "out" / "net"


def failing(error: int, after: int = 0) -> Callable[..., object]:
    """A stand-in for a system call that fails on its call number `after`."""
    calls = [0]

    def call(*args: object, **_: object) -> object:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(error, os.strerror(error))
        return None

    return call


def test_a_build_is_written_and_verified(build: Path) -> None:
    assert content(build) == OLD
    verify(build)
    assert os.listdir(build.parent) == ["net"]


def test_a_build_replaces_a_build(build: Path) -> None:
    write(NEW, build)
    assert content(build) == NEW
    assert os.listdir(build.parent) == ["net"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    write(OLD, tmp_path / "net")
    assert content(tmp_path / "net") == OLD


def test_foreign_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with refuses(f"{tmp_path}: holds files that are not a build; give another output folder"):
        write(OLD, tmp_path)
    assert content(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_text("mine")
    with refuses(f"{path}: is a file; give another output folder"):
        write(OLD, path)
    assert path.read_text() == "mine"


def test_a_full_disk_leaves_the_old_build(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", failing(errno.ENOSPC, 1))
    with refuses(
        f"{build}: cannot be written: No space left on device; free space or choose another folder"
    ):
        write(NEW, build)
    assert content(build) == OLD
    assert os.listdir(build.parent) == ["net"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with refuses(
        f"{tmp_path / 'file' / 'net'}: cannot be written: File exists; "
        "free space or choose another folder"
    ):
        write(NEW, tmp_path / "file" / "net")


def test_a_folder_that_cannot_be_listed_is_refused(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", failing(errno.EACCES))
    with refuses(
        f"{build}: cannot be written: Permission denied; free space or choose another folder"
    ):
        write(NEW, build)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_write_leaves_the_old_build(
    build: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    original, calls = Path.write_bytes, [0]

    def interrupted(path: Path, data: bytes) -> int:
        calls[0] += 1
        if calls[0] == 3:
            raise error
        return original(path, data)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(error):
        write(NEW, build)
    assert content(build) == OLD
    assert os.listdir(build.parent) == ["net"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_an_interruption_between_the_two_renames_restores_the_old_build(
    build: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    original, calls = os.replace, [0]

    def interrupted(source: Path, target: Path) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise error
        original(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises((KeyboardInterrupt, ShiftloomError)):
        write(NEW, build)
    assert calls == [3]
    assert content(build) == OLD
    assert os.listdir(build.parent) == ["net"]


def test_a_first_build_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with refuses(
        f"{tmp_path / 'net'}: cannot be written: Input/output error; "
        "free space or choose another folder"
    ):
        write(NEW, tmp_path / "net")
    assert os.listdir(tmp_path) == []


def test_a_changed_byte_is_found(build: Path) -> None:
    for path in sorted(OLD):
        if path == MANIFEST:
            continue
        data = bytearray((build / path).read_bytes())
        data[0] ^= 1
        (build / path).write_bytes(data)
        with refuses(f"{build / path}: was changed since the build; build again"):
            verify(build)
        (build / path).write_bytes(OLD[path])
    verify(build)


def test_a_missing_file_is_found(build: Path) -> None:
    (build / "rtl" / "top.sv").unlink()
    with refuses(f"{build / 'rtl' / 'top.sv'}: is missing; build again"):
        verify(build)


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b"[]", b'{"files": []}', b'{"files": 1}', b"\xff", b"null"]
)
def test_a_damaged_manifest_is_no_build(build: Path, manifest: bytes) -> None:
    (build / MANIFEST).write_bytes(manifest)
    with refuses(f"{build}: is no complete build; run shiftloom build again"):
        verify(build)


def test_a_folder_without_manifest_is_no_build(tmp_path: Path) -> None:
    with refuses(f"{tmp_path}: is no complete build; run shiftloom build again"):
        verify(tmp_path)


def test_a_hostile_path_in_a_manifest_is_no_file(build: Path) -> None:
    (build / MANIFEST).write_bytes(json_bytes({"files": {"a\0b": "0"}}))
    with refuses(f"{build}/a\0b: is missing; build again"):
        verify(build)


def test_the_manifest_covers_every_file() -> None:
    listed = json.loads(NEW[MANIFEST])["files"]
    assert set(listed) == set(NEW) - {MANIFEST}
    assert all(len(digest) == 64 for digest in listed.values())


def test_json_is_canonical() -> None:
    assert json_bytes({"b": [1], "a": "é"}) == '{\n  "a": "é",\n  "b": [\n    1\n  ]\n}\n'.encode()


def test_one_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    write_file(path, b"first")
    write_file(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_one_file_on_a_full_disk_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_file(path, b"old")
    monkeypatch.setattr(os, "replace", failing(errno.ENOSPC))
    with refuses(
        f"{path}: cannot be written: No space left on device; free space or choose another place"
    ):
        write_file(path, b"new")
    assert content(tmp_path) == {"report.html": b"old"}


def test_one_file_over_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with refuses(f"{tmp_path / 'report'}: is no regular file; give another place"):
        write_file(tmp_path / "report", b"new")
    assert os.listdir(tmp_path) == ["report"]


def test_a_file_that_is_not_of_the_build_is_refused(build: Path) -> None:
    (build / "rtl").mkdir(exist_ok=True)
    (build / "rtl" / "planted.sv").write_text("module planted; endmodule\n")
    with refuses(f"{build / 'rtl' / 'planted.sv'}: is not of the build; remove it"):
        verify(build)


@pytest.mark.parametrize("path", ["hls/ap_int.h", "hls/tiny_project.h", "vivado.bit", "overlay"])
def test_what_could_be_taken_for_the_build_is_refused(build: Path, path: str) -> None:
    (build / path).parent.mkdir(exist_ok=True)
    (build / path).touch()
    with refuses(f"{build / path}: is not of the build; remove it"):
        verify(build)


@pytest.mark.parametrize(
    "path",
    [
        *("vivado/lenet5.bit", "vivado/lenet5.hwh", "vivado/timing.rpt", "vivado/vivado.jou"),
        *("vivado/work/ip/component.xml", "hls/lenet5_project/solution1/sim/x.log", "hls/a.log"),
        *("overlay/lenet5.bit", "overlay/lenet5.hwh"),
    ],
)
def test_results_of_tools_may_lie_in_a_build(build: Path, path: str) -> None:
    (build / path).parent.mkdir(exist_ok=True, parents=True)
    (build / path).touch()
    verify(build)


def test_a_path_that_leaves_the_build_is_refused(build: Path) -> None:
    (build.parent / "secret").write_bytes(b"x")
    (build / MANIFEST).write_bytes(json_bytes({"files": {"../secret": sha256(b"x").hexdigest()}}))
    with refuses(f"{build}/../secret: was changed since the build; build again"):
        verify(build)


def test_a_file_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"
