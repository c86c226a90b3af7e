"""The host's end of the serial line over a pseudo terminal and a socket, against a model board."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from serial_designs import when
from serial_model import Board

from shiftloom.host import serial_link as link_module
from shiftloom.host import serial_protocol as protocol
from shiftloom.host.errors import SerialError
from shiftloom.host.serial_link import QUIET, FilePort, SerialLink, open_link

IN, OUT = 20, 6
EXCLUSIVE = 0x8004_5440
"""TIOCGEXCL of Linux."""
HINT = "check the line, its rate, and that the board has the bitstream of this build"


def _output(frame: bytes) -> bytes:
    return bytes(255 - byte for byte in frame[:OUT])


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Two ends of a line."""
    one, other = socket.socketpair()
    with one, other:
        yield one.fileno(), other.fileno()


def _link(descriptor: int) -> SerialLink:
    return SerialLink(FilePort(descriptor), IN, OUT, patience=0.3, quiet=0.05)


def _frames(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, IN), np.uint8)


def _check(link: SerialLink, count: int) -> None:
    frames = _frames(count)
    assert np.array_equal(link.frames(frames), 255 - frames[:, :OUT])


def test_registers_and_frames(ends: tuple[int, int]) -> None:
    with Board(ends[0], IN, _output) as board:
        link = _link(ends[1])
        for word in (5, 0xFFFFFFFF, 0):
            link.write(0x10, word)
            assert link.read(0x10) == word
        assert board.writes == [(0x10, 5), (0x10, 0xFFFFFFFF), (0x10, 0)]
        _check(link, 300)
        assert board.frames == 300
        _check(link, 0)


def test_a_terminal_by_its_path() -> None:
    main, line = os.openpty()
    tty.setraw(main)
    try:
        with Board(main, IN, _output), open_link(os.ttyname(line), IN, OUT, 1_000_000) as link:
            link.write(0x10, 0x0A0D0304)  # control characters of a terminal that is not raw
            assert link.read(0x10) == 0x0A0D0304
            _check(link, 20)
    finally:
        os.close(main)
        os.close(line)


def test_a_rate_that_no_system_has(tmp_path: Path) -> None:
    path = tmp_path / "tty"
    problem = f"{path}: this system has no rate of 123456 baud"
    with pytest.raises(SerialError, match=f"^{re.escape(problem)}$"), open_link(path, 1, 1, 123456):
        pass


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("nothing", "cannot be opened: No such file or directory"),
        ("folder", "cannot be opened: Is a directory"),
        ("file", "is no terminal"),
    ],
)
def test_a_path_that_is_no_terminal(tmp_path: Path, kind: str, problem: str) -> None:
    path = tmp_path / "tty"
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(b"")
    told = f"{path}: {problem}; give the terminal of the board, such as /dev/ttyUSB1"
    with pytest.raises(SerialError, match=f"^{re.escape(told)}$"), open_link(path, 1, 1, 115200):
        pass


def test_a_terminal_that_is_in_use(monkeypatch: Any) -> None:
    def taken() -> bool:
        return any(fcntl.ioctl(line, EXCLUSIVE, bytes(4)))

    main, line = os.openpty()
    path = os.ttyname(line)
    told = (
        f"{path}: is in use by another program, or by this one; "
        "end that one, or give the terminal of another board"
    )
    tty.setraw(main)
    try:
        with Board(main, IN, _output):
            with open_link(path, IN, OUT, 1_000_000) as link:
                assert taken()
                with pytest.raises(SerialError) as caught, open_link(path, IN, OUT, 115200):
                    pass
                assert str(caught.value) == told
                _check(link, 20)
            assert not taken()
            with open_link(path, IN, OUT, 1_000_000) as link:
                _check(link, 20)
    finally:
        os.close(main)
        os.close(line)

    def busy(*_: object) -> int:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    with monkeypatch.context() as patch:  # as who is no superuser sees it
        patch.setattr(os, "open", busy)
        with pytest.raises(SerialError) as caught, open_link(path, IN, OUT, 115200):
            pass
    assert str(caught.value) == told


