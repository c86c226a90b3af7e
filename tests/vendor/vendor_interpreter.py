"""A Tcl interpreter whose vendor commands are Python methods, which check and record each call."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from vendor_commands import Call, VendorError, commands

if TYPE_CHECKING:
    import tkinter

_YOUNGER = ("lmap", "try", "throw", "tailcall", "coroutine", "zlib")
"""Commands of Tcl 8.6; the vendor's tools have 8.5."""


def interpreter() -> tkinter.Tk:
    """A fresh Tcl interpreter without windows; a skip where Python has none, not in CI."""
    try:
        import tkinter
    except ImportError:
        message = "Python's tkinter is missing: install python3-tk"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    tcl = tkinter.Tcl()
    for name in _YOUNGER:
        tcl.call("rename", name, "")
    return tcl


class Interpreter:
    """Runs a script. A subclass has a method `do_NAME` for each command that gives something.

    In names of methods _ stands for the :: of namespaces. A method takes the Call and gives a
    string, a list, or nothing.
    """

    def __init__(self, tool: str) -> None:
        self.calls: list[Call] = []
        self.allowed: frozenset[str] | None = None
        self._commands = commands(tool)
        self._tcl = interpreter()
        self._tcl.createcommand("vendor", self._called)
        self._tcl.eval("namespace eval ipx {}")
        for name in self._commands:
            self._tcl.eval(
                f"proc ::{name} {{args}} {{\n"
                f"  lassign [vendor {name} {{*}}$args] code value\n"
                "  return -code $code $value\n}"
            )

    def run(self, script: Path) -> None:
        """Source a script as the tool does; raises VendorError with what went wrong, and where.

        Where a script goes with `cd`, the process goes too; it is back after the script.
        """
        import tkinter

        try:
            with contextlib.chdir(Path.cwd()):
                self._tcl.call("source", str(script))
        except tkinter.TclError as error:
            raise VendorError(str(error)) from None

    def source_constraints(self, file: Path, allowed: frozenset[str]) -> None:
        """Source a file that may hold only some commands."""
        self.allowed = allowed
        self._tcl.call("source", str(file))
        self.allowed = None

    def elements(self, text: str) -> list[str]:
        """The elements of a Tcl list."""
        return [str(item) for item in self._tcl.splitlist(text)]

    def _called(self, name: str, *words: str) -> tuple[str, object]:
        try:
            return "ok", self._do(name, words)
        except VendorError as error:
            return "error", str(error)

    def _do(self, name: str, words: tuple[str, ...]) -> object:
        if self.allowed is not None and name not in self.allowed:
            raise VendorError(f"{name}: not valid in a file of constraints")
        call = self._commands[name].call(words)
        self.calls.append(call)
        method = getattr(self, f"do_{name.replace('::', '_')}", None)
        return "" if method is None else method(call) or ""

    def existing(self, name: str) -> Path:
        """A file that a command reads, from where the script has gone; raises VendorError."""
        path = Path(name).absolute()
        if not path.is_file():
            raise VendorError(f"no such file: {name}")
        return path
