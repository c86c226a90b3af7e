"""Little-endian fields of a file, read in order and never beyond its end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from shiftloom.codegen.errors import ShiftloomError

DAMAGED = "the file is damaged or not what it says; write it again"


class Fields:
    """A position in `data`; every refusal says which field does not fit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._at

    def take(self, size: int, field: str) -> bytes:
        """The next `size` bytes; raises ShiftloomError naming `field` where they are too few."""
        if size > self.left:
            raise ShiftloomError(field, f"takes {size:,} bytes, {self.left:,} are left")
        self._at += size
        return self._data[self._at - size : self._at]

    def integer(self, layout: str, field: str) -> int:
        """The next integer, of a `struct` layout."""
        (value,) = struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}"), field))
        return int(value)

    def end(self) -> None:
        """Refuse bytes behind the last field."""
        if self.left:
            raise ShiftloomError("end", f"{self.left:,} bytes follow the last field")


@contextmanager
def reading(node: str, hint: str = "") -> Iterator[None]:
    """Refusals of the block as refusals of `node`: a file, a record, a field."""
    try:
        yield
    except ShiftloomError as error:
        raise ShiftloomError(node, str(error), hint) from error
