"""A board over SSH: the system's `ssh` and `scp`, with argument lists and no shell on this side.

A command for the far side goes through a shell there. It consists of fixed words and of arguments
that were matched against a strict pattern and are quoted besides.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.grids import printable

_TARGET = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9_.-]*")
_PATH = re.compile(r"(?:~?/)?[A-Za-z0-9_.+][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_.+][A-Za-z0-9_.+-]*)*")
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
}
"""Nobody is asked for a password, and a dead connection ends."""
_SSH_FAILED, _NO_COMMAND, _NOT_EXECUTABLE = 255, 127, 126
_REASON = 300
"""Characters of a message of the far side that are shown."""
STEPS = {
    "comparing": "Comparing what has arrived",
    "installing": "Installing",
    "testing": "Running the self-test",
}
"""What is said on this side of the steps there."""
_CAUSES = (
    (
        "Permission denied (",
        "does not take your key",
        "put it there by ssh-copy-id, or give another by --identity",
    ),
    (
        "Host key verification failed",
        "has a host key that is not known, or another one than before",
        "connect by ssh once and compare the key",
    ),
    ("Could not resolve hostname", "is no host that is known", "check the name"),
)
"""What ssh says, the problem, and what would help; else the connection was lost, or never made."""


def _silent(_: object) -> None:
    """Nobody hears of it."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A board `target`, USER@BOARD; `python` is the program there that runs the driver."""

    target: str
    port: int | None = None
    identity: Path | None = None
    python: str = "python3"

    def __post_init__(self) -> None:
        if not _TARGET.fullmatch(self.target):
            hint = "write USER@BOARD with letters, digits, dots, dashes and underscores, "
            hint += "or a name of ~/.ssh/config that stands for another address"
            raise ShiftloomError(f"target {shown(self.target)}", "is no host", hint)
        check_path("--python", self.python)
        if self.identity is not None and not self.identity.is_file():
            raise ShiftloomError(f"--identity {self.identity}", "is no file", "check the path")

    def ask(self, *arguments: str, begins: Callable[[str], None] = _silent) -> dict[str, Any]:
        """Run a command of `host/receiving.py` there; raises ShiftloomError where it is refused.

        `begins` hears of each step there when it begins.
        """
        program = (resources.files("shiftloom.host") / "receiving.py").read_bytes()
        command = f"{self.python} - {shlex.join(arguments)}"
        parts = ["ssh", *self._options("-p"), "--", self.target, command]
        done = self._call(parts, program, lambda line: _tell(line, begins))
        if done.returncode != 0:
            raise self._failed(done)
        try:
            found = dict(json.loads(done.stdout.decode().splitlines()[-1]))
            problem, hint = (shortened(str(text)) for text in found.get("refused", ("", "")))
        except (ValueError, IndexError, TypeError, RecursionError) as error:
            problem = f"{self.python} there says {shown(done.stdout.decode('utf-8', 'replace'))}"
            raise ShiftloomError(self.target, problem, "give a Python by --python") from error
        if problem:
            raise ShiftloomError(self.target, problem, hint)
        return found

    def copy(self, path: Path, place: str) -> None:
        """Copy a file to a path there."""
        check_path(f"{self.target}: its folder", place)
        command = ["scp", "-q", "-C", *self._options("-P"), "--"]
        done = self._call([*command, str(path.resolve()), f"{self.target}:{place}"], b"", _silent)
        if done.returncode != 0:
            raise self._failed(done)

    def _options(self, port: str) -> list[str]:
        given = [f"-o{name}={value}" for name, value in _OPTIONS.items()]
        if self.identity is not None:
            given += ["-i", str(self.identity.resolve())]
        return given if self.port is None else [*given, port, str(self.port)]

    def _call(
        self, command: Sequence[str], data: bytes, heard: Callable[[bytes], None]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program that reads `data`; `heard` gets each line that it writes, at once."""
        if shutil.which(command[0]) is None:
            raise ShiftloomError(command[0], "not found", "install the client of OpenSSH")
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as errors:
            source.write(data)
            source.seek(0)
            lines = []
            with subprocess.Popen(
                command, stdin=source, stdout=subprocess.PIPE, stderr=errors
            ) as running:
                try:
                    for line in running.stdout or ():
                        lines.append(line)
                        heard(line)
                except BaseException:
                    running.kill()
                    raise
            errors.seek(0)
            output = b"".join(lines)
            return subprocess.CompletedProcess(command, running.returncode, output, errors.read())

    def _failed(self, done: subprocess.CompletedProcess[bytes]) -> ShiftloomError:
        """Why ssh, scp, or the program there has ended badly."""
        text, code = done.stderr.decode("utf-8", "replace"), done.returncode
        lines = [shortened(line) for line in text.splitlines() if line.strip()]
        last = lines[-1] if lines else f"exit code {code}"
        for said, problem, hint in _CAUSES:
            if code == _SSH_FAILED and said in text:
                return ShiftloomError(self.target, problem, hint)
        if done.args[0] == "scp" or code == _SSH_FAILED:
            hint = "check that the board is on and in reach, then deploy again"
            return ShiftloomError(self.target, f"the connection failed ({last})", hint)
        hint = "give the path of one by --python"
        if code in (_NO_COMMAND, _NOT_EXECUTABLE):
            return ShiftloomError(self.target, f"there is no {self.python}", hint)
        problem = f"{self.python} there has failed ({last})"
        return ShiftloomError(self.target, problem, hint)


def check_path(name: str, path: str) -> None:
    """Refuse a path for the far side that a shell, or scp, could read in another way."""
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        hint = "use letters, digits, dots, dashes, underscores and slashes"
        raise ShiftloomError(f"{name} {shown(path)}", "is no plain path", hint)


def _tell(line: bytes, begins: Callable[[str], None]) -> None:
    """Say which step begins, if that is what a line of the far side is about."""
    try:
        begins(STEPS[json.loads(line.decode())["step"]])
    except (ValueError, LookupError, TypeError, RecursionError):
        return


def shortened(text: str) -> str:
    """A line of the far side as it may be printed."""
    return printable(text.strip())[:_REASON]
