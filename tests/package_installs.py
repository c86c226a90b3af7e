"""Installing packages in the tests: in this process, or as a program of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import package_files as made
import pytest

from shiftloom.host import install
from shiftloom.host.install import InstallError

PASSED = {"state": "passed", "reason": "16 frames, every output integer right"}
SKIPPED = {"state": "skipped", "reason": "no overlay"}
FAILED = {"state": "failed", "reason": "1 wrong integers"}


def installed(path: Path, board: Path) -> dict[str, Any]:
    """Install an archive, and say what was done."""
    return install.install(install.read(path), board)


def refused(path: Path, board: Path) -> str:
    """The whole message of a refusal, the paths left out; nothing of it stays on the disk."""
    before = made.tree(board)
    with pytest.raises(InstallError) as caught:
        installed(path, board)
    assert made.tree(board) == before
    assert list(board.rglob(".new-*")) == []
    return str(caught.value).replace(f"{path}: ", "").replace(f"{board}/", "")


def run(program: Path, *arguments: object, limit: int | None = None) -> tuple[int, str, str]:
    """Exit code and outputs of `python3 program arguments`; `limit` bytes are in a file at most."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limited)
    return done.returncode, done.stdout, done.stderr
