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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any

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
_LAST_STEP = "switching"
"""Before this one the far side waits for an answer."""
_LOADER = "import sys; exec(sys.stdin.buffer.read(int(sys.argv.pop(1))))"
"""Runs a program of so many bytes; what comes after it on the line is for that program."""
_ENDING_SECONDS = 10
_REASON = 300
"""Characters of a message of the far side that are shown."""
STEPS = {
    "comparing": "Comparing what has arrived",
    "installing": "Installing",
    "testing": "Running the self-test",
    "switching": "Taking it into use",
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

    @contextmanager
    def receiving(self, *arguments: str) -> Iterator[Far]:
        """Run `host/receiving.py` there; it ends with the block, and tidies up."""
        program = (resources.files("shiftloom.host") / "receiving.py").read_bytes()
        given = shlex.join(["-c", _LOADER, str(len(program)), *arguments])
        parts = ["ssh", *self._options("-p"), "--", self.target, f"{self.python} {given}"]
        _check_client("ssh")
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(
                parts,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                process_group=0,  # Ctrl-C is for this side: the line stays until all is tidy there
            ) as running,
        ):
            try:
                far = Far(self, running, errors)
                far.say(program)
                yield far
            finally:
                _end(running)

    def copy(self, path: Path, place: str) -> str:
        """Copy a file to a path there; what scp says if the far side did not take it, else nothing.

        Raises ShiftloomError where the connection fails.
        """
        check_path(f"{self.target}: its folder", place)
        command = ["scp", "-q", "-C", *self._options("-P"), "--"]
        command += [str(path.resolve()), f"{self.target}:{place}"]
        _check_client("scp")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode == _SSH_FAILED:
            raise self.failed(done.returncode, done.stderr)
        return _reason(done.returncode, done.stderr) if done.returncode else ""

    def _options(self, port: str) -> list[str]:
        given = [f"-o{name}={value}" for name, value in _OPTIONS.items()]
        if self.identity is not None:
            given += ["-i", str(self.identity.resolve())]
        return given if self.port is None else [*given, port, str(self.port)]

    def failed(self, code: int, output: bytes) -> ShiftloomError:
        """Why the connection, or the program there, has failed, by exit code and messages."""
        text, last = output.decode("utf-8", "replace"), _reason(code, output)
        for said, problem, hint in _CAUSES:
            if code == _SSH_FAILED and said in text:
                return ShiftloomError(self.target, problem, hint)
        if code == _SSH_FAILED:
            hint = "check that the board is on and in reach, then deploy again"
            return ShiftloomError(self.target, f"the connection failed ({last})", hint)
        hint = "give the path of one by --python"
        if code in (_NO_COMMAND, _NOT_EXECUTABLE):
            return ShiftloomError(self.target, f"there is no {self.python}", hint)
        problem = f"{self.python} there has failed ({last})"
        return ShiftloomError(self.target, problem, hint)


@dataclass(frozen=True, slots=True)
class Far:
    """`host/receiving.py` as it runs there, on the other end of a line."""

    remote: Remote
    running: subprocess.Popen[bytes]
    errors: IO[bytes]
    """What ssh and Python say there."""

    def say(self, data: bytes) -> None:
        """Send bytes; whether there still is a line, `hear` tells."""
        with suppress(BrokenPipeError):
            _pipe(self.running.stdin).write(data)
            _pipe(self.running.stdin).flush()

    def hear(self, begins: Callable[[str], None]) -> dict[str, Any]:
        """What it answers; `begins` hears of each step there when it begins.

        Before the last one it waits for this side, so that nothing is taken into use there which
        this side has given up. Raises ShiftloomError where anything is refused there, or the line
        is lost.
        """
        others, agreed = [], False
        for line in _pipe(self.running.stdout):
            found = _answer(line)
            if "step" in found:
                _tell(found["step"], begins)
                if found["step"] == _LAST_STEP:
                    agreed = True
                    self.say(b"yes\n")
            elif found:
                return self._accepted(found, line)
            else:
                others.append(line)
        error, code = self._unknown(b"".join(others)), self.running.wait()
        if code != 0:
            self.errors.seek(0)
            error = self.remote.failed(code, self.errors.read())
        raise self._late(error) if agreed else error

    def _accepted(self, found: dict[str, Any], line: bytes) -> dict[str, Any]:
        try:
            problem, hint = (shortened(str(text)) for text in found.get("refused", ("", "")))
        except (ValueError, TypeError):
            raise self._unknown(line) from None
        if problem:
            raise ShiftloomError(self.remote.target, problem, hint)
        return found

    def _late(self, error: ShiftloomError) -> ShiftloomError:
        """A line that was lost when the far side had begun the last step."""
        problem = f"may have taken the new version into use: {error.problem}"
        return ShiftloomError(self.remote.target, problem, "deploy again to see")

    def _unknown(self, output: bytes) -> ShiftloomError:
        """The answer of something else."""
        said = shown(output.decode("utf-8", "replace"))
        problem = f"{self.remote.python} there says {said}"
        return ShiftloomError(self.remote.target, problem, "give a Python by --python")


def _reason(code: int, output: bytes) -> str:
    """The last message of a program."""
    text = output.decode("utf-8", "replace")
    lines = [shortened(line) for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {code}"


def _answer(line: bytes) -> dict[str, Any]:
    """What a line of the far side says, nothing where it is not of the program there."""
    try:
        return dict(json.loads(line.decode()))
    except (ValueError, TypeError, RecursionError):
        return {}


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    return end


def _check_client(name: str) -> None:
    if shutil.which(name) is None:
        raise ShiftloomError(name, "not found", "install the client of OpenSSH")


def _end(running: subprocess.Popen[bytes]) -> None:
    """Hang up: the program there tidies up and ends, and so does ssh."""
    try:
        with suppress(BrokenPipeError):
            _pipe(running.stdin).close()
        running.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        return
    finally:
        running.kill()  # does nothing where it has ended


def check_path(name: str, path: str) -> None:
    """Refuse a path for the far side that a shell, or scp, could read in another way."""
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        hint = "use letters, digits, dots, dashes, underscores and slashes"
        raise ShiftloomError(f"{name} {shown(path)}", "is no plain path", hint)


def _tell(step: object, begins: Callable[[str], None]) -> None:
    """Say which step begins, if it is one that is known here."""
    if isinstance(step, str) and step in STEPS:
        begins(STEPS[step])


def shortened(text: str) -> str:
    """A line of the far side as it may be printed."""
    return printable(text.strip())[:_REASON]
