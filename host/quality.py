"""The number of signed digits that units keep, in a register each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from shiftloom.host.description import Unit
from shiftloom.host.errors import HardwareError, InputError, shown
from shiftloom.host.registers import Registers

MOST = 15
"""What a register holds."""
Digits: TypeAlias = "int | np.integer[Any]"
"""In quotes, because `np.integer[Any]` is an error of NumPy before 1.22."""


class Quality:
    """The units of a design; `write` raises InputError with nothing written."""

    def __init__(self, registers: Registers, units: Sequence[Unit]) -> None:
        self._registers = registers
        self._units = {unit.node: unit for unit in units}

    def read(self) -> dict[str, int]:
        """The digits by node."""
        return {node: self._registers.read(unit.register) for node, unit in self._units.items()}

    def write(self, value: Digits | Mapping[str, Digits]) -> None:
        """Set all units, or those named; raises HardwareError where one does not take it."""
        if not self._units:
            raise InputError("no unit keeps signed digits; build with pe: csd or requant: csd")
        wanted = value if isinstance(value, Mapping) else dict.fromkeys(self._units, value)
        unknown = sorted(set(wanted) - set(self._units), key=str)
        if unknown:
            names = ", ".join(self._units)
            raise InputError(f"no unit {shown(unknown[0])} keeps signed digits; there are {names}")
        for node, digits in wanted.items():
            whole = isinstance(digits, (int, np.integer)) and not isinstance(digits, bool)
            if not whole or not 1 <= digits <= MOST:
                most = self._units[node].most
                hint = f"give an integer from 1 to {MOST}; {most} are exact"
                raise InputError(f"{node}: quality of {shown(digits)}; {hint}")
        for node, digits in wanted.items():
            register = self._units[node].register
            self._registers.write(register, int(digits))
            found = self._registers.read(register)
            if found != digits:
                hint = "check that the bit file is of this build"
                raise HardwareError(f"{node}: wrote {digits} to {register}, read {found}; {hint}")
