"""A batch over any link: what a reset of the shell does to it."""

from __future__ import annotations

import driver_designs as designs
import numpy as np
import pytest
from fake_device import FakeDevice

from shiftloom.host.errors import AcceleratorError
from shiftloom.host.line import Line
from shiftloom.host.registers import Registers


class Link:
    """Registers and frames of a device."""

    def __init__(self, device: FakeDevice) -> None:
        self.read, self.write = device.read, device.write

    def frames(self, given: np.ndarray) -> np.ndarray:
        return given


def test_a_batch_counts_no_more_after_a_reset() -> None:
    """Whoever has begun while a reset was about to be written hears of it, too."""
    words = designs.registers("serial")
    line = Line(Link(FakeDevice(designs.accelerator("serial"), words, designs.compute)), 100.0)
    registers = Registers(line.bus, words)
    transport = line.transport(registers, 6, 15)
    transport.reserve(2)
    transport.begin()
    transport.submit(0, 2)
    registers.write("SHELL_CONTROL", 0)
    registers.write("ERRORS", 1)
    assert transport.done() == 1
    registers.write("SHELL_CONTROL", 1)
    with pytest.raises(AcceleratorError) as caught:
        transport.done()
    assert str(caught.value) == "the accelerator was reset; call predict again"
    transport.begin()
    assert transport.done() == 0
