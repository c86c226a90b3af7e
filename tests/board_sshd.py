"""A board on the loopback: an SSH daemon of its own, and an `ssh` and `scp` that know its key."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_NEEDED = {"sshd": "/usr/sbin/sshd", "ssh": "ssh", "scp": "scp", "ssh-keygen": "ssh-keygen"}
_DAEMON = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
PrintMotd no
"""
_CLIENT = """\
Host *
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  IdentitiesOnly yes
  IdentityAgent none
  LogLevel ERROR
"""


@dataclass(frozen=True, slots=True)
class Sshd:
    """A daemon that runs: `ssh` and `scp` in `programs` reach it at `target` and `port`."""

    folder: Path
    port: int
    scp: str
    """The system's `scp`, which its messages begin with."""

    @property
    def target(self) -> str:
        """The user of the tests on the loopback."""
        return f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1"

    @property
    def key(self) -> Path:
        """The key that it takes."""
        return self.folder / "key"

    @property
    def programs(self) -> Path:
        """Folder to be the first on the PATH."""
        return self.folder / "programs"


def found() -> dict[str, str]:
    """The programs of OpenSSH; a skip where one is missing, in CI a failure."""
    programs = {name: shutil.which(place) or "" for name, place in _NEEDED.items()}
    missing = [name for name, place in programs.items() if not place]
    if missing:
        reason = f"{missing[0]} is missing: apt install openssh-server openssh-client"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return programs


@contextmanager
def running(folder: Path) -> Iterator[Sshd]:
    """A daemon with keys of its own in `folder`, in the foreground, until the block ends."""
    programs = found()
    board = Sshd(folder, _free_port(), programs["scp"])
    for name in ("host_key", "key", "other_key"):
        command = [programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True)
    (folder / "sshd.conf").write_text(_DAEMON.format(folder=folder, port=board.port))
    (folder / "ssh.conf").write_text(_CLIENT.format(folder=folder))
    public = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{board.port} {public}")
    board.programs.mkdir()
    for name in ("ssh", "scp"):
        program(board.programs / name, f'exec {programs[name]} -F {folder}/ssh.conf "$@"')
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = (folder / "log").open("wb")
    command = [programs["sshd"], "-D", "-e", "-f", str(folder / "sshd.conf")]
    with subprocess.Popen(command, stdout=log, stderr=log) as daemon:
        try:
            _wait(board, daemon)
            yield board
        finally:
            daemon.terminate()


def program(path: Path, lines: str) -> None:
    """A shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


def interpreter(path: Path, lines: str) -> None:
    """A script of this Python that can be run."""
    path.write_text(f"#!{sys.executable}\n{lines}\n")
    path.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(board: Sshd, daemon: subprocess.Popen[bytes]) -> None:
    """Until it takes connections."""
    for _ in range(200):
        assert daemon.poll() is None, (board.folder / "log").read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", board.port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd takes no connections")
