"""A small design on a model board behind a pseudo terminal, and its folder."""

from __future__ import annotations

import os
import time
import tty
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import driver_designs as designs
from fake_device import FakeDevice
from serial_model import Board

BAUD = 230_400


class Words(MutableMapping[int, int]):
    """The registers of a device by their offsets."""

    def __init__(self, device: FakeDevice) -> None:
        self._device = device

    def __getitem__(self, offset: int) -> int:
        return self._device.read(offset)

    def __setitem__(self, offset: int, word: int) -> None:
        self._device.write(offset, word)

    def __delitem__(self, offset: int) -> None:
        raise AssertionError

    def __iter__(self) -> Iterator[int]:
        return iter(self._device.names)

    def __len__(self) -> int:
        return len(self._device.names)


@dataclass(frozen=True)
class SerialBoard:
    """A board at work: the path of its terminal, the folder of its build."""

    path: str
    folder: Path
    device: FakeDevice


@contextmanager
def serial_board(folder: Path) -> Iterator[SerialBoard]:
    """The design of driver_designs with the shell serial."""
    described = designs.accelerator("serial", serial={"baud": BAUD})
    words = designs.registers("serial")
    device = FakeDevice(described, words, designs.compute)

    def output(frame: bytes) -> bytes:
        device.frames += 1
        return designs.compute(frame, device)

    main, line = os.openpty()
    tty.setraw(main)
    try:
        with Board(main, device.in_bytes, output, registers=Words(device)):
            made = designs.write(folder, described, words)
            yield SerialBoard(os.ttyname(line), made, device)
    finally:
        os.close(main)
        os.close(line)


def when(condition: Callable[[], bool]) -> None:
    """Wait until something holds that another thread brings about."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.0005)
