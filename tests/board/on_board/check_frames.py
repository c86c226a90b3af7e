"""Real images through both shells and out of external memory, every output integer compared."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conftest import Case, equal

from shiftloom.host.simulated import SimulatedBoard

SHELLS = ("mm", "axis")


@pytest.mark.parametrize("name", [*SHELLS, "memory"])
def test_every_output_is_right(designs: Path, board: SimulatedBoard, name: str) -> None:
    case, seen = Case(designs / name), []
    data = case.data()
    count = len(data["x"])
    with case.open() as accelerator:
        got = accelerator.predict(
            data["x"], batch=count // 5, progress=lambda *done: seen.append(done)
        )
        assert equal(got, data["y"])
        assert seen[-1] == (count, count)
        counters = accelerator.counters
        assert (counters.frames, counters.batches) == (count, 5)
        assert accelerator.errors == ()
        assert accelerator.clock_mhz == 125.0
    if "labels" in data:
        right = got.reshape(count, -1).argmax(axis=1) == data["labels"]
        assert right.mean() == float(data["accuracy"])


@pytest.mark.parametrize("name", SHELLS)
def test_batches_follow_each_other_without_a_gap(
    designs: Path, board: SimulatedBoard, name: str
) -> None:
    case = Case(designs / name)
    data = case.data()
    interval, latency = data["clocks"].tolist()
    with case.open() as accelerator:
        accelerator.predict(data["x"][:60], batch=60)
        clocks = accelerator.throughput.busy_cycles
    assert 59 * interval <= clocks <= 59 * interval + latency + 200


@pytest.mark.parametrize("name", SHELLS)
def test_interrupts_end_batches(designs: Path, board: SimulatedBoard, name: str) -> None:
    case, ticks = Case(designs / name), []
    data = case.data()

    async def ticking() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    async def run() -> bool:
        with case.open() as accelerator:
            assert accelerator._hardware.interrupt is not None
            other = asyncio.get_running_loop().create_task(ticking())
            got = await accelerator.predict_async(data["x"], batch=50)
            other.cancel()
            return equal(got, data["y"])

    assert asyncio.run(run())
    assert len(ticks) > 5


@pytest.mark.parametrize("name", [*SHELLS, "memory"])
def test_a_slow_memory_changes_no_output(designs: Path, board: SimulatedBoard, name: str) -> None:
    case = Case(designs / name)
    data = case.data()
    with case.open() as accelerator:
        board.behave(latency=(20, 200), stall=0.3)
        assert equal(accelerator.predict(data["x"][:40], batch=7), data["y"][:40])


def test_frames_that_are_not_flushed_do_not_arrive(
    designs: Path, board: SimulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(designs / "mm")
    data = case.data()
    with case.open() as accelerator:
        monkeypatch.setattr(board, "flush", lambda *_: None)
        assert not equal(accelerator.predict(data["x"][:4]), data["y"][:4])


def test_results_that_are_not_invalidated_are_not_seen(
    designs: Path, board: SimulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(designs / "mm")
    data = case.data()
    with case.open() as accelerator:
        monkeypatch.setattr(board, "invalidate", lambda *_: None)
        assert not equal(accelerator.predict(data["x"][:4]), data["y"][:4])
