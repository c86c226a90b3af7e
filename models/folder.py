"""Files of the data folder: found by name, and taken only with the SHA-256 of the original."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError

DEFAULT = Path("../shared/data")
"""The data folder where none is given."""


def find(name: str, data_dir: Path | None) -> Path:
    """The file `name`, as `cifar10/labels.npy`, of the data folder, by default of `DEFAULT`.

    Raises ShiftloomError where there is no such folder or no such file in it.
    """
    folder = DEFAULT if data_dir is None else data_dir
    if not folder.is_dir():
        raise ShiftloomError(
            name, f"is needed, but there is no data folder {folder}", "give one with --data FOLDER"
        )
    path = folder / name
    if not path.is_file():
        raise ShiftloomError(str(path), "is not there", f"the data folder holds {name}")
    return path


def read(path: Path, sha256: str) -> bytes:
    """The bytes of a file; raises ShiftloomError unless they have the digest of the original."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ShiftloomError(str(path), f"cannot be read ({error.strerror})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ShiftloomError(
            str(path), f"has SHA-256 {found}, expected {sha256}", "replace it by the original file"
        )
    return content