def test_a_register_is_read_between_the_frames_of_another_thread(ends: tuple[int, int]) -> None:
    kinds, words = list[bytes](), list[int]()

    def noting(answer: bytes) -> bytes:
        kinds.append(answer[:1])
        return answer

    def output(frame: bytes) -> bytes:
        if board.frames == 5:
            reader.start()
            when(lambda: link._turns.wanted)
        return _output(frame)

    with Board(ends[0], IN, output, noting) as board:
        link = _link(ends[1])
        reader = threading.Thread(target=lambda: words.append(link.read(0x10)))
        _check(link, 40)
        reader.join()
    assert words == [0]
    assert kinds.count(b"f") == board.frames == 40, "no frame is sent again"
    assert kinds.index(b"r", 1) - kinds.index(b"f") in (5, 6), "two frames are under way"


def test_frames_that_are_dropped_are_not_sent(ends: tuple[int, int]) -> None:
    with Board(ends[0], IN, _output) as board:
        link = _link(ends[1])
        assert not link.frames_until(_frames(3), lambda: True).any()
        assert board.frames == 0
        _check(link, 3)


@pytest.mark.parametrize("times", [1, 1000])
def test_a_line_that_is_said_to_be_ready_and_is_not(monkeypatch: Any, times: int) -> None:
    plain, left = link_module.select.select, times

    def ready(reads: list[int], writes: list[int], others: list[int], wait: float) -> Any:
        nonlocal left
        left -= 1
        return (reads, writes, others) if left >= 0 else plain(reads, writes, others, wait)

    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    with one, other:
        monkeypatch.setattr(link_module, "select", SimpleNamespace(select=ready))
        port = FilePort(one.fileno(), patience=0.05)
        assert port.read(0.05) == b""
        left = times
        threading.Thread(target=os.write, args=(other.fileno(), b"abc")).start()
        assert port.read(60) == b"abc"
        left = times
        with pytest.raises(SerialError, match=r"^the serial line has taken nothing for 0\.05 s; "):
            port.write(bytes(1 << 24))


@pytest.mark.parametrize("kind", ["changed", "lost", "cut", "nothing"])
def test_damaged_answers_are_asked_for_again(ends: tuple[int, int], kind: str) -> None:
    count = 0

    def spoil(answer: bytes) -> bytes:
        nonlocal count
        count += 1
        if count % 4:
            return answer
        place = count % len(answer)
        return {
            "changed": answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :],
            "lost": answer[:place] + answer[place + 1 :],
            "cut": answer[:place],
            "nothing": b"",
        }[kind]

    with Board(ends[0], IN, _output, spoil) as board:
        link = _link(ends[1])
        for word in range(5):
            link.write(0x10, word)
        assert board.writes == [(0x10, word) for word in range(5)], "each write is done once"
        _check(link, 10)
        assert count > 16


def test_commands_that_are_lost_or_refused_are_sent_again(ends: tuple[int, int]) -> None:
    with Board(ends[0], IN, _output) as board:
        link = _link(ends[1])
        board.deaf = 2
        link.write(0x10, 1)
        assert board.writes == [(0x10, 1)]
        board.full = 2
        _check(link, 5)


def test_half_a_command_of_an_earlier_host(ends: tuple[int, int]) -> None:
    with Board(ends[0], IN, _output):
        os.write(ends[1], b"F\x01abc")
        _check(_link(ends[1]), 3)


def test_a_missing_register(ends: tuple[int, int]) -> None:
    with Board(ends[0], IN, _output):
        link = _link(ends[1])
        told = "is answered by SLVERR; see registers.json of the build"
        with pytest.raises(SerialError, match=f"^reading the register at 0x20 {told}$"):
            link.read(0x20)
        with pytest.raises(SerialError, match=f"^writing the register at 0x24 {told}$"):
            link.write(0x24, 1)


def test_a_board_that_is_silent(ends: tuple[int, int]) -> None:
    problem = f"gave up after 4 tries: no answer within 0.3 s; {HINT}"
    with pytest.raises(SerialError, match=f"^{re.escape(problem)}$"):
        _link(ends[1])


def test_a_board_that_refuses_all_frames(ends: tuple[int, int]) -> None:
    why = "the board has refused a command: the answers to those before it are not out"
    with Board(ends[0], IN, _output) as board:
        link = _link(ends[1])
        board.full = 100
        with pytest.raises(SerialError, match=f"^gave up after 4 tries: {why}; {HINT}$"):
            link.frames(_frames(2))


def test_a_board_with_frames_of_another_size(ends: tuple[int, int]) -> None:
    with Board(ends[0], IN, lambda frame: frame[: OUT - 1]):
        link = _link(ends[1])
        with pytest.raises(SerialError, match=r"^gave up after 4 tries: "):
            link.frames(_frames(1))


