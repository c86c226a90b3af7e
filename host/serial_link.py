"""The host's end of the serial line to a board with the shell `serial`: registers and frames.

`open_link` opens a line by its path; `SerialLink` takes any `Port`.
"""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from collections import deque
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from shiftloom.host import serial_protocol as protocol
from shiftloom.host.errors import InputError, SerialError
from shiftloom.host.frames import Bytes
from shiftloom.host.serial_protocol import Answer, Answers, DamageError

QUIET = 0.1
"""Seconds of silence after which the board listens to a new command, whatever came before."""
PATIENCE = 5.0
"""Seconds without an answer after which a command counts as lost."""
UNDER_WAY = 2
"""Frames that the board holds at most without having answered them."""
TRIES = 4
"""How often a command is sent before it is given up."""
SLOWEST = 11_520
"""Bytes a second of the slowest line of a board."""


class Port(Protocol):
    """Something that bytes go into and come out of."""

    def read(self, timeout: float) -> bytes:
        """What has arrived, at once where there is something, b"" after `timeout` seconds."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def now(self) -> float:
        """Seconds by the clock of `timeout`, since whenever."""


@dataclass(slots=True)
class FilePort:
    """The port of an open file descriptor: of a terminal, a socket or a pseudo terminal."""

    descriptor: int
    patience: float = PATIENCE

    def read(self, timeout: float) -> bytes:
        """What has arrived, b"" after `timeout` seconds; raises SerialError where it has ended."""
        if not select.select([self.descriptor], [], [], timeout)[0]:
            return b""
        with _ended():
            data = os.read(self.descriptor, 1 << 16)
        if not data:
            raise SerialError(_ENDED)
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises SerialError where nothing goes out for `patience` seconds."""
        left = memoryview(data)
        while left:
            if not select.select([], [self.descriptor], [], self.patience)[1]:
                problem = f"the serial line has taken nothing for {self.patience:g} s"
                raise SerialError(f"{problem}; is flow control off?")
            with _ended():
                left = left[os.write(self.descriptor, left[:4096]) :]

    def now(self) -> float:
        """Of a clock that is never set."""
        return time.monotonic()


_ENDED = "the serial line has ended; is the board still connected?"


@contextmanager
def _ended() -> Iterator[None]:
    """Errors of the system are those of a line that is gone."""
    try:
        yield
    except OSError as error:
        raise SerialError(_ENDED) from error


@contextmanager
def open_link(path: Path | str, in_bytes: int, out_bytes: int, baud: int) -> Iterator[SerialLink]:
    """The link over the terminal at `path`, raw, with 8 bits, no parity and `baud` bits a second.

    Raises SerialError where the system has no such rate, or no such terminal.
    """
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise SerialError(f"{path}: this system has no rate of {baud} baud")
    hint = "give the terminal of the board, such as /dev/ttyUSB1"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise SerialError(f"{path}: cannot be opened: {error.strerror}; {hint}") from error
    try:
        try:
            _set(descriptor, speed)
        except termios.error as error:
            raise SerialError(f"{path}: is no terminal; {hint}") from error
        yield SerialLink(FilePort(descriptor), in_bytes, out_bytes)
    finally:
        os.close(descriptor)


def _set(descriptor: int, speed: int) -> None:
    """Make a terminal raw, at a rate of termios, and forget what has come."""
    tty.setraw(descriptor)
    settings = termios.tcgetattr(descriptor)
    settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
    settings[4] = settings[5] = speed
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    termios.tcflush(descriptor, termios.TCIOFLUSH)


