"""The registers of a design by their names, as its registers.json has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from shiftloom.host.errors import DesignError

WORD = 0xFFFFFFFF


class Bus(Protocol):
    """Access to the registers by their byte offsets."""

    def read(self, offset: int) -> int:
        """The word of a register."""

    def write(self, offset: int, word: int) -> None:
        """Write the word of a register."""


class RegisterMap:
    """Where the registers and their fields are; DesignError for what registers.json lacks."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self._words = {word["name"]: word for word in described["registers"]}

    def __contains__(self, name: str) -> bool:
        return name in self._words

    def offset(self, name: str) -> int:
        """The byte offset of a register."""
        return int(self._word(name)["offset"])

    def reset_value(self, name: str) -> int:
        """What a register holds after `aresetn`; of a constant, what it always holds."""
        return int(self._word(name)["reset"])

    def mask(self, name: str, field: str) -> int:
        """The bits of a field in its register."""
        for each in self._word(name)["fields"]:
            if each["name"] == field:
                return ((1 << int(each["width"])) - 1) << int(each["lsb"])
        raise DesignError(f"registers.json has no field {field} in {name}; take that of the build")

    def fields(self, name: str, **values: int) -> int:
        """The word of a register whose other fields are 0."""
        masks = {field: self.mask(name, field) for field in values}
        return sum(values[field] * (mask & -mask) for field, mask in masks.items())

    def _word(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self._words.get(name)
        if found is None:
            raise DesignError(f"registers.json has no {name}; take that of the build")
        return found


class Registers(RegisterMap):
    """The registers on a bus."""

    def __init__(self, bus: Bus, described: Mapping[str, Any]) -> None:
        super().__init__(described)
        self.bus = bus

    def read(self, name: str) -> int:
        """The word of a register."""
        return self.bus.read(self.offset(name))

    def write(self, name: str, word: int) -> None:
        """Write the word of a register."""
        self.bus.write(self.offset(name), word)

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
