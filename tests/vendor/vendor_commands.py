"""The vendor's commands as data: which arguments each accepts, of `commands.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("commands.toml").read_text("utf-8"))
XDC = frozenset(_DATA["xdc"]["commands"])
"""Commands that a file of constraints may hold."""
_EVERYWHERE = {"vivado": ("-quiet", "-verbose"), "hls": ()}


class VendorError(Exception):
    """What the vendor's tool would refuse."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its arguments in order: options with a value, flags, and the others."""

    name: str
    values: Mapping[str, str]
    flags: frozenset[str]
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """What a command accepts; `most` arguments, or any number where it is -1."""

    name: str
    source: str
    values: frozenset[str]
    flags: frozenset[str]
    choices: Mapping[str, tuple[str, ...]]
    least: int
    most: int

    def call(self, words: Sequence[str]) -> Call:
        """The words behind the name, sorted out; raises VendorError."""
        values: dict[str, str] = {}
        flags, arguments, rest = set(), [], list(words)
        while rest:
            word = rest.pop(0)
            if word in self.flags:
                flags.add(word)
            elif word in self.values:
                if not rest:
                    raise VendorError(f"{self.name}: {word} has no value")
                values[word] = self._chosen(word, rest.pop(0))
            elif word.startswith("-"):
                raise VendorError(f"{self.name}: unknown option {word}")
            else:
                arguments.append(word)
        if len(arguments) < self.least or 0 <= self.most < len(arguments):
            raise VendorError(f"{self.name}: {len(arguments)} arguments: {' '.join(arguments)}")
        return Call(self.name, values, frozenset(flags), tuple(arguments))

    def _chosen(self, option: str, value: str) -> str:
        known = self.choices.get(option)
        if known and value not in known:
            raise VendorError(f"{self.name}: {option} {value}, use one of {', '.join(known)}")
        return value


def commands(tool: str) -> dict[str, Command]:
    """The commands of `vivado` or `hls` by name."""
    return {
        name: Command(
            name,
            row["source"],
            frozenset(row.get("values", ())),
            frozenset((*row.get("flags", ()), *_EVERYWHERE[tool])),
            {option: tuple(known) for option, known in row.get("choices", {}).items()},
            *row["arguments"],
        )
        for name, row in _DATA[tool].items()
    }
