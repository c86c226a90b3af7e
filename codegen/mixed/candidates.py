"""Candidates: the settings that a search may give to a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftloom.codegen import config
from shiftloom.codegen.errors import ShiftloomError

KEY = "candidates"
"""The key of a file of candidates."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings of a layer, keys of `layers.<node>`; `name` has what tells it from the others."""

    name: str
    settings: Mapping[str, Any]


def load(path: Path) -> tuple[Candidate, ...]:
    """Candidates of a .yaml, .yml or .toml file; raises ShiftloomError naming the one at fault."""
    data = config.read(path)
    if not isinstance(data, dict) or set(data) != {KEY} or not isinstance(data[KEY], list):
        raise ShiftloomError(
            str(path), "is no list of candidates", f"write {KEY}: [{{phi: 1}}, {{phi: 4}}]"
        )
    return checked(data[KEY], str(path))


def checked(data: Sequence[Any], source: str) -> tuple[Candidate, ...]:
    """Candidates of plain data, named; refuses none, twins, and what is no setting of a layer."""
    if not data:
        raise ShiftloomError(source, "holds no candidate", "give at least one")
    for number, settings in enumerate(data, 1):
        config.parse({"defaults": settings}, f"{source}: candidate {number}")
        first = list(data).index(settings) + 1
        if first < number:
            raise ShiftloomError(
                f"{source}: candidate {number}", f"is candidate {first} again", "leave one out"
            )
    common = {
        key
        for key in data[0]
        if len(data) > 1 and all(key in each and each[key] == data[0][key] for each in data)
    }
    return tuple(Candidate(_name(settings, common), settings) for settings in data)


def _name(settings: Mapping[str, Any], common: set[str]) -> str:
    words = [f"{key} {value}" for key, value in settings.items() if key not in common]
    return ", ".join(words) or "as it is"


PHI = checked([{"format": "qsq", "phi": phi} for phi in (1, 2, 4)], "the paper's levels")
"""The paper's choice of a quality (Khaliq & Hafiz, arXiv:2407.11260), layer by layer."""


def assigned(settings: Mapping[str, Any], choices: Mapping[str, Candidate]) -> dict[str, Any]:
    """Plain settings with a candidate's put over those of each layer in `choices`."""
    layers = settings.get("layers", {})
    chosen = {
        name: {**layers.get(name, {}), **candidate.settings} for name, candidate in choices.items()
    }
    return {**settings, "layers": {**layers, **chosen}}
