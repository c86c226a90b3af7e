"""`shiftloom deploy` to an SSH daemon on the loopback: what arrives, is refused, and stays."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import board_sshd
import package_files as made
import pytest
from board_sshd import Sshd
from overlay_files import HWH, bit
from refusals import refuses
from test_cli import run

from shiftloom import packaging
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.packaging import Deployed, Package, Remote, wheel

AGAIN = "check that the board is on and in reach, then deploy again"


def names(board: Path) -> list[str]:
    """What is in the folder of the package, and of what is arriving."""
    found = [*board.glob("tiny/*"), *board.glob(".*")]
    return sorted(path.name for path in found)


def first_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs come before those of the daemon."""
    folder = tmp_path / "wrappers"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


# ---------------------------------------------------------------- what works


def test_package_is_installed_again_and_updated(
    first: Path,
    second: Path,
    board: Path,
    remote: Remote,
    versions: tuple[Package, Package],
) -> None:
    old, new = (each.version for each in versions)
    done = packaging.deploy(first, remote, str(board))
    overlay = board / "tiny" / old / "overlay"
    reason = f"there is no tiny.bit and no tiny.hwh; put it into {overlay}"
    assert (done.before, done.current, done.copied) == (None, old, first.stat().st_size)
    assert (done.state, done.reason) == ("skipped", reason)
    assert names(board) == sorted([old, "current"])
    before = made.tree(board)
    again = packaging.deploy(first, remote, str(board))
    assert (again.before, again.current, again.copied, again.state) == (old, old, 0, "skipped")
    assert made.tree(board) == before
    update = packaging.deploy(second, remote, str(board))
    assert (update.before, update.current) == (old, new)
    assert names(board) == sorted([old, new, "current"])
    (board / "tiny/current/registers.json").unlink()
    repaired = packaging.deploy(second, remote, str(board))
    assert (repaired.current, repaired.copied) == (f"{new}-1", second.stat().st_size)


