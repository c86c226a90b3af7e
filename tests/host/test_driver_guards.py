"""What keeps callers, files and first errors apart: each guard of the driver is seen to hold."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from driver_designs import Bench, bench, expected, frames, same

from shiftloom.host import accelerator as module
from shiftloom.host import core
from shiftloom.host.errors import AcceleratorError, HardwareError, StuckError

X = frames(10)
RESET = (
    "reset: the shell still moves after 0.02 s (STATUS 0x{queued}, SHELL_STATUS 0x1, "
    "FRAMES 0x{frames:x}, BATCHES 0x0, STALLS_IN 0x0, STALLS_OUT 0x0, errors: {errors}); "
    "a bus does not answer: load the bit file again"
)


@pytest.fixture(params=["mm", "axis"])
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Bench:
    return bench(tmp_path, monkeypatch, request.param)


def test_two_threads_do_not_predict_together(made: Bench, monkeypatch: Any) -> None:
    """The second one comes while the first still looks at its frames."""
    looking, go_on = threading.Event(), threading.Event()
    plain, found = module.checked, []

    def slow(*given: Any) -> Any:
        looking.set()
        assert go_on.wait(60)
        return plain(*given)

    with made.open() as accelerator:
        monkeypatch.setattr(module, "checked", slow)
        thread = threading.Thread(target=lambda: found.append(accelerator.predict(X, 4)))
        thread.start()
        assert looking.wait(60)
        try:
            for act, message in (
                (
                    lambda: accelerator.predict(X),
                    "another predict is under way; wait until it has ended",
                ),
                (
                    accelerator.close,
                    "a predict is under way; cancel it, or wait until it has ended",
                ),
            ):
                with pytest.raises(AcceleratorError) as caught:
                    act()
                assert str(caught.value) == message
            assert made.device.frames == 0
        finally:
            go_on.set()
            thread.join()
        assert same(found[0], expected(X))
        assert same(accelerator.predict(X, 4), expected(X))


def test_a_refused_predict_lets_the_next_one_in(made: Bench) -> None:
    with made.open() as accelerator:
        with pytest.raises(AcceleratorError) as caught:
            accelerator.predict(X[0])
        assert str(caught.value) == "x: has shape [2, 3, 1]; give integers [N, 2, 3, 1]"
        assert same(accelerator.predict(X, 4), expected(X))


@pytest.mark.parametrize("counted", [2, 5, 1 << 31])
def test_frames_that_are_not_counted_are_told(made: Bench, counted: int) -> None:
    """A register of another place, so to say: it tells any number."""
    plain = made.device.read

    def read(offset: int) -> int:
        if made.device.names[offset] == "FRAMES":
            made.device.look()
            return counted if made.device.frames >= 4 else 0
        return plain(offset)

    with made.open() as accelerator:
        made.device.read = read  # type: ignore[method-assign]
        with pytest.raises(HardwareError) as caught:
            accelerator.predict(X[:4], 4)
        assert str(caught.value) == (
            f"batch 1 of 1 (frames 0 to 3): FRAMES has grown by {counted}, not by 4; "
            "take registers.json and bit file from one build, and run one program only"
        )
        made.device.read = plain  # type: ignore[method-assign]
        assert same(accelerator.predict(X, 4), expected(X))


def test_frames_beyond_the_batches_are_told(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch)

    def more(done: int, _: int) -> None:
        made.device.frames += 7

    with made.open() as accelerator:
        with pytest.raises(HardwareError) as caught:
            accelerator.predict(X, 2, more)
        assert str(caught.value) == (
            "batch 2 of 5 (frames 2 to 3): FRAMES has grown by 13, not by 4 to 6; "
            "take registers.json and bit file from one build, and run one program only"
        )
        assert made.device.frames == 0, "it was reset"


def test_frames_are_counted_modulo_their_register(made: Bench) -> None:
    with made.open() as accelerator:
        made.device.frames = (1 << 32) - 3
        assert same(accelerator.predict(X, 4), expected(X))


def test_a_dead_bus_names_the_batch_and_keeps_the_first_error(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(core, "_RESET_SECONDS", 0.02)
    made = bench(tmp_path, monkeypatch)

    def die(done: int, _: int) -> None:
        made.device.moving = True

    made.device.hang_at = 6
    with pytest.raises(StuckError) as caught, made.open(timeout=0.02) as accelerator:
        accelerator.predict(X, 4, die)
    told = RESET.format(queued=0, frames=0, errors="short_frame")
    named = "batch 2 of 3 (frames 4 to 7)"
    assert str(caught.value) == f"{named}: {told}"
    assert str(caught.value.__cause__) == (
        f"{named}: no frame has finished for 0.02 s (STATUS 0x1, SHELL_STATUS 0x1, FRAMES 0x6, "
        "BATCHES 0x1, STALLS_IN 0x0, STALLS_OUT 0x0, errors: none); it was reset; "
        "give a longer `timeout` if a frame may take so long, else check the clock of the board"
    )
    notes = getattr(caught.value, "__notes__", [])
    assert notes == [f"closing it has failed, too: {told}"]
    assert made.device.memory, "the hardware could still write there"
    made.device.moving = False
    accelerator.close()
    assert made.device.memory == {}


def test_close_is_heard_where_nothing_else_is_wrong(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(core, "_RESET_SECONDS", 0.02)
    made = bench(tmp_path, monkeypatch)
    with pytest.raises(StuckError) as caught, made.open():
        made.device.moving = True
    assert str(caught.value) == RESET.format(queued=0, frames=0, errors="none")
