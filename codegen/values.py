"""Values shared by every stage: integer types and arrays that compare by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Shape = tuple[int, int, int]
"""Feature map as (height, width, channels); a vector of N elements is (1, 1, N)."""

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int64]


class Array:
    """An immutable ndarray that compares and hashes by its content, for use in frozen values."""

    __slots__ = ("data", "digest")

    def __init__(self, data: npt.ArrayLike) -> None:
        array = np.array(data, order="C")
        array.setflags(write=False)
        header = f"{array.dtype.str}{array.shape}".encode()
        self.data: npt.NDArray[Any] = array
        self.digest: str = hashlib.sha256(header + array.tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Array({self.data.dtype}{list(self.data.shape)}, {self.digest[:12]})"


@dataclass(frozen=True, slots=True)
class IntType:
    """A two's complement or unsigned integer type of `bits` bits."""

    bits: int
    signed: bool

    @property
    def lo(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Largest value."""
        return (1 << (self.bits - self.signed)) - 1

    @staticmethod
    def covering(lo: int, hi: int, *, signed: bool = True) -> IntType:
        """The narrowest type that holds every integer of [lo, hi]."""
        magnitude = max(hi, -lo - 1, 0).bit_length()
        return IntType(max(1, magnitude + signed), signed)

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Hint that names the known word closest to `name`, whatever its case, and all of them."""
    import difflib

    names = list(known)
    folded = {word.casefold(): word for word in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.4)
    question = f"did you mean {folded[close[0]]!r}? " if close else ""
    return f"{question}known: {', '.join(names)}"
