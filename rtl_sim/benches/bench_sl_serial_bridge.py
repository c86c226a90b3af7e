"""sl_serial_bridge: registers and frames over a line, and what is wrong on it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from shiftloom.host import serial_protocol as protocol
from shiftloom.host.serial_protocol import Answer, Answers
from shiftloom.rtl_sim.benches.serial import Line
from shiftloom.rtl_sim.benches.streams import Bench, bench_test, bursts, parameters, varied_test

NAMES = ("CLOCKS", "GAP", "IN_BYTES", "IN_BEATS", "OUT_BYTES", "OUT_BEATS")
PATIENCE = 60_000
MISSING = 0x7FC
"""A register that answers SLVERR."""


class Memory:
    """The AXI4-Lite slave: words by their offsets; `writes` are those done, in order."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.words, self.writes = dut, dict[int, int](), list[tuple[int, int]]()
        self.pace = bursts(5)
        self.read_at: int | None = None
        self.address: int | None = None
        self.word: int | None = None
        self.ready: dict[str, int] = {}
        for name in ("awready", "wready", "arready", "bvalid", "rvalid", "bresp", "rresp", "rdata"):
            getattr(dut, f"m_axi_{name}").value = 0

    def drive(self) -> None:
        """Readiness at random; a response once the request is whole."""
        dut = self.dut
        self.ready = {name: int(next(self.pace)) for name in ("awready", "wready", "arready")}
        for name, level in self.ready.items():
            getattr(dut, f"m_axi_{name}").value = level
        dut.m_axi_bvalid.value = dut.m_axi_rvalid.value = 0
        if self.address is not None and self.word is not None:
            dut.m_axi_bvalid.value = 1
            dut.m_axi_bresp.value = 2 * (self.address == MISSING)
            self.words[self.address] = self.word
            self.writes.append((self.address, self.word))
            self.address = self.word = None
        if self.read_at is not None:
            dut.m_axi_rvalid.value = 1
            dut.m_axi_rresp.value = 2 * (self.read_at == MISSING)
            dut.m_axi_rdata.value = self.words.get(self.read_at, 0)
            self.read_at = None

    def look(self, _clock: int) -> None:
        """Take what is offered."""
        dut = self.dut
        if int(dut.m_axi_awvalid.value) and self.ready["awready"]:
            self.address = int(dut.m_axi_awaddr.value)
        if int(dut.m_axi_wvalid.value) and self.ready["wready"]:
            assert int(dut.m_axi_wstrb.value) == 0xF
            self.word = int(dut.m_axi_wdata.value)
        if int(dut.m_axi_arvalid.value) and self.ready["arready"]:
            self.read_at = int(dut.m_axi_araddr.value)


