"""The host's end of the serial line to a board with the shell `serial`: registers and frames.

`open_link` opens a line by its path; `SerialLink` takes any `Port`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
import time
import tty
from collections import deque
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from shiftloom.host import serial_protocol as protocol
from shiftloom.host.errors import InputError, SerialError
from shiftloom.host.frames import Bytes
from shiftloom.host.serial_protocol import Answer, Answers, DamageError
from shiftloom.host.turns import Turns

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
        end, wait = self.now() + timeout, timeout
        while wait >= 0 and select.select([self.descriptor], [], [], wait)[0]:
            data = None
            with _ended():
                data = os.read(self.descriptor, 1 << 16)
            if data == b"":
                raise SerialError(_ENDED)
            if data is not None:
                return data
            wait = end - self.now()
        return b""

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises SerialError where nothing goes out for `patience` seconds."""
        left = memoryview(data)
        end = self.now() + self.patience
        while left:
            wait = end - self.now()
            if wait < 0 or not select.select([], [self.descriptor], [], wait)[1]:
                problem = f"the serial line has taken nothing for {self.patience:g} s"
                raise SerialError(f"{problem}; is flow control off?")
            with _ended():
                left = left[os.write(self.descriptor, left[:4096]) :]
                end = self.now() + self.patience

    def now(self) -> float:
        """Of a clock that is never set."""
        return time.monotonic()


_ENDED = "the serial line has ended; is the board still connected?"
_HINT = "give the terminal of the board, such as /dev/ttyUSB1"


@contextmanager
def _ended() -> Iterator[None]:
    """Errors of the system are those of a line that is gone, but that it is not ready."""
    try:
        yield
    except BlockingIOError:
        return
    except OSError as error:
        raise SerialError(_ENDED) from error


def _in_use(path: Path | str) -> str:
    hint = "end that one, or give the terminal of another board"
    return f"{path}: is in use by another program, or by this one; {hint}"


@contextmanager
def open_link(path: Path | str, in_bytes: int, out_bytes: int, baud: int) -> Iterator[SerialLink]:
    """The link over the terminal at `path`, raw, with 8 bits, no parity and `baud` bits a second.

    No other program can open it meanwhile. Raises SerialError where the system has no such rate, or
    no such terminal, and where another program has it.
    """
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise SerialError(f"{path}: this system has no rate of {baud} baud")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise SerialError(_in_use(path)) from error
        raise SerialError(f"{path}: cannot be opened: {error.strerror}; {_HINT}") from error
    try:
        with _taken(descriptor, speed, path):
            yield SerialLink(FilePort(descriptor), in_bytes, out_bytes)
    finally:
        os.close(descriptor)


@contextmanager
def _taken(descriptor: int, speed: int, path: Path | str) -> Iterator[None]:
    """A terminal that is set, and that no other program uses or can open.

    Raises SerialError where one does, or where it is none. The superuser can open a terminal that
    is taken, so there is a lock, too.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SerialError(_in_use(path)) from error
    try:
        _set(descriptor, speed)
        fcntl.ioctl(descriptor, termios.TIOCEXCL)
    except (OSError, termios.error) as error:
        raise SerialError(f"{path}: is no terminal; {_HINT}") from error
    try:
        yield
    finally:
        with suppress(OSError):  # of a terminal that was pulled out
            fcntl.ioctl(descriptor, termios.TIOCNXCL)
        fcntl.flock(descriptor, fcntl.LOCK_UN)


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
    """Registers and frames of the accelerator at the end of `port`.

    Threads take turns: between two commands, or two frames, comes what another one has to send.
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
    _turns: Turns = field(init=False, default_factory=Turns)

    def __post_init__(self) -> None:
        self._answers = Answers(self.out_bytes)
        self._number = os.urandom(1)[0]
        self._settle()
        # The board takes a write with the number of the command before for the same once more:
        # a read comes first, so that no command of an earlier caller is the one before.
        self.read(0)

    def read(self, offset: int) -> int:
        """The word of a register; raises SerialError where there is none."""
        body = self._command(lambda number: protocol.read(number, offset))
        _check(body, f"reading the register at {offset:#x}")
        return int.from_bytes(body[1:], "little")

    def write(self, offset: int, word: int) -> None:
        """Write the word of a register; raises SerialError where there is none to write."""
        body = self._command(lambda number: protocol.write(number, offset, word))
        _check(body, f"writing the register at {offset:#x}")

    def frames(self, frames: Bytes) -> Bytes:
        """The output frames [N, out_bytes] of the input frames [N, in_bytes], both as bytes."""
        return self.frames_until(frames, lambda: False)

    def frames_until(self, frames: Bytes, dropped: Callable[[], bool]) -> Bytes:
        """As `frames`; once `dropped`, no more are sent, and outputs that are missing are 0."""
        if frames.ndim != 2 or frames.shape[1] != self.in_bytes or frames.dtype != np.uint8:
            found = f"{frames.dtype} {list(frames.shape)}"
            raise InputError(f"frames: {found}; give uint8 [N, {self.in_bytes}]")
        outputs = np.zeros((len(frames), self.out_bytes), np.uint8)
        left = deque(range(len(frames)))
        while left:
            with self._turns.turn():
                if dropped():
                    break
                self._exchange(frames, outputs, left)
        return outputs

    def _exchange(self, frames: Bytes, outputs: Bytes, left: deque[int]) -> None:
        """Send the frames that are `left`, at least one, until somebody else wants the line.

        All that were sent are answered in the end: what comes next meets none under way.
        """
        sent = dict[int, int]()  # frames by number
        tries, going_on = 0, True
        while sent or (left and going_on):
            while left and going_on and len(sent) < UNDER_WAY:
                number = self._next_number()
                sent[number] = left.popleft()
                self.port.write(protocol.frame(number, frames[sent[number]].tobytes()))
            answer, problem = self._answer_to(protocol.FRAME_ANSWER, sent)
            if answer is None:
                tries = self._try_again(tries, problem)
                left.extendleft(sorted(sent.values(), reverse=True))
                sent.clear()
                going_on = True
            else:
                outputs[sent.pop(answer.number)] = np.frombuffer(answer.body, np.uint8)
                tries, going_on = 0, not self._turns.wanted

    def _command(self, made: Callable[[int], bytes]) -> bytes:
        """The body of the answer to a register command `made` of a number, sent until one comes."""
        tries = 0
        with self._turns.turn():
            command = made(self._next_number())
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