@dataclass(slots=True)
class SerialLink:
    """Registers and frames of the accelerator at the end of `port`; for one caller at a time.

    in_bytes, out_bytes: of a frame in and out. A command that is refused, lost or damaged is sent
    again, `TRIES` times in all; SerialError says what is wrong then.
    """

    port: Port
    in_bytes: int
    out_bytes: int
    patience: float = PATIENCE
    quiet: float = QUIET
    _answers: Answers = field(init=False)
    _number: int = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.out_bytes)
        self._number = os.urandom(1)[0]
        self._settle()
        # The board takes a write with the number of the command before for the same once more:
        # a read comes first, so that no command of an earlier caller is the one before.
        self.read(0)

    def read(self, offset: int) -> int:
        """The word of a register; raises SerialError where there is none."""
        body = self._command(protocol.read(self._next_number(), offset))
        _check(body, f"reading the register at {offset:#x}")
        return int.from_bytes(body[1:], "little")

    def write(self, offset: int, word: int) -> None:
        """Write the word of a register; raises SerialError where there is none to write."""
        body = self._command(protocol.write(self._next_number(), offset, word))
        _check(body, f"writing the register at {offset:#x}")

    def frames(self, frames: Bytes) -> Bytes:
        """The output frames [N, out_bytes] of the input frames [N, in_bytes], both as bytes."""
        if frames.ndim != 2 or frames.shape[1] != self.in_bytes or frames.dtype != np.uint8:
            found = f"{frames.dtype} {list(frames.shape)}"
            raise InputError(f"frames: {found}; give uint8 [N, {self.in_bytes}]")
        outputs = np.zeros((len(frames), self.out_bytes), np.uint8)
        waiting, sent = deque(range(len(frames))), dict[int, int]()  # sent: frames by number
        tries = 0
        while waiting or sent:
            while waiting and len(sent) < UNDER_WAY:
                number = self._next_number()
                sent[number] = waiting.popleft()
                self.port.write(protocol.frame(number, frames[sent[number]].tobytes()))
            answer, problem = self._answer_to(protocol.FRAME_ANSWER, sent)
            if answer is None:
                tries = self._try_again(tries, problem)
                waiting.extendleft(sorted(sent.values(), reverse=True))
                sent.clear()
            else:
                outputs[sent.pop(answer.number)] = np.frombuffer(answer.body, np.uint8)
                tries = 0
        return outputs

    def _command(self, command: bytes) -> bytes:
        """The body of the answer to a register command, which is sent until one comes."""
        tries = 0
        while True:
            self.port.write(command)
            answer, problem = self._answer_to(command[:1].lower(), (command[1],))
            if answer is not None:
                return answer.body
            tries = self._try_again(tries, problem)

    def _answer_to(self, kind: bytes, numbers: Container[int]) -> tuple[Answer | None, str]:
        """The next answer to one of these commands, or None and what there was instead.

        Answers to frames that were given up may come before it, for some time.
        """
        end = self.port.now() + self._longest
        while self.port.now() < end:
            answer, problem = self._next_answer(end)
            if answer is None or (answer.kind == kind and answer.number in numbers):
                return answer, problem
        return None, f"only answers to other commands for {self._longest:.1f} s"

    def _next_answer(self, end: float) -> tuple[Answer | None, str]:
        """The next answer that is no refusal, or None and what there was instead."""
        try:
            while (answer := self._answers.next()) is None:
                data = self.port.read(min(self.patience, max(0.0, end - self.port.now())))
                if not data:
                    return None, f"no answer within {self.patience:g} s"
                self._answers.feed(data)
        except DamageError as error:
            return None, str(error)
        if answer.kind != protocol.REFUSAL:
            return answer, ""
        reason = protocol.REASONS.get(answer.body[0], f"reason {answer.body[0]}")
        return None, f"the board has refused a command: {reason}"

    def _try_again(self, tries: int, problem: str) -> int:
        """One try more, with the line quiet; raises SerialError where that was the last."""
        if tries + 1 == TRIES:
            hint = "check the line, its rate, and that the board has the bitstream of this build"
            raise SerialError(f"gave up after {TRIES} tries: {problem}; {hint}")
        self._settle()
        return tries + 1

    def _settle(self) -> None:
        """Wait until nothing comes any more: then both ends begin anew; raises SerialError."""
        end = self.port.now() + self._longest
        while self.port.read(self.quiet):
            if self.port.now() > end:
                problem = f"the serial line is not quiet: bytes have come for {self._longest:.1f} s"
                hint = "check its path and its rate, and that nothing else uses the board"
                raise SerialError(f"{problem}; {hint}")
        self._answers.clear()

    @property
    def _longest(self) -> float:
        """Seconds that `patience` and all answers which the board still owes may take."""
        return self.patience + (UNDER_WAY + 1) * self.out_bytes / SLOWEST

    def _next_number(self) -> int:
        self._number = (self._number + 1) % protocol.NUMBERS
        return self._number


def _check(body: bytes, what: str) -> None:
    if body[0] != protocol.OKAY:
        raise SerialError(f"{what} is answered by SLVERR; see registers.json of the build")
