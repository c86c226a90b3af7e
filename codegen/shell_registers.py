"""The registers of a shell, what joins an accelerator to its board, above those of the core.

`SHELL_BASE` splits the window of 4 KiB: below it the core answers, from there on the shell.
"""

from __future__ import annotations

from shiftloom.codegen.boards import Shell
from shiftloom.codegen.registers import Field, Register

SHELL_BASE = 0x800
"""The first byte address of the shell's registers."""
ADDRESS_ALIGNMENT = 8
"""Frames in memory begin at multiples of so many bytes, which are a word of the shells' streams."""
NUMBERS: dict[Shell, int] = {"axis": 1, "mm": 2, "serial": 3}
"""What SHELL reads as."""


def shell_registers(shell: Shell) -> tuple[Register, ...]:
    """The registers of a shell, in the order of their addresses."""
    own = {"axis": _BATCHES, "mm": (*_BATCHES, *_RUNS), "serial": ()}[shell]
    found = (_kind(shell), *_COMMON, *_errors(shell), *own)
    return tuple(sorted(found, key=lambda register: register.offset))


def _kind(shell: Shell) -> Register:
    names = ", ".join(f"{number} {name}" for name, number in NUMBERS.items())
    doc = f"What joins core and board: {names}"
    return Register("SHELL", SHELL_BASE, "ro", doc, (), NUMBERS[shell])


_COMMON = (
    Register(
        *("SHELL_CONTROL", 0x804, "rw", "State that the host asks for"),
        (
            Field(
                *("shell_reset", 0, 1),
                "while 1: batches end, beats are dropped, counters are 0, a bus ends its bursts",
            ),
        ),
    ),
    Register(
        *("SHELL_STATUS", 0x808, "ro", "State of the shell"),
        (Field("moving", 0, 1, "a frame, or a burst of a bus, is under way in the shell"),),
    ),
    Register(
        *("STALLS_IN", 0x824, "ro", "Clocks in which a beat waited for the core to take it"),
        (Field("stalls_in", 0, 32, "modulo 2^32"),),
    ),
    Register(
        *("STALLS_OUT", 0x828, "ro", "Clocks in which a beat of the core waited to be taken"),
        (Field("stalls_out", 0, 32, "modulo 2^32"),),
    ),
)
_BATCHES = (
    Register(
        *("BATCH", 0x810, "rw", "Frames of a batch, 1 or more"),
        (Field("batch", 0, 32, "a batch takes it as it begins"),),
        reset=1,
    ),
    Register(
        *("BATCHES", 0x814, "ro", "Batches finished since reset: their last output is out"),
        (Field("batches", 0, 32, "modulo 2^32"),),
    ),
    Register(
        *("INTERRUPT", 0x818, "w1c", "What has asked for an interrupt"),
        (Field("batch_done", 0, 1, "a batch has finished"),),
        level="interrupt_pending",
    ),
    Register(
        *("INTERRUPT_ENABLE", 0x81C, "rw", "What raises the interrupt line, a level"),
        (Field("batch_done_enable", 0, 1, "INTERRUPT.batch_done does"),),
    ),
)
_RUNS = (
    Register(
        *("START", 0x820, "wo", "Commands; a written 1 acts once"),
        (
            Field(
                *("start", 0, 1),
                "queues a batch of BATCH frames from IN_ADDRESS to OUT_ADDRESS; two fit",
            ),
        ),
    ),
    Register(
        *("IN_ADDRESS", 0x830, "rw", "Byte address of the first input frame, a multiple of 8"),
        (Field("in_address", 0, 32, "frames follow each other, each filled up to 8 bytes"),),
    ),
    Register(
        *("OUT_ADDRESS", 0x834, "rw", "Byte address of the first output frame, a multiple of 8"),
        (Field("out_address", 0, 32, "frames follow each other, each filled up to 8 bytes"),),
    ),
)
_ERRORS: dict[Shell, tuple[Field, ...]] = {
    "axis": (),
    "mm": (
        Field("read_error", 0, 1, "reading frames was answered by SLVERR or DECERR"),
        Field("write_error", 1, 1, "writing frames was answered by SLVERR or DECERR"),
        Field("start_refused", 2, 1, "START of no use, or with two batches queued, did nothing"),
    ),
    "serial": (
        Field("overrun", 3, 1, "bytes came faster than the core takes them, some are lost"),
    ),
}


def _errors(shell: Shell) -> tuple[Register, ...]:
    """The register with the errors of a shell, if it has any."""
    doc = "Errors of the shell since they were cleared"
    fields = _ERRORS[shell]
    return (Register("SHELL_ERRORS", 0x80C, "w1c", doc, fields),) if fields else ()
