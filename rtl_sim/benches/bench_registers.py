"""A generated register file against its description, over AXI4-Lite with random pauses.

The description is `registers.json` as the host reads it; the file's path comes in the environment
variable REGISTERS.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from shiftloom.rtl_sim.benches.streams import Body, bench_test, bursts

WORD = 0xFFFF_FFFF


@dataclass(frozen=True)
class Word:
    """One register: the fields' bits and pins, and how it is accessed."""

    offset: int
    access: str
    reset: int
    fields: Mapping[str, tuple[int, int]]
    strobe: str

    @property
    def used(self) -> int:
        """Mask of the bits that belong to a field."""
        return sum(((1 << width) - 1) << lsb for lsb, width in self.fields.values())

    def pins(self, dut: Any) -> int:
        """The word that the fields' pins form."""
        return sum(int(getattr(dut, n).value) << lsb for n, (lsb, _) in self.fields.items())

    def drive(self, dut: Any, word: int) -> None:
        """Put a word on the fields' pins."""
        for name, (lsb, width) in self.fields.items():
            getattr(dut, name).value = word >> lsb & ((1 << width) - 1)


@dataclass
class Setup:
    """The device under test, its bus master, and its description."""

    dut: Any
    master: Any
    words: Sequence[Word]
    limit: int

    def of(self, access: str) -> Iterator[Word]:
        """Registers of one access that have fields."""
        return (word for word in self.words if word.access == access and word.fields)

    async def write(self, offset: int, data: bytes) -> Any:
        """Write bytes from `offset` on; the response."""
        return (await self.master.write(offset, data)).resp

    async def write_word(self, offset: int, word: int) -> Any:
        """Write a whole word; the response."""
        return await self.write(offset, word.to_bytes(4, "little"))

    async def read(self, offset: int) -> tuple[Any, int]:
        """Response and word."""
        answer = await self.master.read(offset, 4)
        return answer.resp, int.from_bytes(answer.data, "little")

    async def value(self, offset: int) -> int:
        """The word, which must be readable."""
        response, word = await self.read(offset)
        assert response == AxiResp.OKAY, f"{offset:#x}: {response}"
        return word


async def _start(dut: Any, seed: int = 0) -> Setup:
    """Clock, reset, and a bus master whose five channels pause at random where `seed` is not 0."""
    description = json.loads(Path(os.environ["REGISTERS"]).read_text("utf-8"))
    words = [
        Word(
            *(r["offset"], r["access"], r["reset"]),
            {f["name"]: (f["lsb"], f["width"]) for f in r["fields"]},
            r["strobe"],
        )
        for r in description["registers"]
    ]
    for word in words:
        if word.access in ("ro", "w1c"):
            word.drive(dut, 0)
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
    if seed:
        writer, reader = master.write_if, master.read_if
        channels = (writer.aw_channel, writer.w_channel, writer.b_channel)
        for index, channel in enumerate((*channels, reader.ar_channel, reader.r_channel)):
            channel.set_pause_generator(bursts(10 * seed + index))
    for _ in range(4):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    await FallingEdge(dut.clk)
    return Setup(dut, master, words, 1 << description["address_bits"])


def paused_test(body: Body) -> Any:
    """Make `body(dut, seed)` a cocotb test without pauses (seed 0) and with two kinds of them."""
    return cocotb.test()(cocotb.parametrize(seed=(0, 1, 2))(body))


@paused_test
async def reads_what_the_description_says(dut: Any, seed: int) -> None:
    """Constants, resets and live inputs; 0 for a write-only register."""
    setup = await _start(dut, seed)
    rng = random.Random(seed)
    for _ in range(3):
        live = {word.offset: rng.getrandbits(32) & word.used for word in setup.of("ro")}
        for word in setup.of("ro"):
            word.drive(dut, live[word.offset])
        for word in setup.words:
            expected = 0 if word.access == "wo" else live.get(word.offset, word.reset)
            assert await setup.value(word.offset) == expected, f"{word.offset:#x}"


@paused_test
async def read_write_fields_keep_unstrobed_bytes(dut: Any, seed: int) -> None:
    """Random runs of bytes against a model; the pins follow."""
    setup = await _start(dut, seed)
    rng = random.Random(seed)
    for word in setup.of("rw"):
        model = bytearray(word.reset.to_bytes(4, "little"))
        for _ in range(40):
            start = rng.randrange(4)
            data = rng.randbytes(rng.randint(1, 4 - start))
            assert await setup.write(word.offset + start, data) == AxiResp.OKAY
            model[start : start + len(data)] = data
            expected = int.from_bytes(model, "little") & word.used
            assert await setup.value(word.offset) == expected
            assert word.pins(dut) == expected


@paused_test
async def refuses_unmapped_and_read_only(dut: Any, seed: int) -> None:
    """SLVERR, and nothing changes; accesses before and after it are fine."""
    setup = await _start(dut, seed)
    rng = random.Random(seed)
    mapped = {word.offset for word in setup.words}
    free = [offset for offset in range(0, setup.limit, 4) if offset not in mapped]
    before = [await setup.value(word.offset) for word in setup.words]
    for offset in [free[0], free[-1], *rng.sample(free, 20)]:
        assert (await setup.read(offset))[0] == AxiResp.SLVERR
        assert await setup.write_word(offset, WORD) == AxiResp.SLVERR
    for word in setup.words:
        if word.access == "ro":
            assert await setup.write_word(word.offset, WORD) == AxiResp.SLVERR
    assert [await setup.value(word.offset) for word in setup.words] == before


