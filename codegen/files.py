"""Files of the user: regular ones of a bounded size, whatever the path leads to."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError

MAX_MODEL = 1 << 30
"""Bytes of the largest model, and of the largest compressed file."""
MAX_TEXT = 1 << 20
"""Bytes of the longest settings or recipe."""
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1, "bytes"))


def read(path: Path, limit: int, hint: str) -> bytes:
    """All bytes of the file; raises ShiftloomError as `check` does."""
    check(path, limit, hint)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def check(path: Path, limit: int, hint: str) -> None:
    """Refuse what is not there, no regular file, or larger than `limit` bytes, before it is read.

    The `hint` says what to do about a file that is too large.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise ShiftloomError(str(path), "is no regular file", "check the path")
    if found.st_size > limit:
        raise ShiftloomError(str(path), f"is larger than {size(limit)}", hint)


def size(limit: int) -> str:
    """A number of bytes in the largest unit that divides it."""
    unit, name = next((unit, name) for unit, name in _UNITS if limit % unit == 0)
    return f"{limit // unit:,} {name}"


def check_suffix(option: str, path: Path | None, suffixes: Sequence[str], what: str) -> None:
    """Refuse a file to write whose name does not say what it will hold."""
    if path is not None and path.suffix not in suffixes:
        raise ShiftloomError(
            f"{option} {path}", f"suffix {path.suffix!r}", f"{what} as {suffixes[0]}"
        )


def _unreadable(path: Path, error: OSError | ValueError) -> ShiftloomError:
    reason = error.strerror if isinstance(error, OSError) else error
    return ShiftloomError(str(path), f"cannot be read ({reason})", "check the path")