def test_a_line_that_ends() -> None:
    one, other = socket.socketpair()
    with other:
        one.close()
        ended = r"^the serial line has ended; is the board still connected\?$"
        with pytest.raises(SerialError, match=ended):
            _link(other.fileno())


@pytest.mark.parametrize("reads", [True, False])
def test_a_terminal_that_is_pulled_out(reads: bool) -> None:
    main, line = os.openpty()
    tty.setraw(line)
    os.close(main)
    try:
        ended = r"^the serial line has ended; is the board still connected\?$"
        with pytest.raises(SerialError, match=ended):
            FilePort(line).read(1.0) if reads else FilePort(line).write(b"R")
    finally:
        os.close(line)


@dataclass
class Babble:
    """A port with a clock of its own, whose other end says `said` all the time.

    It is quiet while the link waits for `QUIET` seconds, if it `pauses`; the first `good` commands
    are answered.
    """

    said: Callable[[bytes], bytes]
    pauses: bool
    good: int = 0
    clock: float = 0.0
    command: bytes = b""
    answer: bytes = b""

    def read(self, timeout: float) -> bytes:
        self.clock += min(timeout, 0.5)
        if timeout == QUIET and self.pauses:
            return b""
        said, self.answer = self.answer or self.said(self.command), b""
        return said

    def write(self, data: bytes) -> None:
        self.command = data
        if self.good:
            self.good -= 1
            self.answer = protocol.message(b"r", data[1], bytes(5))

    def now(self) -> float:
        return self.clock


def test_a_line_that_is_never_quiet() -> None:
    told = (
        "the serial line is not quiet: bytes have come for 5.0 s; "
        "check its path and its rate, and that nothing else uses the board"
    )
    with pytest.raises(SerialError, match=f"^{re.escape(told)}$"):
        SerialLink(Babble(lambda _: b"x", pauses=False), IN, OUT)


def _answer_to_another(command: bytes) -> bytes:
    kind = command[:1].lower()
    return protocol.message(kind, command[1] ^ 128, bytes({b"f": OUT}.get(kind, 5)))


def test_a_board_that_answers_other_commands_only() -> None:
    told = f"gave up after 4 tries: only answers to other commands for 5.0 s; {HINT}"
    with pytest.raises(SerialError, match=f"^{re.escape(told)}$"):
        SerialLink(Babble(_answer_to_another, pauses=True), IN, OUT)
    link = SerialLink(Babble(_answer_to_another, pauses=True, good=1), IN, OUT)
    with pytest.raises(SerialError, match=f"^{re.escape(told)}$"):
        link.frames(_frames(3))


def test_a_line_that_takes_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        port = FilePort(other.fileno(), patience=0.1)
        problem = "the serial line has taken nothing for 0.1 s; is flow control off?"
        with pytest.raises(SerialError, match=f"^{re.escape(problem)}$"):
            port.write(bytes(1 << 24))


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (np.zeros((2, IN + 1), np.uint8), f"uint8 [2, {IN + 1}]"),
        (np.zeros((2, IN), np.int64), f"int64 [2, {IN}]"),
        (np.zeros(IN, np.uint8), f"uint8 [{IN}]"),
    ],
)
def test_frames_of_another_shape(
    ends: tuple[int, int], frames: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], found: str
) -> None:
    with Board(ends[0], IN, _output):
        link = _link(ends[1])
        problem = f"frames: {found}; give uint8 [N, {IN}]"
        with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
            link.frames(frames)


def test_answers_arrive_in_pieces() -> None:
    answers = protocol.Answers(3)
    sent = protocol.message(b"f", 7, b"abc") + protocol.message(b"w", 8, b"\0")
    found = []
    for byte in sent:
        answers.feed(bytes([byte]))
        answer = answers.next()
        found += [answer] if answer else []
    assert found == [protocol.Answer(b"f", 7, b"abc"), protocol.Answer(b"w", 8, b"\0")]


def test_bytes_that_are_no_answer() -> None:
    answers = protocol.Answers(3)
    answers.feed(b"x")
    with pytest.raises(protocol.DamageError, match=r"^byte 0x78 begins no answer$"):
        answers.next()
    answers.clear()
    answers.feed(protocol.message(b"w", 8, b"\0")[:-1] + b"\0")
    with pytest.raises(protocol.DamageError, match=r"^the checksum of an answer is wrong$"):
        answers.next()
