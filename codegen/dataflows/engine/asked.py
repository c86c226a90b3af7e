"""What is said of an array that is asked for and too large for the board."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.engine.candidate import Wanted
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.errors import ShiftloomError


def check(wanted: Wanted, smallest: int, least: Callable[[Lanes], Resources]) -> None:
    """Refuse an array that is asked for whose `least` resources are more than it may take.

    Names the largest smaller one that is not, of at least `smallest` rows.
    """
    asked = wanted.config.target.array
    over = None if asked is None else wanted.over(least(Lanes(*asked)))
    if asked is None or over is None:
        return
    fitting = (
        shape for shape in _smaller(asked, smallest) if wanted.over(least(Lanes(*shape))) is None
    )
    shape = next(fitting, None)
    way = f"a smaller array, such as {list(shape)}" if shape else "a larger share or board"
    raise ShiftloomError("target.array", f"{list(asked)} takes {over}", f"use {way}")


def check_built(wanted: Wanted, used: Resources) -> None:
    """Refuse an array that is asked for and takes too much with its memories."""
    asked, over = wanted.config.target.array, wanted.over(used)
    if asked is not None and over is not None:
        raise ShiftloomError(
            "target.array",
            f"{list(asked)} with its memories takes {over}",
            "use a smaller array, a larger share or board",
        )


def _smaller(shape: tuple[int, int], smallest: int) -> Iterator[tuple[int, int]]:
    """Fewer columns, down to as many as rows; then halves of both."""
    rows, columns = shape
    while columns > rows:
        columns = max(rows, columns // 2 // rows * rows)
        yield rows, columns
    while rows // 2 >= smallest:
        rows //= 2
        yield rows, rows
