"""`shiftloom deploy`: what it says meanwhile, packages first, and does not take into use."""

from __future__ import annotations

import sys
from pathlib import Path

import board_sshd
import numpy as np
import package_files as made
import pytest
import reload_nets as nets
from board_sshd import Sshd
from overlay_files import HWH, bit
from refusals import refuses
from test_cli import run
from test_deploy import names

from shiftloom import packaging
from shiftloom.packaging import Package, Remote


def test_options_of_package_are_for_a_build_folder(
    tmp_path: Path,
    board: Path,
    sshd: Sshd,
    first: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build, bitfile, frames = made.written(tmp_path), tmp_path / "top.bit", tmp_path / "mine.npz"
    bitfile.write_bytes(bit())
    bitfile.with_suffix(".hwh").write_bytes(HWH)
    np.savez(frames, x=nets.frames(3, 40), y=np.arange(40, dtype=np.uint8) % 4)
    options = ["--port", str(sshd.port), "--identity", str(sshd.key), "--directory", str(board)]
    given = {"bitfile": bitfile, "weights": made.weights(tmp_path), "frames": frames, "images": 7}
    pairs = {f"--{name}": str(value) for name, value in given.items()}
    options += ["--python", sys.executable, *(text for pair in pairs.items() for text in pair)]
    assert run(monkeypatch, "deploy", sshd.target, str(build.folder), *options) == 0
    current = board / "tiny/current"
    assert (current / "overlay/tiny.bit").read_bytes() == bit()
    assert (current / "weights/tiny.slw").read_bytes() == given["weights"].read_bytes()
    assert np.load(current / "selftest/labels.npy").tolist() == [0, 1, 2, 3, 0, 1, 2]
    capsys.readouterr()
    for option, value in {**pairs, "--data": str(tmp_path)}.items():
        hint = f"give the build folder, or {option} to shiftloom package"
        message = f"{option}: is for a build folder, not for an archive; {hint}\n"
        for source in ([str(first)], []):
            assert run(monkeypatch, "deploy", sshd.target, *source, option, value) == 2
            assert capsys.readouterr().err == f"shiftloom: {message}"


def test_version_that_cannot_be_tested_is_not_taken_into_use(
    first: Path,
    second: Path,
    board: Path,
    sshd: Sshd,
    versions: tuple[Package, Package],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--port", str(sshd.port), "--identity", str(sshd.key), "--directory", str(board)]
    options += ["--python", sys.executable]
    assert run(monkeypatch, "deploy", sshd.target, str(first), *options) == 0
    old, new = (each.version for each in versions)
    for kind in ("bit", "hwh"):
        (board / f"tiny/current/overlay/tiny.{kind}").write_bytes(b"")
    assert run(monkeypatch, "deploy", sshd.target, str(second), *options) == 1
    overlay = board / "tiny" / new / "overlay"
    assert capsys.readouterr().err == (
        f"{sshd.target}: self-test skipped: there is no tiny.bit and no tiny.hwh; put it into "
        f"{overlay}; {old} stays in use; deploy with a bitstream by --bitfile, and give the Python "
        "that has pynq by --python\n"
    )
    assert names(board) == sorted([old, new, "current"])
    assert (board / "tiny/current").readlink() == Path(old)


TESTING = ["Running the self-test"]
INSTALLING = ["Comparing what has arrived", "Installing", *TESTING]


def test_each_step_is_said(first: Path, board: Path, remote: Remote) -> None:
    said: list[str] = []
    copying = f"Copying {first.stat().st_size:,} bytes"
    packaging.deploy(first, remote, str(board), said.append)
    assert said == ["Asking the board", copying, *INSTALLING, "Taking it into use"]
    said.clear()
    packaging.deploy(first, remote, str(board), said.append)
    assert said == ["Asking the board", *TESTING]


def test_step_is_said_before_it_is_done(
    first: Path, board: Path, sshd: Sshd, tmp_path: Path
) -> None:
    """The board goes on only when this side has heard of its step."""
    heard = tmp_path / "heard"
    lines = """echo '{"step": "testing"}'; echo '{"step": "other"}'; echo '{"step": []}'"""
    python = tmp_path / "python"
    answer = """echo '{"refused": ["heard", "done"]}'"""
    board_sshd.program(python, f"{lines}; until test -e {heard}; do sleep 0.1; done; {answer}")
    remote, said = Remote(sshd.target, sshd.port, sshd.key, str(python)), []

    def begins(step: str) -> None:
        said.append(step)
        if step in TESTING:
            heard.touch()

    with refuses(f"{sshd.target}: heard; done"):
        packaging.deploy(first, remote, str(board), begins)
    assert said == ["Asking the board", *TESTING]
