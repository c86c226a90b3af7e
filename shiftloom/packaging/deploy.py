"""A package to a board: copied, compared, installed and tested there; nothing half-installed.

The board takes a version into use only if this side is still there and agrees, in the last step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.host import install
from shiftloom.host.install import InstallError
from shiftloom.packaging.remote import Far, Remote, check_path, shortened

STATES = ("passed", "failed", "skipped")
"""How a self-test ends."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is on the board now: versions by name, that before and the one in use.

    `copied` counts the bytes that went there, 0 where the version was there already.
    """

    target: str
    name: str
    version: str
    digest: str
    directory: str
    before: str | None
    current: str | None
    copied: int
    state: str
    """Of the self-test: passed, failed or skipped."""
    reason: str

    @property
    def taken(self) -> bool:
        """Whether the version is in use; without that it has failed, or could not be tested."""
        return self.current == self.version

    def figures(self) -> dict[str, Any]:
        """All of this as plain data."""
        return asdict(self)


def deploy(
    path: Path,
    remote: Remote,
    directory: str = install.DIRECTORY,
    begins: Callable[[str], None] = lambda _: None,
) -> Deployed:
    """Bring the archive `path` to a board; the same one again only runs its self-test there.

    `begins` hears of each step, in words. Raises ShiftloomError where anything is refused here or
    there; the version that was in use before then still is. Only in the last step, when the new one
    is taken into use, nobody can know: then the message of a lost connection says so, and an
    interruption may have come too late.
    """
    check_path("--directory", directory)
    try:
        package = install.read(path)
    except InstallError as error:
        problem, _, hint = str(error).removeprefix(f"{path}: ").partition("; ")
        raise ShiftloomError(str(path), problem, hint) from error
    size = path.stat().st_size
    begins("Asking the board")
    wanted = (directory, package.name, package.version, str(size))
    with remote.receiving(*wanted) as far:
        found = far.hear(begins)
        if "archive" not in found:
            return _deployed(remote, found, 0)
        begins(f"Copying {size:,} bytes")
        failed = remote.copy(path, str(found["archive"]))
        if failed:
            raise _not_copied(remote, far, failed)
        far.say(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return _deployed(remote, far.hear(begins), size)


def _not_copied(remote: Remote, far: Far, failed: str) -> ShiftloomError:
    """Why the board did not take a copy, as far as it knows; raised where it knows for sure."""
    far.say(b"not copied\n")
    free = shown(far.hear(lambda _: None).get("free"))
    problem = f"copying failed ({failed}), with {free} bytes free there"
    hint = "free space there, or choose another folder by --directory, and deploy again"
    return ShiftloomError(remote.target, problem, hint)


def _deployed(remote: Remote, found: Mapping[str, Any], copied: int) -> Deployed:
    """What the installer there has said, as it may be printed."""
    try:
        tested = found["self_test"]
        if tested["state"] not in STATES:
            raise ValueError(tested["state"])
        return Deployed(
            target=remote.target,
            name=shortened(str(found["name"])),
            version=shortened(str(found["version"])),
            digest=shortened(str(found["digest"])),
            directory=shortened(str(found["directory"])),
            before=_named(found["before"]),
            current=_named(found["current"]),
            copied=copied,
            state=str(tested["state"]),
            reason=shortened(str(tested["reason"])),
        )
    except (ValueError, LookupError, TypeError) as error:
        problem = f"the installer there says {shown(found)}"
        raise ShiftloomError(remote.target, problem, "package and deploy again") from error


def _named(version: object) -> str | None:
    """A version, if there is one."""
    return None if version is None else shortened(str(version))
