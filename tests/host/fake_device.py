"""A device without hardware: registers of the shells, memory behind a cache, a core of NumPy.

It runs a few frames whenever a register is read, so that nothing moves unless the driver looks.
Faults are attributes that a test sets. Threads may access its registers, one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shiftloom.host.frames import filled_up

PAGE = 4096
Compute = Callable[[bytes, "FakeDevice"], bytes]


@dataclass
class FakeDevice:
    """A core of one design behind a shell. `accelerator`, `registers`: the JSON files as objects.

    compute: the output bytes of an input frame. per_look: frames that run in one look.
    hang_at: the frame that never ends. error_at: (frame, register, bits) that come up with it.
    moving: whether the shell never comes to rest. deaf: registers that do not take a value.
    """

    accelerator: Mapping[str, Any]
    registers: Mapping[str, Any]
    compute: Compute
    per_look: int = 3
    hang_at: int | None = None
    error_at: tuple[int, str, int] | None = None
    moving: bool = False
    deaf: frozenset[str] = frozenset()
    first_address: int = 0x1000_0000
    words: dict[str, int] = field(init=False)
    memory: dict[int, np.ndarray] = field(default_factory=dict)
    queue: list[dict[str, int]] = field(default_factory=list)
    log: list[tuple[str, int]] = field(default_factory=list)
    loaded: list[tuple[str, int]] = field(default_factory=list)
    stream: Any = None
    frames: int = 0
    cycles: int = 0
    interrupts: int = 0

    def __post_init__(self) -> None:
        described = self.registers["registers"]
        self.names = {word["offset"]: word["name"] for word in described}
        self.words = {word["name"]: word["reset"] for word in described}
        self.in_bytes = self.accelerator["in_beats"] * self.accelerator["in_beat_bits"] // 8
        self.out_bytes = self.accelerator["out_beats"] * self.accelerator["out_beat_bits"] // 8
        self.in_stride, self.out_stride = filled_up(self.in_bytes), filled_up(self.out_bytes)
        self._next = self.first_address
        self._turn = threading.RLock()

    # ---------------------------------------------------------------- memory

    def reserve(self, size: int) -> int:
        """The address of new memory, full of rubbish."""
        address = self._next
        self._next += -(-size // PAGE) * PAGE + PAGE
        self.memory[address] = np.full(size, 0xA5, np.uint8)
        return address

    def release(self, address: int) -> None:
        """Memory that is not there any more."""
        del self.memory[address]

    def at(self, address: int, size: int) -> np.ndarray:
        """A part of memory; nothing may reach beyond it."""
        for first, cells in self.memory.items():
            if first <= address and address + size <= first + len(cells):
                return cells[address - first : address - first + size]
        raise AssertionError(f"{size} bytes at {address:#x} are no memory")

    # ---------------------------------------------------------------- registers

    def read(self, offset: int) -> int:
        """The word of a register; a look, so the core goes on."""
        with self._turn:
            return self._read(offset)

    def _read(self, offset: int) -> int:
        self.look()
        name = self.names[offset]
        live = {
            "STATUS": int(bool(self.queue)) | self.words.get("LOAD_CONTROL", 0) << 1,
            "SHELL_STATUS": int(bool(self.queue) or self.moving),
            "FRAMES": self.frames & 0xFFFFFFFF,
            "CYCLES_LO": self.cycles & 0xFFFFFFFF,
            "CYCLES_HI": self.cycles >> 32,
        }
        return live.get(name, self.words[name])

    def write(self, offset: int, word: int) -> None:
        """Write the word of a register."""
        with self._turn:
            self._write(offset, word)

    def _write(self, offset: int, word: int) -> None:
        name = self.names[offset]
        self.log.append((name, word))
        if name == "LOAD_DATA" and not self.words["LOAD_CONTROL"]:
            self.words["ERRORS"] |= 32
        elif name in ("LOAD_ADDRESS", "LOAD_DATA"):
            self.loaded.append((name, word))
        elif name == "CONTROL":
            self._command(word)
        elif name == "START":
            self._start()
        elif name in ("ERRORS", "SHELL_ERRORS", "INTERRUPT"):
            self.words[name] &= ~word
        elif name not in self.deaf:
            self.words[name] = word
        if name == "SHELL_CONTROL" and word:
            self.words["ERRORS"] |= int(bool(self.queue))  # the frame under way is cut short
            self.queue.clear()
            self.words["BATCHES"] = 0

    def _command(self, word: int) -> None:
        if word & 1:
            self.queue.clear()
            self.frames = self.cycles = 0
            self.words["ERRORS"] &= ~8  # the bus begins anew
        if word & 2:
            self.words["ERRORS"] &= 8

    def _start(self) -> None:
        if len(self.queue) == 2 or not self.words["BATCH"]:
            self.words["SHELL_ERRORS"] |= 4
            return
        names = ("BATCH", "IN_ADDRESS", "OUT_ADDRESS")
        self.queue.append({**{name: self.words[name] for name in names}, "done": 0})

    # ---------------------------------------------------------------- frames

    def look(self) -> None:
        """Run a few frames, if there are any."""
        for _ in range(self.per_look):
            if not self.queue or self.words["SHELL_CONTROL"] or self.words.get("LOAD_CONTROL"):
                return
            if self.hang_at is not None and self.frames >= self.hang_at:
                return
            self._frame(self.queue[0])

    def _frame(self, batch: dict[str, int]) -> None:
        given = batch["IN_ADDRESS"] + batch["done"] * self.in_stride
        taken = batch["OUT_ADDRESS"] + batch["done"] * self.out_stride
        result = self.compute(self.at(given, self.in_stride)[: self.in_bytes].tobytes(), self)
        self.at(taken, self.out_stride)[: self.out_bytes] = np.frombuffer(result, np.uint8)
        if self.error_at is not None and self.frames == self.error_at[0]:
            _, name, bits = self.error_at
            self.words[name] |= bits
        self.frames += 1
        self.cycles += 100
        batch["done"] += 1
        if batch["done"] == batch["BATCH"]:
            self.queue.pop(0)
            self.words["BATCHES"] = (self.words["BATCHES"] + 1) & 0xFFFFFFFF
            self.words["INTERRUPT"] |= 1

    @property
    def line(self) -> bool:
        """The interrupt."""
        return bool(self.words["INTERRUPT"] & self.words["INTERRUPT_ENABLE"])
