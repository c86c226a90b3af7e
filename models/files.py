"""Writing files so that an interrupted or failed write never leaves half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step, making its folder where needed.

    Raises ShiftloomError with the system's reason (full disk, no permission); `path` is then
    as it was before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ShiftloomError(
            str(path), f"cannot be written ({reason})", "free space there or choose another folder"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
