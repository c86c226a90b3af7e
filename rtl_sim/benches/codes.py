"""What the benches of units with shift codes share: what codes mean, and the bad one's alarm."""

from __future__ import annotations

from typing import Any

import numpy as np

BETA = np.array([0, 1, 2, 4, -1, -2, -4, 0], dtype=np.int64)
BAD_CODE = 7


class Alarm:
    """Counts the clocks in which bad_code is high."""

    def __init__(self, dut: Any) -> None:
        self.bad_code = dut.bad_code
        self.clocks = 0

    def drive(self) -> None:
        """Drive nothing."""

    def look(self, _clock: int) -> None:
        """Count this clock."""
        self.clocks += int(self.bad_code.value)
