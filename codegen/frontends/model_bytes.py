"""The bytes of a model file."""

from __future__ import annotations

from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError

MAX_FILE = 1 << 30
"""Bytes of the largest model that is read."""


def read(path: Path) -> bytes:
    """All bytes of the file; raises ShiftloomError where it cannot be read or is too large."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise ShiftloomError(path.name, "is larger than 1 GiB", "give a smaller model")
        return path.read_bytes()
    except OSError as error:
        raise ShiftloomError(
            path.name, f"cannot be read ({error.strerror})", "check the path"
        ) from error
