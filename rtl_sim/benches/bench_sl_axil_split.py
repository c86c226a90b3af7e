"""sl_axil_split: random accesses by one master to two memories, under pauses of every channel."""

from __future__ import annotations

import random
from collections.abc import Container
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from shiftloom.rtl_sim.benches.streams import bursts

HALF = 0x800
ACCESSES = 60
ORDERS = ("any", "address_first", "data_first")
CHANNELS = ("aw", "w", "b", "ar", "r")


class Slave:
    """A memory of 32-bit words on the pins `side`_axi; address 0xFFC of its own answers SLVERR.

    `order` is what it waits for before it takes the other of a write.
    """

    def __init__(self, dut: Any, side: str, order: str, pauses: bool) -> None:
        self.dut, self.order = dut, order
        self.pins = {
            pin: getattr(dut, f"{side}_axi_{pin}")
            for channel in CHANNELS
            for pin in (f"{channel}valid", f"{channel}ready")
        }
        self.data = getattr(dut, f"{side}_axi_rdata")
        self.resp = {"b": getattr(dut, f"{side}_axi_bresp"), "r": getattr(dut, f"{side}_axi_rresp")}
        self.high = side == "b"
        seeds = enumerate(CHANNELS, 10 * self.high)
        self.active = {name: bursts(seed) for seed, name in seeds} if pauses else {}
        self.words: dict[int, int] = {}
        self.address: int | None = None
        self.beat: tuple[int, int] | None = None
        self.read: int | None = None
        self.due: int | None = None  # the response to a write, its channels free again
        self.answered = {"b": False, "r": False}
        self.writes = self.reads = 0
        for pin in ("awready", "wready", "arready", "bvalid", "rvalid"):
            self.pins[pin].value = 0

    def _acts(self, channel: str) -> bool:
        return not self.active or next(self.active[channel])

    def drive(self) -> None:
        """Take what may be taken, do and answer what is complete."""
        first, then = self.address is not None, self.beat is not None
        takes = {
            "aw": not first and (self.order != "data_first" or then),
            "w": not then and (self.order != "address_first" or first),
            "ar": self.read is None,
        }
        for channel, free in takes.items():
            self.pins[f"{channel}ready"].value = int(free and self._acts(channel))
        if first and then and self.due is None:
            self._write()
        for channel, due in (("b", self.due is not None), ("r", self.read is not None)):
            self.answered[channel] = due and (self.answered[channel] or self._acts(channel))
            self.pins[f"{channel}valid"].value = int(self.answered[channel])
        self.resp["b"].value = self.due or 0
        self.resp["r"].value = self._response(self.read)
        self.data.value = self.words.get(self.read or 0, 0)

    def _response(self, address: int | None) -> int:
        return 2 if address is not None and address % HALF == HALF - 4 else 0

    def _taken(self, channel: str) -> bool:
        pins = (self.pins[f"{channel}valid"], self.pins[f"{channel}ready"])
        return all(int(pin.value) for pin in pins)

    def look(self) -> None:
        """Note the handshakes; an access that is not of this side fails."""
        if self._taken("b"):
            self.due = None
        if self._taken("r"):
            self.read = None
            self.reads += 1
        if self._taken("aw"):
            self.address = self._own(int(self.dut.m_axi_awaddr.value))
        if self._taken("w"):
            self.beat = (int(self.dut.m_axi_wdata.value), int(self.dut.m_axi_wstrb.value))
        if self._taken("ar"):
            self.read = self._own(int(self.dut.m_axi_araddr.value))

    def _own(self, address: int) -> int:
        assert (address >= HALF) == self.high, f"address {address:#x} on the wrong side"
        return address

    def _write(self) -> None:
        assert self.address is not None
        assert self.beat is not None
        mask = sum(0xFF << 8 * i for i in range(4) if self.beat[1] >> i & 1)
        self.due = self._response(self.address)
        old = self.words.get(self.address, 0)
        self.words[self.address] = old & ~mask | self.beat[0] & mask
        self.address = self.beat = None
        self.writes += 1


async def _run(dut: Any, slaves: list[Slave]) -> None:
    while True:
        await FallingEdge(dut.clk)
        for slave in slaves:
            slave.drive()
        await ReadOnly()
        for slave in slaves:
            slave.look()


async def _writes(
    master: Any, rng: random.Random, words: dict[int, int], known: Container[int] = ()
) -> None:
    """Random writes, several at once, none to the words that are known."""
    free = [address for address in range(0, 2 * HALF, 4) if address not in known]
    for _ in range(ACCESSES // 4):
        addresses = rng.sample(free, 4)
        values = [rng.getrandbits(32) for _ in addresses]
        pending = [
            cocotb.start_soon(master.write(address, value.to_bytes(4, "little")))
            for address, value in zip(addresses, values, strict=True)
        ]
        for address, value, each in zip(addresses, values, pending, strict=True):
            wrong = address % HALF == HALF - 4
            assert (await each).resp == (AxiResp.SLVERR if wrong else AxiResp.OKAY)
            words[address] = value


async def _reads(master: Any, rng: random.Random, words: dict[int, int]) -> None:
    """Random reads of known words, several at once."""
    for _ in range(ACCESSES // 4):
        addresses = [rng.choice([*words, HALF - 4]) for _ in range(4)]
        pending = [cocotb.start_soon(master.read(address, 4)) for address in addresses]
        for address, each in zip(addresses, pending, strict=True):
            answer = await each
            wrong = address % HALF == HALF - 4
            assert answer.resp == (AxiResp.SLVERR if wrong else AxiResp.OKAY)
            got = int.from_bytes(answer.data, "little")
            assert got == words.get(address, 0), f"{address:#x}: got {got:#x}"


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(order=ORDERS, pauses=(False, True), slow=(None, "aw", "w"))
async def gives_each_side_its_accesses(
    dut: Any, order: str, pauses: bool, slow: str | None
) -> None:
    """Reads beside writes; the master pauses at random, with one channel behind the other."""
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    slaves = [Slave(dut, side, order, pauses) for side in ("a", "b")]
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
    for _ in range(4):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    cocotb.start_soon(_run(dut, slaves))
    channels = {
        "aw": master.write_if.aw_channel,
        "w": master.write_if.w_channel,
        "b": master.write_if.b_channel,
        "ar": master.read_if.ar_channel,
        "r": master.read_if.r_channel,
    }
    for seed, (name, channel) in enumerate(channels.items(), 50):
        if pauses or name == slow:
            channel.set_pause_generator(bursts(seed))
    rng = random.Random(5)
    known: dict[int, int] = {}
    words: dict[int, int] = {}
    await _writes(master, rng, known)
    writing = cocotb.start_soon(_writes(master, random.Random(6), words, known))
    await _reads(master, rng, dict(known))
    await writing
    known |= words
    await _reads(master, rng, known)
    assert sum(slave.writes for slave in slaves) == 2 * (ACCESSES // 4 * 4)
    assert all(slave.writes and slave.reads for slave in slaves)
