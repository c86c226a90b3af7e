"""The bytes of commands and answers on the serial line of the shell `serial`; docs/serial.md.

A message is a kind, a number that its answer repeats, a body, and a checksum of all these: CRC-16
with the polynomial x^16 + x^12 + x^5 + 1 and the initial value 0xFFFF, its high byte first.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass, field

READ, WRITE, FRAME = b"R", b"W", b"F"
READ_ANSWER, WRITE_ANSWER, FRAME_ANSWER, REFUSAL = b"r", b"w", b"f", b"?"
NUMBERS = 256
OKAY = 0
"""The response of an access to a register that exists."""
CHECKSUM, UNKNOWN, FULL = 1, 2, 3
REASONS = {
    CHECKSUM: "its checksum was wrong",
    UNKNOWN: "its kind is unknown",
    FULL: "the answers to those before it are not out",
}
"""Why the board refuses a command."""

_BEFORE, _BEHIND = 2, 2  # bytes of a message around its body
_BODIES = {READ_ANSWER: 5, WRITE_ANSWER: 1, REFUSAL: 1}


class DamageError(Exception):
    """Bytes that are no answer: the line has lost or changed some."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `number` is that of its command."""

    kind: bytes
    number: int
    body: bytes


def message(kind: bytes, number: int, body: bytes) -> bytes:
    """The bytes of a command or an answer."""
    content = kind + bytes([number]) + body
    return content + crc_hqx(content, 0xFFFF).to_bytes(2, "big")


def read(number: int, offset: int) -> bytes:
    """The command that reads a register."""
    return message(READ, number, offset.to_bytes(2, "little"))


def write(number: int, offset: int, word: int) -> bytes:
    """The command that writes a register."""
    return message(WRITE, number, offset.to_bytes(2, "little") + word.to_bytes(4, "little"))


def frame(number: int, data: bytes) -> bytes:
    """The command that gives the board a frame."""
    return message(FRAME, number, data)


@dataclass(slots=True)
class Answers:
    """Cuts what arrives into answers; output frames have `frame_bytes`."""

    frame_bytes: int
    _held: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        """Add bytes that have arrived."""
        self._held += data

    def clear(self) -> None:
        """Forget what has arrived of an answer."""
        self._held.clear()

    def next(self) -> Answer | None:
        """The next answer, None where it is not whole yet.

        Raises DamageError where the bytes are none; `clear` makes a new beginning.
        """
        if not self._held:
            return None
        kind = bytes(self._held[:1])
        body = self.frame_bytes if kind == FRAME_ANSWER else _BODIES.get(kind)
        if body is None:
            raise DamageError(f"byte {kind[0]:#04x} begins no answer")
        size = _BEFORE + body + _BEHIND
        if len(self._held) < size:
            return None
        whole = bytes(self._held[:size])
        if crc_hqx(whole, 0xFFFF):
            raise DamageError("the checksum of an answer is wrong")
        del self._held[:size]
        return Answer(kind, whole[1], whole[_BEFORE:-_BEHIND])
