"""Runs the compiler's timing model beside a module: both must make the same handshakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shiftloom.codegen.dataflows.streaming.timing import dispatch
from shiftloom.codegen.dataflows.streaming.timing.model import Model


class Twin:
    """An agent that compares, in every clock, what the module and `model` offer and accept.

    `sources` and `sinks` are the prefixes of the module's pins, in the order of the model's.
    """

    def __init__(
        self, dut: Any, model: Model, sources: Sequence[str] = ("s",), sinks: Sequence[str] = ("m",)
    ) -> None:
        self.kind = model.kind
        self.params = np.array(model.params, np.int64)
        self.state = np.array(model.state, np.int64)
        self.offers = [getattr(dut, f"{prefix}_tvalid") for prefix in sources]
        self.readies = [getattr(dut, f"{prefix}_tready") for prefix in sources]
        self.valids = [getattr(dut, f"{prefix}_tvalid") for prefix in sinks]
        self.takes = [getattr(dut, f"{prefix}_tready") for prefix in sinks]

    def drive(self) -> None:
        """Drive nothing."""

    def look(self, clock: int) -> None:
        """Compare, then advance by what is on the pins."""
        offered, taken = _mask(self.offers), _mask(self.takes)
        ready, valid = _mask(self.readies), _mask(self.valids)
        predicted = (
            dispatch.ready(self.kind, self.params, self.state, offered, taken),
            dispatch.valid(self.kind, self.params, self.state),
        )
        assert (ready, valid) == predicted, (
            f"clock {clock}: (s_tready, m_tvalid) {ready, valid} != {predicted}"
        )
        dispatch.step(self.kind, self.params, self.state, offered & ready, taken & valid)


def _mask(pins: Sequence[Any]) -> int:
    """Bit i is pin i."""
    return sum(int(pin.value) << index for index, pin in enumerate(pins))
