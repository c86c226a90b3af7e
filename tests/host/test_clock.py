"""The clock of the programmable logic: never above that of the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pynq_standin as standin
import pytest
from driver_designs import bench

from shiftloom.host.clock import settle
from shiftloom.host.errors import HardwareError


class Board:
    """A clock that takes the nearest rate that it makes."""

    def __init__(self, *rates: float) -> None:
        self.rates, self.now = rates, 0.0

    @property
    def fclk0_mhz(self) -> float:
        return self.now

    @fclk0_mhz.setter
    def fclk0_mhz(self, mhz: float) -> None:
        self.now = min(self.rates, key=lambda rate: abs(rate - mhz))


@pytest.mark.parametrize(
    ("rates", "planned", "wanted"),
    [
        ((100.0, 125.0, 142.9), 125.0, 125.0),
        ((187.5, 214.286), 200.0, 187.5),
        ((214.286, 187.5), 201.0, 187.5),
        ((125.0001,), 125.0, 125.0001),
        ((30.0, 300.0), 125.0, 30.0),
    ],
)
def test_clock_is_the_next_below(rates: tuple[float, ...], planned: float, wanted: float) -> None:
    board = Board(*rates)
    assert settle(board, planned) == wanted == board.now


def test_a_board_that_is_too_fast_is_refused() -> None:
    with pytest.raises(HardwareError) as error:
        settle(Board(150.0, 300.0), 125.0)
    assert str(error.value) == (
        "the clock stays at 150 MHz, the plan is for 125; "
        "build for a target.clock_mhz of 150 or more"
    )


def test_the_driver_sets_it_and_counts_by_it(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch, "mm")
    monkeypatch.setattr(standin.Clocks, "rates", (80.0, 130.0))
    with made.open() as accelerator:
        assert accelerator.clock_mhz == 80.0
