"""Codes of formats whose integers are listed: the place in a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.values import IntArray


def both_signs(magnitudes: Sequence[int]) -> tuple[int, ...]:
    """Levels of both signs, ascending, of magnitudes that ascend from 0."""
    return (*(-m for m in reversed(magnitudes[1:])), *magnitudes)


def encode(name: str, table: tuple[int, ...], beta: IntArray) -> Codes:
    """Place of each β in `table`; raises ShiftloomError on a value that is not there."""
    order = np.argsort(table)
    ascending = np.asarray(table)[order]
    place = np.minimum(np.searchsorted(ascending, beta), len(table) - 1)
    wrong = ascending[place] != beta
    if wrong.any():
        raise ShiftloomError(
            name,
            f"{beta[wrong].flat[0]} has no code",
            f"levels are {', '.join(map(str, ascending))}",
        )
    return order[place].astype(np.uint16)


def decode(name: str, table: tuple[int, ...], codes: Codes) -> IntArray:
    """β of each code; raises ShiftloomError on a code beyond the table."""
    if codes.size and int(codes.max()) >= len(table):
        raise ShiftloomError(
            name, f"code {int(codes.max())}", f"valid codes are 0 to {len(table) - 1}"
        )
    return np.asarray(table, dtype=np.int64)[codes]
