"""Names of channels, where several may turn out to be names of one."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.values import IntArray


class Ties:
    """Hands out names 0, 1, 2, … and keeps which of them are the same."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def fresh(self, count: int) -> IntArray:
        """Names that nothing had before."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def tie(self, some: IntArray, others: IntArray) -> None:
        """Make each of `some` and its counterpart in `others` the same, and all that they were."""
        for one, other in zip(some.tolist(), others.tolist(), strict=True):
            low, high = sorted((self._first(one), self._first(other)))
            self._parents[high] = low

    def resolved(self, names: IntArray) -> IntArray:
        """The lowest name of each."""
        return np.array([self._first(name) for name in names.tolist()], dtype=np.int64)

    def _first(self, name: int) -> int:
        while self._parents[name] != name:
            self._parents[name] = self._parents[self._parents[name]]
            name = self._parents[name]
        return name
