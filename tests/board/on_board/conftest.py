"""Checks that the Python of a board runs, with pynq: the driver as it ships, over real RTL.

`tests/board/test_simulated_board.py` makes the designs and starts these with `--designs FOLDER`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pynq
import pytest

import shiftloom.host.simulated as simulated
from shiftloom.host.accelerator import Accelerator


@dataclass(frozen=True)
class Case:
    """A build, its bitstream for the simulated board, and frames with what must come out."""

    folder: Path

    @property
    def build(self) -> Path:
        """The build folder, as it would be on the board."""
        return self.folder / "build"

    @property
    def bitfile(self) -> Path:
        """Its bitstream."""
        return next((self.folder / "build.results" / "simulated").glob("*.bit"))

    def data(self) -> dict[str, npt.NDArray[Any]]:
        """Frames `x`, and outputs: `y`, or others that a check names."""
        with np.load(self.folder / "frames.npz") as found:
            return dict(found)

    def open(self, **options: Any) -> Accelerator:
        """The accelerator on the simulated board, which is pynq's device."""
        return Accelerator(self.build, self.bitfile, **options)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the designs are."""
    parser.addoption("--designs", type=Path, required=True)


@pytest.fixture(scope="session")
def designs(request: pytest.FixtureRequest) -> Path:
    """The folder with a folder for each case."""
    found: Path = request.config.getoption("--designs")
    return found


@pytest.fixture
def board() -> Iterator[simulated.SimulatedBoard]:
    """The device that pynq uses; its memory is well again in the end."""
    device = pynq.Device.active_device
    assert isinstance(device, simulated.SimulatedBoard)
    yield device
    device.behave()


def equal(got: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> bool:
    """Whether all integers are the same, frame by frame."""
    return np.array_equal(got.reshape(len(got), -1), wanted.reshape(len(wanted), -1))
