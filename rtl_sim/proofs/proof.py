"""What a proof is: properties of a module, the clocks they are looked at, and a mutant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Start = Literal["any state", "reset"]


def bind(
    module: str,
    properties: str,
    parameters: Mapping[str, int | str],
    instance: str = "",
    pins: str = ".*",
) -> str:
    """SystemVerilog that puts properties beside the inside of a module, whose names they read."""
    settings = ", ".join(f".{name}({value})" for name, value in parameters.items())
    return f"bind {module} {properties} #({settings}) {instance or f'i_{properties}'} ({pins});\n"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault in the library: `old` stands exactly once in the file of `module`."""

    module: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Every assertion in the design `top` holds in every clock of every run, as far as `bound`.

    A run begins in any state of the registers that have no initial value or, with `start` of
    "reset", after a clock of `rst`, which may come again at any time. All inputs that no property
    restricts are free in every clock. `depth` is the clocks that are looked at. With `induction`
    of k the assertions are proven for all times: they hold in `depth` clocks from the start, and
    where they hold k clocks in a row, from whatever state, they hold in the next.
    """

    name: str
    claim: str
    top: str
    properties: str  # file of the properties, without its suffix
    depth: int
    mutant: Mutant
    start: Start = "reset"
    induction: int = 0
    parameters: Mapping[str, int] = field(default_factory=dict)
    beside: str = ""  # SystemVerilog that the properties need with them
    is_long: bool = False

    @property
    def bound(self) -> str:
        """How far it reaches, in words."""
        if self.induction:
            return f"all times, by {self.induction}-induction"
        if self.depth == 1:
            return "all inputs"
        return f"{self.depth} clocks from {self.start}"