def test_command_prints_a_summary(
    first: Path,
    board: Path,
    sshd: Sshd,
    versions: tuple[Package, Package],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = board.with_name("figures.json")
    options = ["--port", str(sshd.port), "--identity", str(sshd.key), "--directory", str(board)]
    options += ["--python", sys.executable, "--json", str(figures)]
    assert run(monkeypatch, "deploy", sshd.target, str(first), *options) == 0
    shown = capsys.readouterr().out
    assert f"{first.stat().st_size:,} bytes" in shown
    assert versions[0].version in shown
    found = json.loads(figures.read_text())
    assert (found["name"], found["state"]) == ("tiny", "skipped")
    assert run(monkeypatch, "deploy", sshd.target, str(first), *options) == 0
    assert "nothing: it is there, unchanged" in capsys.readouterr().out
    current = board / "tiny/current"
    for kind in ("bit", "hwh"):
        (current / f"overlay/tiny.{kind}").write_bytes(b"")
    assert run(monkeypatch, "deploy", sshd.target, str(first), *options) == 1
    reason = (
        "overlay/tiny.bit: begins with b'': no .bit file of AMD's tools; "
        "export both files again, for this board, and package them"
    )
    kept = f"{versions[0].version} stays in use"
    message = f"{sshd.target}: self-test failed: {reason}; {kept}\n"
    assert capsys.readouterr().err == message


def test_build_folder_is_packaged_first(
    tmp_path: Path,
    board: Path,
    sshd: Sshd,
    versions: tuple[Package, Package],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build = made.written(tmp_path)
    options = ["--port", str(sshd.port), "--identity", str(sshd.key), "--directory", str(board)]
    options += ["--python", sys.executable]
    assert run(monkeypatch, "deploy", sshd.target, str(build.folder), *options) == 0
    assert (board / "tiny/current").readlink() == Path(versions[0].version)


def test_the_only_package_is_the_default(
    first: Path,
    board: Path,
    sshd: Sshd,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(first.parent)
    options = ["--port", str(sshd.port), "--identity", str(sshd.key), "--directory", str(board)]
    options += ["--python", sys.executable]
    hint = "give the archive, or a build folder"
    assert run(monkeypatch, "deploy", sshd.target, *options) == 2
    message = f"shiftloom: PACKAGE: is missing: there is none in out/; {hint}\n"
    assert capsys.readouterr().err == message
    Path("out").mkdir()
    for name in ("a.zip", "b.zip"):
        Path("out", name).write_bytes(first.read_bytes())
    assert run(monkeypatch, "deploy", sshd.target, *options) == 2
    message = f"shiftloom: PACKAGE: is missing: out/a.zip, out/b.zip; {hint}\n"
    assert capsys.readouterr().err == message
    Path("out/b.zip").unlink()
    assert run(monkeypatch, "deploy", sshd.target, *options) == 0


DRIVER = """
import numpy as np
from pathlib import Path

class Accelerator:
    def __init__(self, folder):
        self.right = np.load(Path(folder) / "selftest/output0.npy")
    def load_weights(self, path):
        assert path.name == "tiny.slw"
    def predict(self, frames):
        return self.right + {off}
    def close(self):
        pass
"""
"""A driver for which every board is right, or wrong."""


def test_older_version_goes_when_the_new_one_has_passed(
    board: Path, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, modules = made.written(tmp_path), wheel._modules()
    (tmp_path / "top.bit").write_bytes(bit())
    (tmp_path / "top.hwh").write_bytes(HWH)

    def deployed(off: int, seed: int) -> Deployed:
        driver = {"shiftloom/host/accelerator.py": DRIVER.format(off=off).encode()}
        monkeypatch.setattr(wheel, "_modules", lambda: {**modules, **driver})
        weights = made.weights(tmp_path, seed)
        path = tmp_path / f"{off}.{seed}.zip"
        path.write_bytes(packaging.package(build, tmp_path / "top.bit", weights).data)
        return packaging.deploy(path, remote, str(board))

    first = deployed(0, 5)
    assert (first.state, first.reason) == ("passed", "16 frames, every output integer right")
    before = made.tree(board)
    failed = deployed(1, 6)
    assert (failed.state, failed.current) == ("failed", first.version)
    assert failed.reason == "64 wrong integers; " + failed.reason.partition("; ")[2]
    assert made.tree(board) == before
    second = deployed(0, 6)
    assert (second.before, second.current) == (first.version, second.version)
    assert names(board) == sorted([second.version, "current"])


# ---------------------------------------------------------------- on the way


def _flipped(place: Path) -> str:
    """A `scp` after whose work one byte on the far side is another."""
    return f"""
import subprocess, sys
code = subprocess.call(["{place}/scp", *sys.argv[1:]])
path = sys.argv[-1].partition(":")[2]
with open(path, "r+b") as file:
    file.seek(5000)
    byte = file.read(1)
    file.seek(5000)
    file.write(bytes([byte[0] ^ 1]))
sys.exit(code)
"""


def _cut(place: Path) -> str:
    """A `scp` whose connection ends after 20,000 bytes."""
    return f"""
import os, subprocess, sys
if sys.argv[1] == "-q":
    os.execv("{place}/scp", ["{place}/scp", "-S", os.path.abspath(sys.argv[0]), *sys.argv[1:]])
line = subprocess.Popen(["{place}/ssh", *sys.argv[1:]], stdin=subprocess.PIPE)
left = 20000
while left:
    data = os.read(0, left)
    left -= len(data)
    line.stdin.write(data)
    line.stdin.flush()
line.kill()
"""


def _killed(place: Path) -> str:
    """A `scp` that is interrupted together with this program."""
    return f"""
import os, signal, subprocess, sys
subprocess.check_call(["{place}/scp", *sys.argv[1:]])
os.kill(os.getppid(), signal.SIGINT)
"""


def test_flipped_byte_is_seen_on_the_far_side(
    first: Path,
    second: Path,
    board: Path,
    sshd: Sshd,
    remote: Remote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    versions: tuple[Package, Package],
) -> None:
    packaging.deploy(first, remote, str(board))
    before = made.tree(board)
    wrappers = first_on_path(tmp_path, monkeypatch)
    board_sshd.interpreter(wrappers / "scp", _flipped(sshd.programs))
    with pytest.raises(ShiftloomError) as caught:
        packaging.deploy(second, remote, str(board))
    start, _, end = str(caught.value).partition(", sent was ")
    assert start.startswith(f"{sshd.target}: arrived with SHA-256 ")
    assert end == f"{versions[1].sha256[:16]}; deploy again"
    assert made.tree(board) == before
    assert names(board) == sorted([versions[0].version, "current"])


def test_lost_connection_leaves_the_older_version(
    first: Path,
    second: Path,
    board: Path,
    sshd: Sshd,
    remote: Remote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    versions: tuple[Package, Package],
) -> None:
    packaging.deploy(first, remote, str(board))
    before = made.tree(board)
    wrappers = first_on_path(tmp_path, monkeypatch)
    board_sshd.interpreter(wrappers / "scp", _cut(sshd.programs))
    reason = f"the connection failed ({sshd.scp}: Connection closed)"
    with refuses(f"{sshd.target}: {reason}; {AGAIN}"):
        packaging.deploy(second, remote, str(board))
    assert made.tree(board) == before
    assert names(board) == sorted([versions[0].version, "current"])


def test_what_was_left_behind_goes_and_what_is_in_use_stays(
    first: Path, board: Path, remote: Remote, versions: tuple[Package, Package]
) -> None:
    stay = [".incoming-tiny-abcd_124", ".incoming-other-abcd_123", ".incoming-tiny-mine"]
    for name in (".incoming-tiny-abcd_123", *stay):
        (board / name).mkdir(parents=True)
        (board / name / "package.zip").write_bytes(b"x")
    handle = os.open(board / stay[0], os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    packaging.deploy(first, remote, str(board))
    os.close(handle)
    assert names(board) == sorted([*stay, versions[0].version, "current"])


def test_two_at_once_do_not_meet(
    first: Path,
    second: Path,
    board: Path,
    sshd: Sshd,
    remote: Remote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrappers = first_on_path(tmp_path, monkeypatch)
    both = f"echo >> {tmp_path}/here; until test $(wc -l < {tmp_path}/here) = 2; do sleep 0.1; done"
    board_sshd.program(wrappers / "scp", f'{both}; exec {sshd.programs}/scp "$@"')

    def deployed(path: Path) -> str:
        try:
            packaging.deploy(path, remote, str(board))
        except ShiftloomError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor() as pool:
        found = sorted(pool.map(deployed, (first, second)), reverse=True)
    refused = f"{sshd.target}: {board}/tiny: another installer is at work; wait for it"
    assert found in (["done", "done"], [refused, "done"])
    assert "current" in names(board)
    assert [name for name in names(board) if name.startswith(".")] == []


def test_copy_that_did_not_arrive_is_said(
    first: Path, board: Path, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrappers = first_on_path(tmp_path, monkeypatch)
    board_sshd.program(wrappers / "scp", "exit 0")
    with refuses(f"{remote.target}: nothing has arrived; deploy again"):
        packaging.deploy(first, remote, str(board))
    assert not board.exists()


def test_interruption_leaves_nothing(
    first: Path,
    board: Path,
    sshd: Sshd,
    remote: Remote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrappers = first_on_path(tmp_path, monkeypatch)
    board_sshd.interpreter(wrappers / "scp", _killed(sshd.programs))
    with pytest.raises(KeyboardInterrupt):
        packaging.deploy(first, remote, str(board))
    assert not board.exists()