class Core:
    """The core: gives for each frame bytes that depend on all of it; `taken` counts beats in."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.p = parameters(dut, *NAMES)
        self.taking, self.giving, self.taken = bursts(7), bursts(8), 0
        self.open, self.silent = True, False
        self.frame = bytearray()
        self.beats: deque[int] = deque()
        self.offering = self.accepting = False
        self.waiting: tuple[int, int] | None = None
        dut.m_axis_tready.value = dut.s_axis_tvalid.value = 0

    def drive(self) -> None:
        """Accept and offer at random; accept nothing while not open, offer nothing if silent."""
        self.accepting = next(self.taking) and self.open
        active = next(self.giving) and not self.silent
        self.offering = bool(self.beats) and (self.offering or active)
        self.dut.m_axis_tready.value = int(self.accepting)
        self.dut.s_axis_tvalid.value = int(self.offering)
        self.dut.s_axis_tdata.value = self.beats[0] if self.offering else 0

    def look(self, _clock: int) -> None:
        """Take a beat, note one given; an offered beat must stay."""
        dut, p = self.dut, self.p
        if self.offering and int(dut.s_axis_tready.value):
            self.beats.popleft()
            self.offering = False
        valid = int(dut.m_axis_tvalid.value)
        beat = (int(dut.m_axis_tdata.value), int(dut.m_axis_tlast.value)) if valid else None
        assert self.waiting in (None, beat) or int(dut.shell_reset.value), "a beat has changed"
        self.waiting = None if self.accepting else beat
        if beat is None or not self.accepting:
            return
        self.taken += 1
        self.frame += beat[0].to_bytes(p["IN_BYTES"], "little")
        assert beat[1] == (len(self.frame) == p["IN_BYTES"] * p["IN_BEATS"]), "TLAST"
        if beat[1]:
            out = output(bytes(self.frame), p["OUT_BYTES"] * p["OUT_BEATS"])
            size = p["OUT_BYTES"]
            self.beats += (
                int.from_bytes(out[i : i + size], "little") for i in range(0, len(out), size)
            )
            self.frame.clear()


def output(frame: bytes, size: int) -> bytes:
    """What the core makes of a frame."""
    return random.Random(frame).randbytes(size)


class Watch:
    """The side pins of the bridge."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.overruns, self.moving, self.resetting = dut, 0, 0, 0
        dut.shell_reset.value = 0

    def drive(self) -> None:
        """Hold shell_reset as it is asked for."""
        self.dut.shell_reset.value = self.resetting

    def look(self, _clock: int) -> None:
        """Count overruns, note moving."""
        self.overruns += int(self.dut.overrun.value)
        self.moving = int(self.dut.moving.value)


class Board:
    """All around the bridge."""

    def __init__(self, dut: Any) -> None:
        self.p = parameters(dut, *NAMES)
        self.dut = dut
        self.line = Line(dut, self.p["CLOCKS"])
        self.memory, self.core, self.watch = Memory(dut), Core(dut), Watch(dut)
        self.bench = Bench(dut, (self.line, self.memory, self.core, self.watch))
        self.in_bytes = self.p["IN_BYTES"] * self.p["IN_BEATS"]
        self.out_bytes = self.p["OUT_BYTES"] * self.p["OUT_BEATS"]
        self.answers = Answers(self.out_bytes)
        self.read = 0
        self.rng = random.Random(3)

    def frame(self) -> bytes:
        """A frame at random."""
        return self.rng.randbytes(self.in_bytes)

    async def answer(self) -> Answer:
        """The next answer."""
        found: list[Answer] = []

        def done() -> bool:
            self.answers.feed(bytes(self.line.heard[self.read :]))
            self.read = len(self.line.heard)
            answer = self.answers.next()
            found.extend([answer] if answer else [])
            return bool(found)

        await self.bench.run(done, PATIENCE)
        return found[0]

    async def ask(self, command: bytes) -> Answer:
        """The answer to a command."""
        self.line.send(command)
        return await self.answer()

    async def until(self, done: Callable[[], bool]) -> None:
        """Step until `done`."""
        await self.bench.run(done, PATIENCE)

    async def wait(self, clocks: int) -> None:
        """So many clocks."""
        for _ in range(clocks):
            await self.bench.step()

    async def quiet(self) -> None:
        """Longer than the silence that ends a command; nothing may come."""
        await self.until(lambda: self.line.sent)
        await self.wait(self.p["GAP"] + 30 * self.p["CLOCKS"])
        assert self.read == len(self.line.heard), "an answer to nothing"

    async def check(self, number: int) -> None:
        """A frame, a write and a read are right."""
        data = self.frame()
        expected = Answer(b"f", number, output(data, self.out_bytes))
        assert await self.ask(protocol.frame(number, data)) == expected
        word = self.rng.getrandbits(32)
        assert await self.ask(protocol.write(number + 1, 0x10, word)) == Answer(
            b"w", number + 1, b"\0"
        )
        assert await self.ask(protocol.read(number + 2, 0x10)) == Answer(
            b"r", number + 2, b"\0" + word.to_bytes(4, "little")
        )


async def start(dut: Any) -> Board:
    """The bridge after reset, with all around it."""
    board = Board(dut)
    await board.bench.start()
    return board


