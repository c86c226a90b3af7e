"""The registers of a design by their names, as its registers.json has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shiftloom.host.errors import DesignError
from shiftloom.host.loading import Bus

WORD = 0xFFFFFFFF


class Registers:
    """Names on a bus; raises DesignError for a name that registers.json lacks."""

    def __init__(self, bus: Bus, described: Mapping[str, Any]) -> None:
        self.bus = bus
        self._words = {word["name"]: word for word in described["registers"]}

    def __contains__(self, name: str) -> bool:
        return name in self._words

    def read(self, name: str) -> int:
        """The word of a register."""
        return self.bus.read(self._word(name)["offset"])

    def write(self, name: str, word: int) -> None:
        """Write the word of a register."""
        self.bus.write(self._word(name)["offset"], word)

    def reset_value(self, name: str) -> int:
        """What a register holds after `aresetn`; of a constant, what it always holds."""
        return int(self._word(name)["reset"])

    def mask(self, name: str, field: str) -> int:
        """The bits of a field in its register."""
        for each in self._word(name)["fields"]:
            if each["name"] == field:
                return ((1 << int(each["width"])) - 1) << int(each["lsb"])
        raise DesignError(f"registers.json has no field {field} in {name}; take that of the build")

    def flags(self, name: str) -> dict[str, str]:
        """Names of the bits that are set, and what they mean; none of a register that is absent."""
        if name not in self:
            return {}
        word = self.read(name)
        fields = self._word(name)["fields"]
        return {each["name"]: each["doc"] for each in fields if word >> each["lsb"] & 1}

    def wide(self, name: str) -> int:
        """The 64 bits of two registers, NAME_HI and NAME_LO, of one moment."""
        high = self.read(f"{name}_HI")
        while True:
            low, again = self.read(f"{name}_LO"), self.read(f"{name}_HI")
            if again == high:
                return high << 32 | low
            high = again

    def _word(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self._words.get(name)
        if found is None:
            raise DesignError(f"registers.json has no {name}; take that of the build")
        return found
