"""The cache: one build a digest, whole or not at all, also between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache, digest_of

SLOW_BUILD = """
import os, sys, time
from pathlib import Path
from shiftloom.rtl_sim.cache import Cache

def build(folder):
    with open(sys.argv[2], "a") as log:
        log.write("built\\n")
    time.sleep(0.3)
    (folder / "result").write_text("whole")

print((Cache(Path(sys.argv[1])).get_or_build("entry", build) / "result").read_text())
"""


def _write(folder: Path) -> None:
    (folder / "result").write_text("whole")


def _refuse(folder: Path) -> None:
    raise AssertionError("built again")


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "not" / "there")
    entry = cache.get_or_build("entry", _write)
    assert cache.get_or_build("entry", _refuse) == entry
    assert (entry / "result").read_text() == "whole"


def test_an_interrupted_build_is_built_again(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    cache = Cache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.get_or_build("entry", interrupted)
    assert not (tmp_path / "entry").exists()
    assert not (cache.get_or_build("entry", _write) / "half").exists()


def test_what_a_killed_process_left_is_no_entry(tmp_path: Path) -> None:
    (tmp_path / "entry.partial").mkdir()
    (tmp_path / "entry.partial" / "half").touch()
    entry = Cache(tmp_path).get_or_build("entry", _write)
    assert [path.name for path in entry.iterdir()] == ["result"]


def test_processes_at_the_same_time_build_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SLOW_BUILD, str(tmp_path / "root"), str(tmp_path / "log")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0] for process in running] == ["whole\n"] * 3
    assert (tmp_path / "log").read_text() == "built\n"


def test_digest_separates_parts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"ab")
    digests = [("ab",), ("a", "b"), (b"ab",), (path,), ("ba",)]
    assert len({digest_of(*parts) for parts in digests}) == len(digests)
    assert digest_of("a", path) == digest_of("a", path)


@pytest.mark.parametrize("name", ["../entry", "a/b", "", "entry.lock", "entry.partial", ".x"])
def test_a_digest_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ShiftloomError, match="cannot name an entry; use the text of `digest_of`"):
        Cache(tmp_path).get_or_build(name, _write)
