"""What stands in for a part of pynq has that part's signatures."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pynq
import pynq.interrupt
import pynq.uio
import pytest

from shiftloom.host.clock import settle
from shiftloom.host.simulated import SimulatedBoard
from shiftloom.host.simulated_interrupts import SimulatedUio


def _parameters(function: Callable[..., Any]) -> list[tuple[str, object]]:
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind) for each in found]


@pytest.mark.parametrize("name", ["__init__", "add_event"])
def test_uio_has_the_methods_of_pynq(name: str) -> None:
    ours, theirs = (getattr(kind, name) for kind in (SimulatedUio, pynq.uio.UioController))
    assert _parameters(ours) == _parameters(theirs)


def test_uio_is_found_as_pynq_finds_it() -> None:
    source = inspect.getsource(pynq.interrupt._InterruptController.get_parent)
    assert "get_uio_irq(raw_irq)" in source
    assert "UioController(uiodev)" in source


@pytest.mark.parametrize("name", ["get_bitfile_metadata", "has_capability", "post_download"])
def test_device_keeps_the_methods_of_pynq(name: str) -> None:
    theirs = _parameters(getattr(pynq.Device, name))
    assert _parameters(getattr(SimulatedBoard, name))[: len(theirs)] == theirs


def test_every_core_of_pynq_is_its_own() -> None:
    for part in (pynq.Overlay, pynq.MMIO, pynq.allocate, pynq.interrupt.Interrupt):
        assert part.__module__.startswith("pynq.")


@pytest.mark.parametrize(("planned", "found"), [(125.0, 125.0), (150.0, 142.857143)])
def test_clocks_are_set_by_pynq(planned: float, found: float) -> None:
    """Before any bitstream, as on a board."""
    assert settle(pynq.Clocks, planned) == found
    assert type(pynq.Clocks._instance).__module__ == "pynq.ps"
