"""A model of the board's end of the serial line, on a thread of its own; docs/serial.md."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from shiftloom.host import serial_protocol as protocol

SILENCE = 0.02
SIZES = {b"R": 2, b"W": 6}


@dataclass
class Board:
    """Registers, and frames whose output is `function`; `spoil` may change any answer.

    `deaf` commands are not heard at all.
    """

    descriptor: int
    in_bytes: int
    function: Callable[[bytes], bytes]
    spoil: Callable[[bytes], bytes] = bytes
    deaf: int = 0
    registers: MutableMapping[int, int] = field(default_factory=lambda: {0: 1, 0x10: 0})
    writes: list[tuple[int, int]] = field(default_factory=list)
    frames: int = 0
    full: int = 0
    """Frames to come that are refused for want of room."""
    _last: bytes = b""
    _said: bytes = b""
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Board:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        held, ignoring = b"", False
        while not self._stop.is_set():
            if not select.select([self.descriptor], [], [], SILENCE)[0]:
                held, ignoring = b"", False
                continue
            data = os.read(self.descriptor, 1 << 16)
            held = b"" if ignoring else held + data
            while held and not ignoring:
                size = 4 + (self.in_bytes if held[:1] == b"F" else SIZES.get(held[:1], -4))
                if len(held) < max(size, 1):
                    break
                ignoring = not self._command(held[:size])
                held = b"" if ignoring else held[size:]

    def _command(self, command: bytes) -> bool:
        """Act on a command; False where it was damaged."""
        if self.deaf:
            self.deaf -= 1
            return True
        kind, number, body = command[:1], command[1:2], command[2:-2]
        if not command or protocol.message(kind, number[0], body) != command:
            reason = protocol.CHECKSUM if command else protocol.UNKNOWN
            self._answer(protocol.message(b"?", (number or b"\0")[0], bytes([reason])))
            return False
        again = command == self._last and kind == b"W"
        self._last = command
        if not again:
            self._said = self._do(kind, number[0], body)
        self._answer(self._said)
        return True

    def _do(self, kind: bytes, number: int, body: bytes) -> bytes:
        if kind == b"F":
            if self.full:
                self.full -= 1
                return protocol.message(b"?", number, bytes([protocol.FULL]))
            self.frames += 1
            return protocol.message(b"f", number, self.function(body))
        offset = int.from_bytes(body[:2], "little")
        response = b"\0" if offset in self.registers else b"\2"
        if kind == b"R":
            word = self.registers.get(offset, 0)
            return protocol.message(b"r", number, response + word.to_bytes(4, "little"))
        if offset in self.registers:
            word = self.registers[offset] = int.from_bytes(body[2:], "little")
            self.writes.append((offset, word))
        return protocol.message(b"w", number, response)

    def _answer(self, answer: bytes) -> None:
        os.write(self.descriptor, self.spoil(answer))
