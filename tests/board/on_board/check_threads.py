"""Threads that use one board together: each access is whole, and nothing of the other's."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pynq
import pytest
from conftest import Case, equal

from shiftloom.host.accelerator import Accelerator
from shiftloom.host.simulated import SimulatedBoard


class Polling(threading.Thread):
    """Reads all counters, and the errors, again and again until it is left; keeps what it sees."""

    def __init__(self, accelerator: Accelerator) -> None:
        super().__init__()
        self._accelerator = accelerator
        self._begun, self._ended = threading.Event(), threading.Event()
        self.seen: list[tuple[int, ...]] = []
        self.errors: set[str] = set()
        self.failed: list[Exception] = []

    def run(self) -> None:
        """In the thread."""
        try:
            while not self._ended.is_set():
                self.seen.append(dataclasses.astuple(self._accelerator.counters))
                self.errors.update(self._accelerator.errors)
                self._begun.set()
        except Exception as error:
            self.failed.append(error)
            self._begun.set()

    def __enter__(self) -> Polling:
        self.start()
        assert self._begun.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


def _predicted(accelerator: Accelerator, x: npt.NDArray[Any], awaited: bool) -> npt.NDArray[Any]:
    found: Any
    if awaited:
        found = asyncio.run(accelerator.predict_async(x, batch=20))
    else:
        found = accelerator.predict(x, batch=20)
    return np.asarray(found)


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("name", ["mm", "axis"])
def test_another_thread_reads_while_frames_run(
    designs: Path, board: SimulatedBoard, name: str, awaited: bool
) -> None:
    case = Case(designs / name)
    data = case.data()
    x, y = data["x"][:60], data["y"][:60]
    with case.open() as accelerator:
        with Polling(accelerator) as polling:
            assert equal(_predicted(accelerator, x, awaited), y)
        assert (polling.failed, polling.errors) == ([], set())
        assert all(
            one <= other
            for before, after in zip(polling.seen, polling.seen[1:], strict=False)
            for one, other in zip(before, after, strict=True)
        )
        assert accelerator.counters.frames == len(x)
        assert equal(accelerator.predict(x), y)


def test_buffers_of_two_threads_are_apart(
    designs: Path, board: SimulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comes while the place of another one is looked for."""
    place, buffers = board._place, list[Any]()
    other = threading.Thread(target=lambda: buffers.append(pynq.allocate(16, "u1")))

    def slow(size: int) -> int:
        found = place(size)
        if not other.ident:
            other.start()
            end = time.monotonic() + 60
            while not board._accesses.wanted:
                assert time.monotonic() < end
                time.sleep(0.001)
        return found

    with Case(designs / "mm").open():
        monkeypatch.setattr(board, "_place", slow)
        buffers.append(pynq.allocate(16, "u1"))
        other.join()
        assert len({buffer.physical_address for buffer in buffers}) == 2
