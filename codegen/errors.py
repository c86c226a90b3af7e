"""The one error a user sees: what is wrong, where, and what would work."""

from __future__ import annotations

import reprlib

_MAX = 80
"""Characters of a value in an error."""


class ShiftloomError(Exception):
    """A refusal with the node (or file, key, tool) at fault, the problem and a way out.

    The command line prints it on one line and exits with code 2.
    """

    def __init__(self, node: str, problem: str, hint: str = "") -> None:
        self.node = node
        self.problem = problem
        self.hint = hint
        super().__init__(f"{node}: {problem}" + (f"; {hint}" if hint else ""))


def shown(value: object) -> str:
    """A value of the user's as it is written in Python, cut to 80 characters."""
    try:
        text = _SHORT.repr(value)
    except ValueError:  # an integer of thousands of digits
        text = f"a number of {type(value).__name__}"
    return text if len(text) <= _MAX else f"{text[: _MAX - 3]}..."


def key_of(name: object) -> str:
    """A key of the user's as part of a path: itself, if it is short and printable."""
    is_plain = isinstance(name, str) and name.isprintable() and len(name) <= _MAX
    return str(name) if is_plain else shown(name)


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, _MAX, _MAX
