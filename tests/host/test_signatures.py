"""The comparison of the stand-in with pynq, in the environment of the board; what it finds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pynq_standin as standin
import pytest
from signatures import CLASSES, FUNCTIONS, differences

ROOT = Path(__file__).parents[2]
PYTEST = ROOT / ".venv-board/bin/pytest"


def test_the_stand_in_is_called_as_pynq_is() -> None:
    if not PYTEST.exists():
        reason = "no environment with pynq: make board"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    tests = Path(__file__).with_name("board_signatures.py")
    command = [PYTEST, "-q", "--noconftest", "-p", "no:cacheprovider", tests]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CLASSES) + len(FUNCTIONS)} passed" in done.stdout


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
