"""What a search found, as tables and files show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A layer, the damage of every candidate in it by name, and the chosen one with its cost.

    Without a budget nothing is chosen.
    """

    layer: str
    weights: int
    damages: Mapping[str, float]
    choice: str | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A network with a candidate chosen for every layer, and its accuracy in integers.

    `cost` is in the unit of the budget, `code_bits` the mean width of a weight's code.
    """

    name: str
    choices: Mapping[str, str]
    damage: float
    cost: float
    weight_bits: int
    code_bits: float
    accuracy: float | None
