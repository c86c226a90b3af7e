"""sl_batch_queue: the commands of random batches at every pace of both ends, refusals, resets."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from shiftloom.rtl_sim.benches.streams import parameters

CLOCKS = 6000
TOP = 1 << 32


@dataclass(frozen=True)
class Batch:
    """What a start asks for."""

    frames: int
    source: int
    target: int

    @property
    def is_wrong(self) -> bool:
        """Of no use."""
        return not self.frames or bool(self.source % 8 or self.target % 8)


class Model:
    """What the queue must do, clock by clock."""

    def __init__(self, in_bytes: int, out_bytes: int) -> None:
        self.sizes = {"read": in_bytes, "write": out_bytes}
        self.clear()

    def clear(self) -> None:
        """As after a reset."""
        self.queue: list[Batch] = []  # not finished
        self.left: dict[str, list[int]] = {"read": [], "write": []}  # addresses to come
        self.open = self.begun = self.written = 0  # frames read, begun, commanded to be written
        self.done = self.batches = 0
        self.refused = self.finished = self.was_full = False

    def step(
        self,
        reset: bool,
        start: bool,
        batch: Batch,
        ready: dict[str, bool],
        begin: bool,
        done: bool,
    ) -> None:
        """What the pins of a clock make of it, in its end."""
        full = len(self.queue) == 2
        self.was_full = start and full and not batch.is_wrong
        self.refused = start and (full or batch.is_wrong)
        reads = ready["read"] and bool(self.left["read"])
        writes = ready["write"] and bool(self.left["write"] and self.begun)
        for side, taken in (("read", reads), ("write", writes)):
            del self.left[side][: int(taken)]
        self.open += reads - begin
        self.begun += begin - writes
        self.written += writes - done
        self.finished = False
        if done:
            self.end()
        if start and not self.refused:
            self._put(batch)
        if reset:
            self.clear()

    def _put(self, batch: Batch) -> None:
        """Behind the batches before."""
        self.queue.append(batch)
        for side, first in (("read", batch.source), ("write", batch.target)):
            frames = range(batch.frames)
            self.left[side] += [(first + i * self.sizes[side]) % TOP for i in frames]

    def end(self) -> None:
        """A frame is written."""
        self.done += 1
        self.finished = self.done == self.queue[0].frames
        if self.finished:
            self.queue.pop(0)
            self.done = 0
            self.batches += 1


def _draw(rng: random.Random) -> Batch:
    """A batch, one in four of no use."""
    wrong = rng.randrange(12)
    frames = 0 if wrong == 0 else rng.choice((1, 1, 2, 3, 7))
    source, target = (8 * rng.randrange(TOP // 8) for _ in range(2))
    return Batch(frames, source + (wrong == 1) * 4, target + (wrong == 2))


def _check(dut: Any, model: Model, clock: int) -> None:
    """Compare all outputs."""
    for name, value in (
        *(("refused", model.refused), ("batch_done", model.finished)),
        *(("batches", model.batches), ("queued", bool(model.queue))),
        ("read_valid", bool(model.left["read"])),
        ("write_valid", bool(model.left["write"] and model.begun)),
    ):
        got = int(getattr(dut, name).value)
        assert got == value, f"clock {clock}: {name} is {got}, not {int(value)}"
    for side in ("read", "write"):
        if int(getattr(dut, f"{side}_valid").value):
            got = int(getattr(dut, f"{side}_addr").value)
            assert got == model.left[side][0], f"clock {clock}: {side}_addr is {got:#x}"


@cocotb.test()
@cocotb.parametrize(slow=("starts", "reads", "writes", "nothing"))
async def makes_the_commands_of_every_batch(dut: Any, slow: str) -> None:
    """Against a model, at random paces, with resets."""
    model = Model(*parameters(dut, "IN_BYTES", "OUT_BYTES").values())
    rng = random.Random(slow)
    rates = {name: 0.04 if name == slow else 0.7 for name in ("starts", "reads", "writes")}
    for pin in ("start", "read_ready", "write_ready", "begun", "done"):
        getattr(dut, pin).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    for _ in range(2):
        await FallingEdge(dut.clk)
    finished = refused = full = 0
    for clock in range(CLOCKS):
        batch, reset = _draw(rng), rng.random() < 0.002
        start = rng.random() < rates["starts"] / 4
        ready = {side: rng.random() < rates[f"{side}s"] for side in ("read", "write")}
        # A frame begins after it was read; it is done after it was commanded.
        begin = model.open > 0 and model.begun < 30 and rng.random() < rates["reads"]
        done = model.written > 0 and rng.random() < rates["writes"]
        pins = {"rst": reset, "start": start, "begun": begin, "done": done}
        values = {"batch": batch.frames, "in_address": batch.source, "out_address": batch.target}
        for pin, value in {**pins, **values}.items():
            getattr(dut, pin).value = value
        for side, value in ready.items():
            getattr(dut, f"{side}_ready").value = value
        await ReadOnly()
        _check(dut, model, clock)
        model.step(reset, start, batch, ready, begin, done)
        finished, refused = finished + model.finished, refused + model.refused
        full += model.was_full
        await FallingEdge(dut.clk)
    assert finished > 20
    assert refused > 5
    assert full > 5 or slow != "writes"