async def _pulse(setup: Setup, word: Word, bits: int) -> None:
    """Drive set inputs over one rising edge."""
    await FallingEdge(setup.dut.clk)
    word.drive(setup.dut, bits)
    await FallingEdge(setup.dut.clk)
    word.drive(setup.dut, 0)


@paused_test
async def sticky_bits_stay_until_written(dut: Any, seed: int) -> None:
    """A pulse of one clock sets; only a written 1 clears; an input that stays high sets again."""
    setup = await _start(dut, seed)
    for word in setup.of("w1c"):
        for lsb, width in word.fields.values():
            for bit in range(lsb, lsb + width):
                await _pulse(setup, word, 1 << bit)
                assert await setup.value(word.offset) == 1 << bit
                assert await setup.write_word(word.offset, word.used & ~(1 << bit)) == AxiResp.OKAY
                assert await setup.value(word.offset) == 1 << bit
                unstrobed = bytes([0xFF]) if bit >= 8 else bytes([0xFF] * 3)
                await setup.write(word.offset + (bit < 8), unstrobed)
                assert await setup.value(word.offset) == 1 << bit
                await setup.write_word(word.offset, 1 << bit)
                assert await setup.value(word.offset) == 0
        word.drive(dut, word.used)
        await setup.write_word(word.offset, word.used)
        assert await setup.value(word.offset) == word.used
        word.drive(dut, 0)
        await setup.write_word(word.offset, word.used)
        assert await setup.value(word.offset) == 0


class PulseCounter:
    """Counts the clocks in which each pin is high."""

    def __init__(self, dut: Any, names: Sequence[str]) -> None:
        self.dut = dut
        self.counts = dict.fromkeys(names, 0)
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        while True:
            await FallingEdge(self.dut.clk)
            for name in self.counts:
                self.counts[name] += int(getattr(self.dut, name).value)


@paused_test
async def commands_are_pulses_of_one_clock(dut: Any, seed: int) -> None:
    """Each written 1 is one clock on its pin, back to back too, and no other command moves."""
    setup = await _start(dut, seed)
    for word in setup.of("wo"):
        counter = PulseCounter(dut, list(word.fields))
        for count, (name, (lsb, _)) in enumerate(word.fields.items(), 2):
            writes = [
                cocotb.start_soon(setup.write_word(word.offset, 1 << lsb)) for _ in range(count)
            ]
            for write in writes:
                assert await write == AxiResp.OKAY
            await FallingEdge(dut.clk)
            assert counter.counts.pop(name) == count
        assert not any(counter.counts.values())


async def _strobed(dut: Any, word: Word, seen: list[int]) -> None:
    """Note the word on the pins in each clock of the strobe."""
    while True:
        await FallingEdge(dut.clk)
        if int(getattr(dut, word.strobe).value):
            seen.append(word.pins(dut))


@paused_test
async def strobes_tell_every_write(dut: Any, seed: int) -> None:
    """Whatever is written, 0 as well, stands on the pins for the one clock of the strobe."""
    setup = await _start(dut, seed)
    rng = random.Random(seed)
    for word in (word for word in setup.of("wo") if word.strobe):
        seen: list[int] = []
        watch = cocotb.start_soon(_strobed(dut, word, seen))
        written = [0, WORD, 0, *(rng.getrandbits(32) for _ in range(10))]
        for value in written:
            assert await setup.write_word(word.offset, value) == AxiResp.OKAY
        await FallingEdge(dut.clk)
        assert seen == [value & word.used for value in written]
        watch.cancel()


@bench_test
async def clear_errors_clears_every_sticky_bit(dut: Any) -> None:
    """The command that a register names as its clear."""
    setup = await _start(dut)
    command = next(w for w in setup.of("wo") if "clear_errors" in w.fields)
    sticky = next(setup.of("w1c"))
    await _pulse(setup, sticky, sticky.used)
    assert await setup.value(sticky.offset) == sticky.used
    await setup.write_word(command.offset, 1 << command.fields["clear_errors"][0])
    assert await setup.value(sticky.offset) == 0


@paused_test
async def reads_and_writes_run_side_by_side(dut: Any, seed: int) -> None:
    """Many accesses issued at once, both directions, each with its own answer."""
    setup = await _start(dut, seed)
    target = next(setup.of("rw"))
    writes = [cocotb.start_soon(setup.write_word(target.offset, n)) for n in range(20)]
    constant = setup.words[0]
    reads = [cocotb.start_soon(setup.read(constant.offset)) for _ in range(20)]
    refused = cocotb.start_soon(setup.read(setup.limit - 8))
    assert [await write for write in writes] == [AxiResp.OKAY] * 20
    assert [await read for read in reads] == [(AxiResp.OKAY, constant.reset)] * 20
    assert (await refused)[0] == AxiResp.SLVERR
    assert await setup.value(target.offset) == 19 & target.used
