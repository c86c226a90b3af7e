"""The one error a user sees: what is wrong, where, and what would work."""

from __future__ import annotations


class ShiftloomError(Exception):
    """A refusal with the node (or file, key, tool) at fault, the problem and a way out.

    The command line prints it on one line and exits with code 2.
    """

    def __init__(self, node: str, problem: str, hint: str = "") -> None:
        self.node = node
        self.problem = problem
        self.hint = hint
        super().__init__(f"{node}: {problem}" + (f"; {hint}" if hint else ""))
