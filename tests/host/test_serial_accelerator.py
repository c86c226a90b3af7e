"""The driver on a board behind a serial line, opened by the path of its terminal."""

from __future__ import annotations

import os
import termios
import threading
from pathlib import Path
from typing import Any

import driver_designs as designs
import pytest
import serial_designs
from driver_designs import expected, frames, same
from fake_device import FakeDevice
from serial_designs import serial_board, when

from shiftloom.host import core
from shiftloom.host import serial_link as link_module
from shiftloom.host.accelerator import Accelerator
from shiftloom.host.errors import (
    AcceleratorError,
    DesignError,
    InputError,
    SerialError,
    StuckError,
)


@pytest.fixture
def descriptors(monkeypatch: Any) -> list[int]:
    """Those that `open_link` has opened."""
    found: list[int] = []
    plain = link_module._set

    def noting(descriptor: int, speed: int) -> None:
        found.append(descriptor)
        plain(descriptor, speed)
        assert termios.tcgetattr(descriptor)[4] == termios.B230400

    monkeypatch.setattr(link_module, "_set", noting)
    return found


def closed(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False


def test_predicts_and_closes_its_line(tmp_path: Path, descriptors: list[int]) -> None:
    x = frames(10)
    with serial_board(tmp_path) as board:
        with Accelerator.serial(board.folder, board.path, timeout=3) as accelerator:
            assert same(accelerator.predict(x, 4), expected(x))
            assert same(accelerator.predict(x), expected(x))
            assert (accelerator.counters.frames, accelerator.timeout) == (20, 3.0)
            assert not closed(descriptors[0])
        assert closed(descriptors[0])
        accelerator.close()
        with pytest.raises(AcceleratorError) as caught:
            accelerator.reset()
        assert str(caught.value) == "the accelerator is closed; open it again"
        with Accelerator.serial(board.folder, board.path) as accelerator:
            assert same(accelerator.predict(x), expected(x))
    assert len(descriptors) == 2


def test_another_board_leaves_no_line_open(tmp_path: Path, descriptors: list[int]) -> None:
    with serial_board(tmp_path) as board:
        board.device.words["DIGEST0"] = 0
        with pytest.raises(DesignError) as caught:
            Accelerator.serial(board.folder, board.path)
    assert str(caught.value) == (
        "the hardware is the build 0000000089abcdef, not 0123456789abcdef; "
        "load the bit file that was made of this build"
    )
    assert closed(descriptors[0])


def test_a_board_that_does_not_rest_leaves_no_line_open(
    tmp_path: Path, descriptors: list[int], monkeypatch: Any
) -> None:
    monkeypatch.setattr(core, "_RESET_SECONDS", 0.02)
    with serial_board(tmp_path) as board:
        accelerator = Accelerator.serial(board.folder, board.path)
        board.device.moving = True
        with pytest.raises(StuckError) as caught:
            accelerator.close()
        assert str(caught.value) == (
            "reset: the shell still moves after 0.02 s (STATUS 0x0, SHELL_STATUS 0x1, FRAMES 0x0, "
            "STALLS_IN 0x0, STALLS_OUT 0x0, errors: none); "
            "a bus does not answer: load the bit file again"
        )
        assert closed(descriptors[0])
        accelerator.close()


def test_refuses_another_shell_another_path_and_another_timeout(tmp_path: Path) -> None:
    folder = designs.write(tmp_path, designs.accelerator("mm"), designs.registers("mm"))
    with pytest.raises(DesignError) as caught:
        Accelerator.serial(folder, "/dev/null")
    assert str(caught.value) == ("the shell mm has no serial line; open it by Accelerator(folder)")
    entry = {"baud": serial_designs.BAUD}
    described = designs.accelerator("serial", serial=entry)
    designs.write(tmp_path, described, designs.registers("serial"))
    with pytest.raises(SerialError) as refused:
        Accelerator.serial(folder, "/dev/null")
    assert isinstance(refused.value, AcceleratorError)
    assert str(refused.value) == (
        "/dev/null: is no terminal; give the terminal of the board, such as /dev/ttyUSB1"
    )
    with pytest.raises(InputError) as wrong:
        Accelerator.serial(folder, "/dev/null", timeout=0)
    assert str(wrong.value) == "timeout of 0; give a finite number of seconds above 0"


def test_another_thread_reads_while_frames_run(tmp_path: Path) -> None:
    x, seen, failed = frames(150), [0], list[BaseException]()
    begun, ended = threading.Event(), threading.Event()

    def poll() -> None:
        try:
            while not ended.is_set():
                seen.append(accelerator.counters.frames)
                assert accelerator.errors == ()
                begun.set()
        except BaseException as error:
            failed.append(error)
            begun.set()

    with (
        serial_board(tmp_path) as board,
        Accelerator.serial(board.folder, board.path) as accelerator,
    ):
        thread = threading.Thread(target=poll)
        thread.start()
        try:
            assert begun.wait(60)
            found = accelerator.predict(x, 50)
        finally:
            ended.set()
            thread.join()
        assert failed == []
        assert same(found, expected(x))
        assert seen == sorted(seen)
        assert accelerator.counters.frames == len(x)


def test_a_reset_by_another_thread_is_told_as_such(tmp_path: Path, monkeypatch: Any) -> None:
    """It comes while frames are on the line, of a batch that goes on for long."""
    x, plain, failed, run = frames(400), designs.compute, list[BaseException](), 0

    def reset() -> None:
        try:
            accelerator.reset()
        except BaseException as error:
            failed.append(error)

    def compute(frame: bytes, device: FakeDevice) -> bytes:
        nonlocal run
        run += 1
        if run == 20:
            thread.start()
            when(lambda: accelerator._hardware._link._turns.wanted)  # type: ignore[attr-defined]
        return plain(frame, device)

    with (
        serial_board(tmp_path) as board,
        Accelerator.serial(board.folder, board.path) as accelerator,
    ):
        thread = threading.Thread(target=reset)
        monkeypatch.setattr(designs, "compute", compute)
        with pytest.raises(AcceleratorError) as caught:
            accelerator.predict(x, len(x))
        thread.join()
        assert type(caught.value) is AcceleratorError
        assert str(caught.value) == (
            "batch 1 of 1 (frames 0 to 399): the accelerator was reset; call predict again"
        )
        assert failed == []
        assert run < len(x), "the rest of the batch is not sent"
        assert accelerator.counters.frames == 0
        assert same(accelerator.predict(x[:5]), expected(x[:5]))
