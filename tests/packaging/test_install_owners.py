"""The installer takes away what installers have made, and nothing else; a saved notebook stays."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import package_files as made
import pytest
from package_installs import PASSED, SKIPPED, installed, refused, run

from shiftloom.host import install
from shiftloom.packaging import Package

pytestmark = pytest.mark.usefixtures("quick")
VERSION = "0123456789abcdef"


@pytest.fixture
def passing(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every self-test passes."""
    monkeypatch.setattr(install, "self_test", lambda _: PASSED)


def put(home: Path, *names: str) -> dict[str, bytes]:
    """Somebody's own files in a folder, by name."""
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(name.encode())
    return {name: name.encode() for name in names}


OWN = (
    "my_thesis/data.txt",
    "notes.md",
    f"{VERSION}/own.txt",
    f"{VERSION}-1/package.json",
    f"{VERSION}-thesis/package.json",
    ".new-mine/x",
    ".new-abcdefg.txt",
    ".new-abcdefgh",
)


@pytest.mark.usefixtures("passing")
def test_files_of_others_stay(
    first: Path, second: Path, board: Path, versions: tuple[Package, ...]
) -> None:
    home = board / "tiny"
    own = put(home, *OWN)
    (home / f"{VERSION}-2").symlink_to("my_thesis")
    own[f"{VERSION}-2"] = b"my_thesis"
    put(home, ".new-abcd_123/left/behind")
    for path in (first, second, first):
        installed(path, board)
    found = made.tree(home)
    new = {name for name in found if name not in own}
    assert {name: found[name] for name in own} == own
    assert {name.partition("/")[0] for name in new} == {versions[0].version, "current"}


@pytest.mark.usefixtures("passing")
def test_notebook_saved_in_place_is_no_damage_and_stays(
    first: Path, second: Path, board: Path, versions: tuple[Package, ...]
) -> None:
    home, (old, new) = board / "tiny", (each.version for each in versions)
    installed(first, board)
    own = put(home / "current", "tiny.ipynb", ".ipynb_checkpoints/tiny-checkpoint.ipynb")
    own |= put(home / "current", "selftest/mine.npy")
    assert run(home / "current")[0] == 0
    before = made.tree(home)
    assert installed(first, board)["current"] == old
    assert made.tree(home) == before
    assert installed(second, board)["current"] == new
    assert made.tree(home / old) == own
    assert sorted(path.name for path in home.iterdir()) == sorted([old, new, "current"])
    assert installed(first, board)["current"] == f"{old}-1"
    assert made.tree(home / old) == own


@pytest.mark.usefixtures("passing")
def test_changed_and_foreign_members_stay(
    first: Path, second: Path, board: Path, tmp_path: Path, versions: tuple[Package, ...]
) -> None:
    installed(first, board)
    old, outside = board / "tiny" / versions[0].version, tmp_path / "outside"
    (old / "host").rename(outside)
    (old / "host").symlink_to(outside)
    (old / "registers.json").write_bytes(b"mine")
    before = made.tree(outside)
    installed(second, board)
    assert made.tree(outside) == before
    assert made.tree(old) == {"host": bytes(outside), "registers.json": b"mine"}


@pytest.mark.usefixtures("passing")
@pytest.mark.parametrize("files", [{"../../outside": {"sha256": ""}}, {"x": 1}, [1], None])
def test_forged_manifest_reaches_nothing_outside(files: object, first: Path, board: Path) -> None:
    put(board, "outside")
    if isinstance(files, dict) and "x" not in files:
        files = {"../../outside": {"sha256": hashlib.sha256(b"outside").hexdigest()}}
    text = json.dumps({"files": files}).encode()
    folder = board / "tiny" / hashlib.sha256(text).hexdigest()[:16]
    folder.mkdir(parents=True)
    (folder / "package.json").write_bytes(text)
    installed(first, board)
    assert (board / "outside").read_bytes() == b"outside"


def _folder(link: Path) -> None:
    put(link, "data.txt")


def _file(link: Path) -> None:
    link.write_bytes(b"x")


def _elsewhere(link: Path) -> None:
    put(link.parent, "my_thesis/data.txt")
    link.symlink_to("my_thesis")


@pytest.mark.parametrize("kind", [_folder, _file, _elsewhere])
def test_current_of_others_is_refused(
    kind: Callable[[Path], None], first: Path, board: Path
) -> None:
    (board / "tiny").mkdir(parents=True)
    kind(board / "tiny/current")
    hint = "move it away, or choose another folder by --directory"
    assert refused(first, board) == f"tiny/current: is no link to a version; {hint}"


# ---------------------------------------------------------------- versions that cannot be tested


def test_version_that_cannot_be_tested_replaces_none_that_can_run(
    first: Path,
    second: Path,
    board: Path,
    monkeypatch: pytest.MonkeyPatch,
    versions: tuple[Package, ...],
) -> None:
    home, (old, new) = board / "tiny", (each.version for each in versions)
    installed(first, board)
    put(home / "current/overlay", "tiny.bit", "tiny.hwh")
    before = made.tree(home)
    found = installed(second, board)
    assert (found["before"], found["current"], found["version"]) == (old, old, new)
    assert install.sentences(found) == (
        f"tiny {new} was not taken into use; {old} stays\nSelf-test skipped: no overlay\n"
        "Install it again with a bitstream, and by the Python that has pynq."
    )
    assert {name: made.tree(home)[name] for name in before} == before
    assert installed(first, board)["current"] == old
    put(home / new / "overlay", "tiny.bit", "tiny.hwh")
    monkeypatch.setattr(install, "self_test", lambda _: PASSED)
    assert installed(second, board)["current"] == new
    assert sorted(os.listdir(home)) == sorted([new, "current"])


def test_version_that_waits_gives_exit_code_1(first: Path, second: Path, board: Path) -> None:
    installed(first, board)
    put(board / "tiny/current/overlay", "tiny.bit", "tiny.hwh")
    status, shown, _ = run(second, "--directory", board)
    assert (status, shown.partition("; ")[0].endswith("was not taken into use")) == (1, True)
    (board / "tiny/current/overlay/tiny.hwh").unlink()
    assert run(second, "--directory", board)[0] == 0


def test_found_version_that_fails_stays_as_it_was(
    first: Path, second: Path, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not installed just now, and may hold somebody's files."""
    installed(first, board)
    installed(second, board)
    before = made.tree(board)
    failed = {**SKIPPED, "state": "failed"}
    monkeypatch.setattr(install, "self_test", lambda _: failed)
    installed(first, board)
    assert made.tree(board) == before
