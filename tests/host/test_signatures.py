"""The comparison of the stand-in with pynq, in the environment of the board; what it finds."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pynq_standin as standin
import pytest
from board_python import board_python, environment
from signatures import CLASSES, FUNCTIONS, differences


def _on_the_board(file: str, folder: Path) -> str:
    """What pytest says of a file, run by the Python of the board."""
    command = [board_python(), "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, Path(__file__).with_name(file)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env=environment(folder),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_stand_in_is_called_as_pynq_is(tmp_path: Path) -> None:
    passed = _on_the_board("board_signatures.py", tmp_path)
    assert f"{len(CLASSES) + len(FUNCTIONS) + 1} passed" in passed


def test_frames_are_packed_with_the_numpy_of_the_board(tmp_path: Path) -> None:
    assert " passed" in _on_the_board("test_frames.py", tmp_path)


class Changed:
    """Otherwise in a name, in a default, in being a coroutine, in being a property."""

    def transfer(self, buffer: Any, start: int = 0, nbytes: int = 0) -> None: ...

    def stop(self, now: bool = False) -> None: ...

    async def wait(self) -> None: ...

    def idle(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["transfer", "stop", "wait", "idle", "start"])
def test_a_difference_is_seen(name: str) -> None:
    assert len(list(differences(Changed, standin._SDMAChannel, (name,)))) == 1
