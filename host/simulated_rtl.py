"""The RTL of a build as a shared object: its registers, its memory, and clocks that pass.

`rtl_sim/board.cpp.j2` is the other end of it. Standard library only.
"""

from __future__ import annotations

import ctypes
import tempfile
from pathlib import Path
from typing import Any

MEMORY_BASE = 0x1000_0000
MEMORY_BYTES = 512 << 20
_RULES = {
    5: "a master changed what it had offered",
    6: "a burst is not of whole words that count up",
    7: "a burst crosses a boundary of 4 KiB",
    8: "a burst leaves the memory",
    9: "the last beat of a burst is not marked, or another one is",
}
"""What may end a simulation, by its number in rtl_sim/basics.hpp."""


class SimulationError(RuntimeError):
    """The accelerator broke a rule of its bus, or did not answer: on a board all would hang."""


class _Behaviour(ctypes.Structure):
    """As in rtl_sim/board.cpp.j2."""

    _fields_ = (
        ("low", ctypes.c_uint64),
        ("high", ctypes.c_uint64),
        ("error", ctypes.c_uint64),
        ("stall", ctypes.c_uint32),
    )


class Rtl:
    """The shared object of a bitstream, and the board in it."""

    def __init__(self, data: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="shiftloom-board-") as folder:
            path = Path(folder) / "board.so"
            path.write_bytes(data)
            self._library = ctypes.CDLL(str(path))
        for name, result, arguments in _FUNCTIONS:
            function = getattr(self._library, name, None)
            if function is not None:
                function.restype, function.argtypes = result, arguments
        self._board = self._library.board_open(MEMORY_BASE, MEMORY_BYTES)
        self.memory = int(self._library.board_memory(self._board))

    def close(self) -> None:
        """Free the board and its memory."""
        self._library.board_close(self._board)

    def behave(self, low: int, high: int, error: int, stall: int) -> None:
        """Latencies from `low` to `high`, SLVERR at `error`, a pause with chance `stall` / 2^32."""
        how = _Behaviour(low, high, error, stall)
        self._library.board_behave(self._board, ctypes.byref(how))

    def run(self, clocks: int) -> None:
        """Let clocks pass."""
        outcome = int(self._library.board_run(self._board, clocks))
        if outcome:
            address = int(self._library.board_fault(self._board))
            rule = _RULES.get(outcome, f"outcome {outcome}")
            raise SimulationError(f"{rule}, at {address:#x}")

    @property
    def cycles(self) -> int:
        """Clocks since power-up."""
        return int(self._library.board_cycles(self._board))

    def interrupt(self) -> bool:
        """Whether the accelerator asks for an interrupt."""
        return bool(self._library.board_interrupt(self._board))

    def read(self, offset: int) -> int:
        """A register of the accelerator."""
        word = ctypes.c_uint32()
        response = self._library.board_read(self._board, offset, ctypes.byref(word))
        _check("read", offset, response)
        return int(word.value)

    def write(self, offset: int, word: int) -> None:
        """Write a register of the accelerator."""
        _check("write", offset, self._library.board_write(self._board, offset, word))

    def dma(self) -> Dma:
        """The DMA core beside the accelerator, with the shell `axis`."""
        return Dma(self._library, self._board)


class Dma:
    """The registers of the DMA core."""

    def __init__(self, library: ctypes.CDLL, board: int) -> None:
        self._library, self._board = library, board

    def read(self, offset: int) -> int:
        """A register."""
        return int(self._library.board_dma_read(self._board, offset))

    def write(self, offset: int, word: int) -> None:
        """Write a register."""
        self._library.board_dma_write(self._board, offset, word)


_BOARD = ctypes.c_void_p
_FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("board_open", _BOARD, (ctypes.c_uint64, ctypes.c_uint64)),
    ("board_close", None, (_BOARD,)),
    ("board_memory", ctypes.c_void_p, (_BOARD,)),
    ("board_behave", None, (_BOARD, ctypes.POINTER(_Behaviour))),
    ("board_cycles", ctypes.c_uint64, (_BOARD,)),
    ("board_run", ctypes.c_int32, (_BOARD, ctypes.c_uint64)),
    ("board_fault", ctypes.c_uint64, (_BOARD,)),
    ("board_interrupt", ctypes.c_int32, (_BOARD,)),
    ("board_read", ctypes.c_int32, (_BOARD, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))),
    ("board_write", ctypes.c_int32, (_BOARD, ctypes.c_uint32, ctypes.c_uint32)),
    ("board_dma_read", ctypes.c_uint32, (_BOARD, ctypes.c_uint32)),
    ("board_dma_write", None, (_BOARD, ctypes.c_uint32, ctypes.c_uint32)),
)
"""Those of the DMA core are there with the shell axis only."""


def _check(what: str, offset: int, response: int) -> None:
    if response:
        answer = "no answer" if response < 0 else f"response {response}"
        raise SimulationError(f"{what} of register {offset:#x}: {answer}")