@bench_test
async def answers_every_command(dut: Any) -> None:
    """Registers and frames in turn, unmapped registers and addresses, a silence in a command."""
    board = await start(dut)
    for number in range(0, 30, 3):
        await board.check(number)
    assert await board.ask(protocol.write(31, MISSING, 1)) == Answer(b"w", 31, b"\2")
    assert await board.ask(protocol.read(32, MISSING)) == Answer(b"r", 32, b"\2\1\0\0\0")
    count = len(board.memory.writes)
    assert await board.ask(protocol.write(33, 0x1010, 5)) == Answer(b"w", 33, b"\2")
    assert await board.ask(protocol.read(34, 0x8010)) == Answer(b"r", 34, b"\2\0\0\0\0")
    assert len(board.memory.writes) == count
    board.line.send(protocol.frame(35, board.frame()), gap=board.p["GAP"] // 2)
    assert (await board.answer()).number == 35
    assert board.watch.overruns == 0


@bench_test
async def takes_two_frames_and_registers_between(dut: Any) -> None:
    """Frames one behind the other come in order, with registers answered in between."""
    board = await start(dut)
    frames = [board.frame() for _ in range(6)]
    wanted = [Answer(b"f", i, output(data, board.out_bytes)) for i, data in enumerate(frames)]
    got: dict[bytes, list[Answer]] = {b"f": [], b"r": []}
    for index, data in enumerate(frames):
        while len(got[b"f"]) < index - 1 or len(got[b"r"]) < index:
            answer = await board.answer()
            got[answer.kind].append(answer)
        board.line.send(protocol.frame(index, data) + protocol.read(100 + index, 0x40))
    while len(got[b"f"]) + len(got[b"r"]) < 12:
        answer = await board.answer()
        got[answer.kind].append(answer)
    assert [answer.number for answer in got[b"r"]] == list(range(100, 106))
    assert got[b"f"] == wanted
    assert board.watch.overruns == 0


@bench_test
async def does_a_write_once(dut: Any) -> None:
    """A write with the number of the command before is answered again and not done again."""
    board = await start(dut)
    for _ in range(3):
        assert await board.ask(protocol.write(9, 0x20, 7)) == Answer(b"w", 9, b"\0")
    assert board.memory.writes == [(0x20, 7)]
    assert (await board.ask(protocol.read(9, 0x20))).body[1] == 7
    await board.ask(protocol.write(9, 0x20, 8))
    await board.ask(protocol.write(10, 0x20, 8))
    assert board.memory.writes == [(0x20, 7), (0x20, 8), (0x20, 8)]


def _damaged(board: Board, kind: str) -> tuple[bytes, bytes]:
    """A command that is wrong, and the reason of its refusal, b"" where none is to come."""
    whole = {
        "write": protocol.write(5, 0x20, 0xABCD),
        "read": protocol.read(5, 0x20),
        "frame": protocol.frame(5, board.frame()),
    }[kind.split("_", maxsplit=1)[0]]
    place = board.rng.randrange(1, len(whole))
    if kind.endswith("lost"):
        return whole[:place] + whole[place + 1 :], b""
    changed = bytearray(whole)
    changed[place] ^= 1 << board.rng.randrange(8)
    return bytes(changed), bytes([protocol.CHECKSUM])


@varied_test(kind=[f"{k}_{d}" for k in ("write", "read", "frame") for d in ("lost", "bad")])
async def refuses_what_is_damaged(dut: Any, kind: str) -> None:
    """A lost byte or a changed bit: not acted on, refused, and after a silence all is right."""
    board = await start(dut)
    for number in range(4):
        command, reason = _damaged(board, kind)
        board.line.send(command)
        if reason:
            assert (await board.answer()).body == reason
            board.line.send(protocol.write(6, 0x20, 0xABCD))  # not heard before the silence
        await board.quiet()
        assert (0x20, 0xABCD) not in board.memory.writes
        assert board.core.taken == number * board.p["IN_BEATS"]
        await board.check(50 + 3 * number)


@bench_test
async def gets_over_garbage(dut: Any) -> None:
    """Random bytes, bytes without a stop bit and a break: right again after a silence."""
    board = await start(dut)
    for number in range(4):
        board.line.send(bytes([board.rng.randrange(0x20)]) + board.rng.randbytes(20))
        assert (await board.answer()).body == bytes([protocol.UNKNOWN])
        board.line.send(b"F", stop=0, gap=board.p["CLOCKS"])
        board.line.hold(0, 40 * board.p["CLOCKS"])
        board.line.hold(1, 2 * board.p["CLOCKS"])
        await board.quiet()
        await board.check(10 * number)


@bench_test
async def refuses_a_third_frame(dut: Any) -> None:
    """While two are under way; it is refused once it is whole, and the two are right."""
    board = await start(dut)
    board.core.silent = True
    frames = [board.frame() for _ in range(3)]
    for number, data in enumerate(frames):
        board.line.send(protocol.frame(number, data))
    assert await board.answer() == Answer(b"?", 2, bytes([protocol.FULL]))
    assert board.watch.overruns == 1
    assert board.watch.moving
    assert (await board.ask(protocol.read(40, 0))).kind == b"r"
    board.core.silent = False
    for number in range(2):
        assert await board.answer() == Answer(b"f", number, output(frames[number], board.out_bytes))
    await board.wait(12 * board.p["CLOCKS"])
    assert not board.watch.moving
    await board.check(60)


@bench_test
async def refuses_a_second_register_command(dut: Any) -> None:
    """While the answer to one waits for that to a frame."""
    board = await start(dut)
    data = board.frame()
    board.line.send(protocol.frame(1, data))
    await board.until(lambda: len(board.line.heard_at) > 0)
    board.core.silent = True  # the answer stands still now, if there is more than a beat
    board.line.send(protocol.write(2, 0x30, 1) + protocol.write(3, 0x30, 2))
    await board.until(lambda: board.line.sent)
    await board.wait(4 * board.p["CLOCKS"])
    board.core.silent = False
    answers = [await board.answer() for _ in range(3)]
    assert [answer.kind for answer in answers] == [b"f", b"?", b"w"]
    assert answers[1] == Answer(b"?", 3, bytes([protocol.FULL]))
    assert board.memory.writes == [(0x30, 1)]
    assert board.watch.overruns == 1
    await board.check(4)


@varied_test(moment=("waiting", "taking", "given"))
async def drops_all_on_shell_reset(dut: Any, moment: str) -> None:
    """Frames that wait, one in the middle and those in the core go; what comes later is right."""
    board = await start(dut)
    board.core.open = moment != "waiting"
    board.core.silent = True
    board.line.send(protocol.frame(1, board.frame()) + protocol.frame(2, board.frame()))
    if moment == "taking":
        await board.until(lambda: board.core.taken == 1)
        board.core.open = False
    await board.until(lambda: board.line.sent)
    await board.wait(8 * board.p["CLOCKS"])
    begun = board.core.taken
    board.watch.resetting = 1
    await board.wait(3)
    board.core.open, board.core.silent = True, False
    await board.until(lambda: not board.watch.moving and not board.core.beats)
    assert board.core.taken == begun, "a beat was given in reset"
    board.core.frame.clear()
    board.watch.resetting = 0
    await board.quiet()
    await board.check(20)


@bench_test
async def ends_an_answer_on_shell_reset(dut: Any) -> None:
    """It is filled up and its checksum is wrong; the answer behind it is right."""
    board = await start(dut)
    board.line.send(protocol.frame(1, board.frame()))
    await board.until(lambda: len(board.line.heard_at) > 0)
    board.watch.resetting = 1
    await board.until(lambda: not board.watch.moving and not board.core.beats)
    board.watch.resetting = 0
    await board.wait(12 * board.p["CLOCKS"])
    size = board.out_bytes + 4
    assert len(board.line.heard) == size
    board.answers.feed(bytes(board.line.heard))
    try:
        board.answers.next()
    except protocol.DamageError:
        board.read = size
        board.answers.clear()
    assert board.read == size, "half an answer counts as whole"
    await board.check(30)
