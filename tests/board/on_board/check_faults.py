"""What goes wrong on a board: each is named, nothing hangs, and the next frames are right."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conftest import Case, equal

from shiftloom.host.accelerator import Accelerator
from shiftloom.host.errors import AcceleratorError, BusError, DesignError, StuckError
from shiftloom.host.simulated import SimulatedBoard
from shiftloom.host.simulated_rtl import MEMORY_BASE


def _runs(accelerator: Accelerator, case: Case) -> bool:
    """Whether some frames come out right."""
    data = case.data()
    return equal(accelerator.predict(data["x"][:20], batch=6), data["y"][:20])


def test_an_overlay_of_another_design_is_refused(designs: Path) -> None:
    with pytest.raises(DesignError, match="the hardware is the build"):
        Accelerator(Case(designs / "mm").build, Case(designs / "memory").bitfile)


@pytest.mark.parametrize(("name", "message"), [("mm", "read_error"), ("axis", "DMA")])
def test_an_error_of_the_bus_is_told(
    designs: Path, board: SimulatedBoard, name: str, message: str
) -> None:
    case = Case(designs / name)
    data = case.data()
    with case.open() as accelerator:
        board.behave(error=MEMORY_BASE + 800)
        with pytest.raises(BusError, match=message):
            accelerator.predict(data["x"][:20])
        board.behave()
        assert _runs(accelerator, case)


@pytest.mark.parametrize("name", ["mm", "axis"])
def test_a_memory_that_never_answers_is_given_up(
    designs: Path, board: SimulatedBoard, name: str
) -> None:
    case = Case(designs / name)
    with case.open(timeout=0.5) as accelerator:
        board.behave(stall=1)
        with pytest.raises(StuckError):
            accelerator.predict(case.data()["x"][:20])
        board.behave()
        accelerator.reset()
        assert _runs(accelerator, case)


@pytest.mark.parametrize("name", ["mm", "axis"])
@pytest.mark.parametrize("steps", [1, 3, 8, 20])
def test_a_reset_while_busy_ends_what_runs(
    designs: Path, board: SimulatedBoard, name: str, steps: int
) -> None:
    case = Case(designs / name)
    data = case.data()

    async def run() -> None:
        with case.open() as accelerator:
            running = asyncio.ensure_future(accelerator.predict_async(data["x"], batch=9))
            for _ in range(steps):
                await asyncio.sleep(0)
            accelerator.reset()
            with pytest.raises(AcceleratorError, match="reset"):
                await running
            assert _runs(accelerator, case)

    asyncio.run(run())


@pytest.mark.parametrize("name", ["mm", "axis"])
def test_a_run_that_is_cancelled_leaves_nothing(
    designs: Path, board: SimulatedBoard, name: str
) -> None:
    case = Case(designs / name)
    data = case.data()

    async def run() -> None:
        with case.open() as accelerator:
            running = asyncio.ensure_future(accelerator.predict_async(data["x"], batch=9))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert _runs(accelerator, case)

    asyncio.run(run())


def test_a_bitstream_for_a_real_board_is_refused(designs: Path, tmp_path: Path) -> None:
    case = Case(designs / "mm")
    data = case.bitfile.read_bytes()
    place = data.index(b"\x7fELF")
    other = tmp_path / case.bitfile.name
    other.write_bytes(data[:place] + b"\xff" * (len(data) - place))
    other.with_suffix(".hwh").write_bytes(case.bitfile.with_suffix(".hwh").read_bytes())
    with pytest.raises(AcceleratorError, match="is for a real board"):
        Accelerator(case.build, other)
