"""The option `--quality` of a command: how many signed digits the units of a design keep."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shiftloom.codegen.design import Design
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.quality import EXACT, Quality

_CHOICE = re.compile(r"(?:(.+)=)?([0-9]{1,3})")


def chosen(design: Design, texts: Sequence[str]) -> Quality:
    """The quality that `K` (of every unit) and `NODE=K` (of one, the last counts) describe.

    Raises ShiftloomError for a text that is neither, and for a design without such units.
    """
    if not texts:
        return EXACT
    if not design.quality:
        hint = "build it with pe: csd or requant: csd"
        raise ShiftloomError("--quality", f"{design.name} has no unit with a quality", hint)
    found: dict[str, int] = {}
    for text in texts:
        choice = _CHOICE.fullmatch(text)
        if choice is None:
            hint = f"give digits, as 2, or those of a unit, as {design.quality[0].node}=2"
            raise ShiftloomError("--quality", shown(text), hint)
        node, digits = choice.groups()
        nodes = [unit.node for unit in design.quality] if node is None else [node]
        found.update(dict.fromkeys(nodes, int(digits)))
    return found
