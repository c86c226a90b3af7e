"""A content-addressed cache of built folders, safe for processes that build at the same time.

An entry is a folder named by the digest of everything that went into it. It is built in a folder
of its own beside it and renamed when complete, so an interrupted build never looks finished; a
file lock, which the system drops when its process ends, keeps a second builder waiting.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError

_DIGEST = re.compile(r"[a-z0-9][a-z0-9._-]*")


def digest_of(*parts: str | bytes | Path) -> str:
    """SHA-256 in hex over `parts` in order: texts and bytes as they are, a Path by its content.

    Each part is preceded by its kind and length, so no two different lists share a byte string.
    """
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            content, kind = part.read_bytes(), "file"
        elif isinstance(part, str):
            content, kind = part.encode(), "text"
        else:
            content, kind = part, "bytes"
        total.update(f"{kind} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """Folders under `root`, one a digest; `root` is made when first needed."""

    root: Path

    def get_or_build(self, digest: str, builder: Callable[[Path], None]) -> Path:
        """The finished folder of `digest`; `builder(folder)` fills an empty one if there is none.

        What `builder` raises passes through, and leaves no entry behind. The digest may carry a
        prefix (`sim-1f03...`); anything that is no plain file name is refused.
        """
        if not _DIGEST.fullmatch(digest) or digest.endswith((".lock", ".partial")):
            raise ShiftloomError(
                "cache", f"{digest!r} cannot name an entry", "use the text of `digest_of`"
            )
        entry = self.root / digest
        if entry.is_dir():
            return entry
        with self._lock(digest):
            if not entry.is_dir():
                self._build(entry, builder)
        return entry

    def _build(self, entry: Path, builder: Callable[[Path], None]) -> None:
        """Fill a fresh folder and rename it; what a killed process left there goes first."""
        partial = entry.with_name(entry.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            builder(partial)
            partial.rename(entry)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    @contextmanager
    def _lock(self, digest: str) -> Iterator[None]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = (self.root / f"{digest}.lock").open("w")
        except OSError as error:
            raise ShiftloomError(
                f"cache {self.root}", f"cannot be written: {error.strerror}", "give another --cache"
            ) from error
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
