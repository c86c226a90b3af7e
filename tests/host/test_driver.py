"""The driver on a device without hardware: frames, settings, counters, memory, and its end."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import driver_designs as designs
import numpy as np
import pytest
from driver_designs import Bench, Link, bench, expected, frames, same
from fake_device import FakeDevice
from pynq_standin import sensor

from shiftloom.host import accelerator as module
from shiftloom.host.accelerator import Accelerator
from shiftloom.host.errors import AcceleratorError, InputError


@pytest.fixture(params=["mm", "axis"])
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Bench:
    """A design of either shell of a board with memory."""
    return bench(tmp_path, monkeypatch, request.param)


@pytest.mark.parametrize("count", [1, 7, 8, 30])
@pytest.mark.parametrize("batch", [None, 1, 4, 100])
def test_predicts(made: Bench, count: int, batch: int | None) -> None:
    x = frames(count)
    with made.open() as accelerator:
        assert same(accelerator.predict(x, batch), expected(x))
        assert same(accelerator.predict(x[::-1], batch), expected(x[::-1]))


def test_no_frames_give_no_results(made: Bench) -> None:
    with made.open() as accelerator:
        assert same(accelerator.predict(frames(0)), expected(frames(0)))
        assert made.device.frames == 0


def test_a_larger_batch_gets_larger_buffers_and_the_old_ones_back(made: Bench) -> None:
    with made.open() as accelerator:
        for batch in (2, 50, 3):
            x = frames(60, batch)
            assert same(accelerator.predict(x, batch), expected(x))
            assert len(made.device.memory) == 4


def test_real_numbers_on_request(made: Bench) -> None:
    x = frames(5)
    with made.open() as accelerator:
        found = accelerator.predict(x, real=True)
        assert isinstance(found, dict)
        for name, q in expected(x).items():
            assert np.array_equal(found[name], (q - 2) * 0.5)


def test_a_single_output_is_an_array(tmp_path: Path, monkeypatch: Any) -> None:
    one = [designs.tensor("y", (1, 1, 5), 24, True)]
    made = bench(tmp_path, monkeypatch, outputs=one)
    with made.open() as accelerator:
        found = accelerator.predict(frames(3))
        assert isinstance(found, np.ndarray)
        assert np.array_equal(found[..., :4], expected(frames(3))["y"])


def test_progress_is_told(made: Bench) -> None:
    told: list[tuple[int, int]] = []
    with made.open() as accelerator:
        accelerator.predict(frames(10), 4, lambda *at: told.append(at))
    assert told == [(4, 10), (8, 10), (10, 10)]


def test_the_next_batch_is_queued_before_one_is_unpacked(tmp_path: Path, monkeypatch: Any) -> None:
    """With the shell mm the core has work while the host packs and unpacks."""
    made = bench(tmp_path, monkeypatch)
    queued: list[int] = []
    made.device.per_look = 1
    with made.open() as accelerator:
        accelerator.predict(frames(200), 40, lambda *_: queued.append(len(made.device.queue)))
    assert queued == [1] * 4 + [0]


def test_with_a_dma_core_the_next_batch_runs_before_one_is_unpacked(
    tmp_path: Path, monkeypatch: Any
) -> None:
    made = bench(tmp_path, monkeypatch, "axis")
    queued: list[int] = []
    made.device.per_look = 1
    with made.open() as accelerator:
        accelerator.predict(frames(200), 40, lambda *_: queued.append(len(made.device.queue)))
    assert queued == [1] * 4 + [0]


def test_batches_are_chosen_by_their_bytes(made: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 45)
    told: list[int] = []
    with made.open() as accelerator:
        accelerator.predict(frames(7), progress=lambda done, _: told.append(done))
    assert told == [3, 6, 7]


@pytest.mark.parametrize("batch", [0, -1, 2.0, True, "8"])
def test_refuses_a_batch(made: Bench, batch: Any) -> None:
    with made.open() as accelerator, pytest.raises(InputError) as caught:
        accelerator.predict(frames(2), batch)
    assert str(caught.value) == f"batch of {batch!r}; give an integer of 1 or more"


@pytest.mark.parametrize("bitfile", ["", ".", "/", "a\0.bit", "\ud800.bit", Path()])
def test_refuses_a_bitfile_that_no_file_is(made: Bench, bitfile: Any) -> None:
    with pytest.raises(InputError) as caught:
        Accelerator(made.folder, bitfile, device=made.device)
    assert str(caught.value) == (
        f"bitfile of {bitfile!r}; give the path of a file, such as lenet5.bit"
    )
    assert made.device.log == []


@pytest.mark.parametrize("path", [3, True, None, b"lenet5", ["lenet5"]])
def test_refuses_what_is_no_path(made: Bench, path: Any) -> None:
    problem = f"of {path!r}; give a path as a string or a pathlib.Path"
    opened = made.open()
    made.device.log.clear()
    with pytest.raises(InputError) as caught:
        opened.load_weights(path)
    assert str(caught.value) == f"weights {problem}"
    openers = {
        "folder": (
            Accelerator,
            lambda folder: Accelerator.over(Link(made.device), folder),
            lambda folder: Accelerator.serial(folder, "/dev/null"),
        ),
        "bitfile": () if path is None else (lambda bitfile: Accelerator(made.folder, bitfile),),
        "path": (lambda line: Accelerator.serial(made.folder, line),),
    }
    for what, ways in openers.items():
        for way in ways:
            with pytest.raises(InputError) as caught:
                way(path)
            assert str(caught.value) == f"{what} {problem}"
    assert made.device.log == []


@pytest.mark.parametrize(
    ("timeout", "shown"),
    [
        *((each, repr(each)) for each in (0, -1.0, float("nan"), float("inf"), None, "5", True)),
        (10**400, f"1{'0' * 59}..."),
        pytest.param(10**5000, "a long int", id="long"),
    ],
)
def test_refuses_a_timeout(made: Bench, timeout: Any, shown: str) -> None:
    problem = f"timeout of {shown}; give a finite number of seconds above 0"
    with pytest.raises(InputError) as caught:
        made.open(timeout)
    assert str(caught.value) == problem
    assert made.device.log == []
    with made.open() as accelerator:
        with pytest.raises(InputError) as caught:
            accelerator.timeout = timeout
        assert str(caught.value) == problem
        assert accelerator.timeout == 0.2


@pytest.mark.parametrize("timeout", [3, np.float32(0.5), np.int64(2)])
def test_takes_a_timeout(made: Bench, timeout: float) -> None:
    with made.open() as accelerator:
        accelerator.timeout = timeout
        assert (type(accelerator.timeout), accelerator.timeout) == (float, timeout)


def test_a_refused_frame_reaches_nothing(made: Bench) -> None:
    with made.open() as accelerator:
        with pytest.raises(InputError) as caught:
            accelerator.predict(frames(9).astype(np.int64) + 1, 2)
        assert made.device.frames == 0
    assert str(caught.value) == "x: has a value of 256; 8 bits unsigned hold 0 to 255"


def test_counters_and_throughput(made: Bench) -> None:
    with made.open() as accelerator:
        assert accelerator.throughput is None
        made.device.cycles = (7 << 32) - 300
        accelerator.predict(frames(10), 4)
        found, counted = accelerator.throughput, accelerator.counters
        assert (counted.frames, counted.batches) == (10, 3)
        assert (counted.stalls_in, counted.stalls_out) == (0, 0)
        assert counted.busy_cycles == (7 << 32) - 300 + 1000
        assert found is not None
        assert (found.frames, found.busy_cycles, found.core_fps) == (10, 1000, 1e6)
        assert found.fps == 10 / found.seconds
        accelerator.reset()
        assert accelerator.counters.frames == accelerator.counters.busy_cycles == 0
        accelerator.predict(frames(0))
        assert accelerator.throughput is not None
        assert (accelerator.throughput.fps, accelerator.throughput.core_fps) == (0.0, 0.0)


def test_throughput_after_an_error_from_before(made: Bench) -> None:
    """A bus_error asks for a reset, which clears the counters, before the clocks are counted."""
    with made.open() as accelerator:
        accelerator.predict(frames(10), 4)
        made.device.words["ERRORS"] = 8
        accelerator.predict(frames(3), 4)
        assert accelerator.throughput is not None
        assert accelerator.throughput.busy_cycles == 300


def test_cycles_are_of_one_moment(made: Bench, monkeypatch: Any) -> None:
    """The low word wraps between two reads: then all is read again."""
    with made.open() as accelerator:
        made.device.cycles = (1 << 32) - 1
        plain = made.device.read

        def ticking(offset: int) -> int:
            word = plain(offset)
            made.device.cycles += int(made.device.names[offset] == "CYCLES_HI")
            return word

        monkeypatch.setattr(made.device, "read", ticking)
        assert accelerator.counters.busy_cycles == (1 << 32) + 1


# ---------------------------------------------------------------- memory


def test_external_memory_is_filled_and_known(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch, memory=designs.memory())
    x = frames(9)
    with made.open() as accelerator:
        base = made.device.words["MEMORY_BASE"]
        assert base % 4096 == 0
        assert made.device.at(base, 8192)[:100].tobytes() == designs.IMAGE
        assert not made.device.at(base, 8192)[100:].any()
        assert same(accelerator.predict(x), expected(x, first=7))
    assert made.device.memory == {}


@pytest.mark.parametrize("address", [0, 8, 4096, 0x1000_0010])
def test_external_memory_begins_at_a_multiple_above_0(
    tmp_path: Path, monkeypatch: Any, address: int
) -> None:
    made = bench(tmp_path, monkeypatch, memory=designs.memory())
    device = FakeDevice(
        made.device.accelerator, made.device.registers, designs.compute, first_address=address
    )
    with Bench(made.folder, device, made.pynq).open():
        base = device.words["MEMORY_BASE"]
        assert base % 4096 == 0
        assert base > 0
        assert device.at(base, 8192)[:100].tobytes() == designs.IMAGE


@pytest.mark.parametrize(
    ("free", "last"),
    [(0x800, 0x15F), (0x3000, 0x2BF), (0x5800, 0x15F), (0x8000, 0x2BF)],
    ids=["input 1", "output 1", "input 2", "output 2"],
)
def test_memory_beyond_the_addresses_is_refused(
    tmp_path: Path, monkeypatch: Any, free: int, last: int
) -> None:
    """Before a register is written, whichever buffer of the two batches it is."""
    made = bench(tmp_path, monkeypatch)
    with made.open() as accelerator:
        made.device.log.clear()
        made.device._next = (1 << 32) - free
        with pytest.raises(InputError) as caught:
            accelerator.predict(frames(600), 300)
        assert str(caught.value) == (
            f"a buffer reaches up to {(1 << 32) + last:#x}, addresses have 32 bits; "
            "use a smaller batch, or keep the memory for buffers (CMA) below 4 GiB"
        )
        assert made.device.log == []
        assert made.device.memory == {}
        made.device._next = made.device.first_address
        assert same(accelerator.predict(frames(9), 3), expected(frames(9)))


def test_closing_gives_all_memory_back_once(made: Bench) -> None:
    accelerator = made.open()
    accelerator.predict(frames(5))
    assert made.device.memory
    accelerator.close()
    assert made.device.memory == {}
    accelerator.close()
    with pytest.raises(AcceleratorError) as caught:
        accelerator.predict(frames(5))
    assert str(caught.value) == "the accelerator is closed; open it again"


def test_says_what_it_is(made: Bench) -> None:
    with made.open() as accelerator:
        shell = made.device.accelerator["shell"]
        assert (
            repr(accelerator) == f"<Accelerator tiny, design {designs.DIGEST[:16]}, shell {shell}>"
        )


# ---------------------------------------------------------------- a line


def test_over_a_line_without_pynq(tmp_path: Path) -> None:
    described, words = designs.accelerator("serial"), designs.registers("serial")
    device = FakeDevice(described, words, designs.compute)
    x = frames(10)
    folder = designs.write(tmp_path, described, words)
    with Accelerator.over(Link(device), folder, timeout=0.2) as accelerator:
        assert same(accelerator.predict(x, 4), expected(x))
        assert same(accelerator.predict(frames(2), 1), expected(frames(2)))
        assert (accelerator.counters.frames, accelerator.counters.batches) == (12, None)
        assert accelerator.power is None


def test_external_memory_behind_a_line_is_refused(tmp_path: Path) -> None:
    described, words = designs.accelerator("serial"), designs.registers("serial")
    folder = designs.write(tmp_path, {**described, "memory": designs.memory()}, words)
    with pytest.raises(AcceleratorError) as caught:
        Accelerator.over(Link(FakeDevice(described, words, designs.compute)), folder)
    assert str(caught.value) == (
        "external memory behind a line; use a build with the shell mm or axis"
    )


# ---------------------------------------------------------------- power


def test_power_of_every_rail(made: Bench, monkeypatch: Any) -> None:
    """By its sensor, or volts times amperes; a rail with a voltage alone has none."""
    rails = {
        "core": SimpleNamespace(power=sensor(1.5), voltage=None, current=None),
        "io": SimpleNamespace(power=None, voltage=sensor(3.0), current=sensor(0.5)),
        "aux": SimpleNamespace(power=None, voltage=sensor(1.8), current=None),
    }
    with made.open() as accelerator:
        assert accelerator.power is None
        monkeypatch.setattr(made.pynq, "get_rails", lambda: rails)
        assert accelerator.power == {"core": 1.5, "io": 1.5}
        monkeypatch.delattr(made.pynq, "get_rails")
        assert accelerator.power is None


def test_power_says_nothing_without_a_library(made: Bench, monkeypatch: Any) -> None:
    def missing() -> dict[str, Any]:
        warnings.warn("Could not initialise libsensors library", stacklevel=1)
        return {}

    monkeypatch.setattr(made.pynq, "get_rails", missing)
    with made.open() as accelerator, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert accelerator.power is None
