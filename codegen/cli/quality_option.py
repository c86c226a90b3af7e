"""The option `--quality` of a command: how many signed digits the units of a design keep."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shiftloom.codegen.design import Design
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.quality import EXACT, Quality, of_units

_CHOICE = re.compile(r"(?:([^=]+)=)?([0-9]{1,3})")


def chosen(design: Design, texts: Sequence[str]) -> Quality:
    """The quality that `NODE=K` (of one unit) and `K` (of every other one) describe.

    Raises ShiftloomError for a text that is neither, for two of the same unit or of all units, for
    what no unit of the design can have, and for a design without such units.
    """
    if not texts:
        return EXACT
    if not design.quality:
        hint = "build it with pe: csd or requant: csd"
        raise ShiftloomError("--quality", f"{design.name} has no unit with a quality", hint)
    given: dict[str | None, int] = {}
    for text in texts:
        choice = _CHOICE.fullmatch(text)
        if choice is None:
            hint = f"give digits, as 2, or those of a unit, as {design.quality[0].node}=2"
            raise ShiftloomError("--quality", shown(text), hint)
        node, digits = choice.groups()
        if node in given:
            problem = f"{node or 'every unit'} has {given[node]} digits already"
            raise ShiftloomError("--quality", problem, "give one number")
        given[node] = int(digits)
    every = given.pop(None, None)
    found = {unit.node: every for unit in design.quality if every is not None}
    found |= {node: digits for node, digits in given.items() if node is not None}
    of_units(design.quality, found)
    return found
