"""The external memory of the batch engine, under a generated top whose unit copies by way of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import memory_designs
import numpy as np
import pytest
from memory_designs import BEATS, COPY, IMAGE, SIZE
from rtl_library import planted

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import (
    MemoryModel,
    PortCounters,
    SimMemory,
    SimTop,
    SimulationError,
    Stall,
    interval,
    run,
)

FRAMES = np.random.default_rng(6).integers(0, 256, (12, 8 * BEATS), dtype=np.uint8)
WANTED = FRAMES ^ np.frombuffer(IMAGE, np.uint8)
BURSTS = 6  # of eight beats in blocks of as many: the copy begins in the middle of one
CHANGED = r"m\d_axi at 0x[0-9a-f]+: what was offered changed before it was taken"


class Mutant(Protocol):
    """Makes the top with a text replaced in one of its files."""

    def __call__(self, file: str, old: str, new: str) -> SimTop:
        """Fail where `old` is not in the file once."""


def _top(folder: Path) -> SimTop:
    image = folder / "memory.bin"
    image.write_bytes(IMAGE)
    sources = tuple(sorted(folder.glob("*.sv")))
    memory = SimMemory(2, SIZE, image)
    return SimTop("copying", sources, 64, BEATS, 64, BEATS, memory=memory)


@pytest.fixture
def top(simulator: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimTop:
    """The generated top."""
    memory_designs.write_rtl(tmp_path, monkeypatch)
    return _top(tmp_path)


@pytest.fixture
def mutant(top: SimTop, tmp_path: Path) -> Mutant:
    """Makes the top with one text replaced."""

    def make(file: str, old: str, new: str) -> SimTop:
        planted(tmp_path, [tmp_path / f"{file}.sv"], file, old, new)
        return _top(tmp_path)

    return make


@pytest.mark.parametrize(
    "model",
    [
        MemoryModel(),
        MemoryModel(latency=1, base=0xFFFF_E000),
        MemoryModel(latency=(20, 200), stall=0.2, seed=1),
        MemoryModel(latency=(1, 90), stall=0.5, bandwidth=0.4, base=0x1000),
    ],
)
@pytest.mark.parametrize("stall", [None, Stall(3, 0.3, 0.3)])
def test_frames_go_through_the_memory(
    top: SimTop, cache: Cache, model: MemoryModel, stall: Stall | None
) -> None:
    result = run(top, FRAMES, cache=cache, jobs=2, stall=stall, memory=model)
    assert np.array_equal(result.outputs.reshape(FRAMES.shape), WANTED)
    count = len(FRAMES)
    assert result.ports == (
        PortCounters(count * BEATS, count * BEATS, count * BURSTS, count * BURSTS),
        PortCounters(count * BEATS, 0, count * BEATS // 8, 0),
    )
    assert result.errors == 0
    again = run(top, FRAMES, cache=cache, jobs=2, stall=stall, memory=model)
    assert np.array_equal(again.last_out, result.last_out)


def test_every_clock_of_latency_counts_for_each_way(top: SimTop, cache: Cache) -> None:
    clocks = [
        interval(run(top, FRAMES, cache=cache, jobs=1, memory=MemoryModel(latency=latency)))
        for latency in (10, 11, 60)
    ]
    assert clocks[1] - clocks[0] == 2  # a write and a read one after the other
    assert clocks[2] - clocks[0] == 100


def test_bandwidth_is_shared_by_all_ports(top: SimTop, cache: Cache) -> None:
    model = MemoryModel(latency=10, bandwidth=0.5)
    beats = 3 * BEATS  # written, read back, and the image
    clocks = interval(run(top, FRAMES, cache=cache, jobs=1, memory=model))
    assert 2 * beats <= clocks <= 2 * beats + 60


@pytest.mark.parametrize("error", [0, COPY + 16])
def test_an_error_of_the_bus_is_in_the_register(top: SimTop, cache: Cache, error: int) -> None:
    frames = FRAMES[:2]
    result = run(top, frames, cache=cache, jobs=1, memory=MemoryModel(error=error))
    assert result.errors == 0x8
    wrong = (result.outputs.reshape(frames.shape) != WANTED[:2]).any(axis=0).nonzero()[0]
    assert set(wrong // 8) == ({2} if error else set())  # a word that is not written


def test_a_base_of_no_use_stops_every_frame(top: SimTop, cache: Cache) -> None:
    model = MemoryModel(base=0x1000_0008)
    message = "deadlock: no handshake for 500 clocks, ERRORS is 0x10, at frame 0, output beat 0"
    with pytest.raises(SimulationError, match=message):
        run(top, FRAMES[:2], cache=cache, jobs=1, memory=model, max_idle=500)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("sl_axi_read", "(!m_axi_arvalid || m_axi_arready) && ", "", CHANGED),
        (
            *("sl_axi_write", "(!m_axi_awvalid || m_axi_awready) && ", ""),
            CHANGED,
        ),
        ("sl_axi_write", "put || m_axi_wready", "1'b1", CHANGED),
        (
            *("sl_axi_write", "m_axi_awsize  = 3'b011", "m_axi_awsize  = 3'b010"),
            "m0_axi at 0x10000fe8: no INCR burst of aligned 8-byte beats",
        ),
        (
            *("sl_axi_bursts", "8'(length);", "8'(length) + 8'd1;"),
            "m0_axi at 0x10000fe8: a burst across 4 KiB",
        ),
        (
            *("copy_memory", ".cmd_addr(memory_base), ", ".cmd_addr(memory_base + 32'd8192), "),
            "m1_axi at 0x10002000: a burst outside of the memory",
        ),
        (
            *("sl_axi_write", "m_axi_wlast <= last", "m_axi_wlast <= beat_q == 8'd1"),
            "m0_axi at 0x10000ff0: wlast does not mark the last beat of a burst",
        ),
        (
            *("copying_registers", "10'h00a: wr_ok = 1'b1;", "10'h00a: wr_ok = 1'b0;"),
            "copying: a register cannot be written",
        ),
    ],
)
def test_broken_rules_of_the_bus_are_named(
    mutant: Mutant, cache: Cache, file: str, old: str, new: str, message: str
) -> None:
    model = MemoryModel(latency=(5, 40), stall=0.5, seed=1)
    with pytest.raises(SimulationError, match=message):
        run(mutant(file, old, new), FRAMES, cache=cache, jobs=1, memory=model, max_idle=2000)


def test_a_top_without_memory_takes_no_model(top: SimTop, cache: Cache) -> None:
    with pytest.raises(ShiftloomError, match="copying: has no external memory; leave `memory` out"):
        run(replace(top, memory=None), FRAMES, cache=cache, memory=MemoryModel())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latency": 0}, "latency = 0; use 1 or more clocks"),
        ({"latency": (9, 8)}, r"latency = \(9, 8\); use 1 or more clocks"),
        ({"stall": 1.0}, "stall = 1.0; use 0 or more, below 1"),
        ({"bandwidth": 0.0}, "bandwidth = 0.0; use 0.001 to 1024 beats a clock, or None"),
        ({"error": 12}, "error = 12; use a multiple of 8"),
        ({"base": 1 << 32}, r"base = 0x100000000; use a multiple of 4096 below 2\^32"),
    ],
)
def test_impossible_models_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShiftloomError, match=f"^memory: {message}$"):
        MemoryModel(**options)
