"""Planted faults: nothing hangs, the error says what is wrong, and the next frames are right."""

from __future__ import annotations

import asyncio
import builtins
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import driver_designs as designs
import numpy as np
import pynq_standin
import pytest
import reload_nets
from driver_designs import Bench, bench, expected, frames, same

from shiftloom.codegen.coding.build_file import build_bytes
from shiftloom.host import accelerator as module
from shiftloom.host import core, running
from shiftloom.host.accelerator import Accelerator
from shiftloom.host.container import WeightsError
from shiftloom.host.errors import (
    AcceleratorError,
    BusError,
    DesignError,
    HardwareError,
    StuckError,
)

X = frames(10)
BEGIN = "check the memory ports of the block design; the next frames begin anew"


@pytest.fixture(params=["mm", "axis"])
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Bench:
    return bench(tmp_path, monkeypatch, request.param)


def right_after(accelerator: Accelerator) -> bool:
    """Whether all is well again."""
    return same(accelerator.predict(X, 4), expected(X))


# ---------------------------------------------------------------- of another design


@pytest.mark.parametrize(
    ("name", "word", "message"),
    [
        ("MAGIC", 0, "MAGIC reads 0x0, this build has 0x314d4c53"),
        ("VERSION", 2, "VERSION reads 0x2, this build has 0x1"),
        ("SHELL", 1, "SHELL reads 0x1, this build has 0x2"),
        ("DIGEST1", 0, "the hardware is the build 0123456700000000, not 0123456789abcdef"),
    ],
)
def test_refuses_hardware_of_another_design(
    tmp_path: Path, monkeypatch: Any, name: str, word: int, message: str
) -> None:
    made = bench(tmp_path, monkeypatch)
    made.device.words[name] = word
    with pytest.raises(DesignError) as caught:
        made.open()
    assert str(caught.value) == f"{message}; load the bit file that was made of this build"
    assert made.device.log == []


def test_refuses_an_overlay_without_the_core(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch)
    monkeypatch.setattr(made.pynq.Overlay, "cores", {"dma": {}})
    with pytest.raises(DesignError) as caught:
        made.open()
    assert str(caught.value) == (
        "the overlay has no core 'accelerator', but dma; "
        "use a block design that Shiftloom made, or give the core this name"
    )


def test_refuses_a_serial_shell_on_an_overlay(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch, "serial")
    with pytest.raises(DesignError) as caught:
        made.open()
    assert str(caught.value) == (
        "the shell serial is not reached by an overlay; open it with Accelerator.serial"
    )


def test_says_that_pynq_is_missing(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch)
    plain = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pynq":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AcceleratorError) as caught:
        made.open()
    assert str(caught.value) == (
        "pynq is not installed; run this on the board, with the Python that has it, "
        "or use Accelerator.serial"
    )


def test_refuses_an_image_of_another_size(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch, memory=designs.memory())
    (made.folder / "memory.bin").write_bytes(b"short")
    with pytest.raises(DesignError) as caught:
        made.open()
    assert str(caught.value) == (
        f"{made.folder / 'memory.bin'}: has 5 bytes, the build 100; copy it again"
    )
    assert made.device.memory == {}


# ---------------------------------------------------------------- errors of the hardware


@pytest.mark.parametrize(
    ("name", "bits", "error", "message"),
    [
        (
            *("ERRORS", 8, BusError),
            "bus_error: a memory access was answered by SLVERR or DECERR; set until reset; "
            + BEGIN,
        ),
        (
            *("ERRORS", 16, BusError),
            "misaligned: a frame began with a MEMORY_BASE of no use; it was dropped; " + BEGIN,
        ),
        (
            *("ERRORS", 5, HardwareError),
            "short_frame: TLAST came early; the frame was filled up with zeros; bad_code: a weight "
            "held the unused code 111; it counted as 0; check that the bit file is of this build; "
            "the next frames begin anew",
        ),
    ],
)
def test_an_error_ends_predict(
    made: Bench, name: str, bits: int, error: type[Exception], message: str
) -> None:
    made.device.error_at = 0, name, bits
    with made.open() as accelerator:
        with pytest.raises(error) as caught:
            accelerator.predict(X, 4)
        assert type(caught.value) is error
        assert str(caught.value) == f"batch 1 of 3 (frames 0 to 3) or a later one: {message}"
        made.device.error_at = None
        flags = accelerator.errors
        assert len(flags) == bits.bit_count()
        assert right_after(accelerator)
        assert accelerator.errors == flags
        accelerator.clear_errors()
        assert accelerator.errors == ()


@pytest.mark.parametrize("bits", [1, 2])
def test_an_error_of_the_shell_ends_predict(tmp_path: Path, monkeypatch: Any, bits: int) -> None:
    made = bench(tmp_path, monkeypatch)
    made.device.error_at = 0, "SHELL_ERRORS", bits
    with made.open() as accelerator:
        with pytest.raises(BusError) as caught:
            accelerator.predict(X, 4)
        what = "read_error: reading" if bits == 1 else "write_error: writing"
        assert str(caught.value) == (
            f"batch 1 of 3 (frames 0 to 3) or a later one: {what} frames was answered by SLVERR or "
            f"DECERR; {BEGIN}"
        )
        made.device.error_at = None
        assert right_after(accelerator)


def test_errors_from_before_are_kept_and_do_not_count(made: Bench) -> None:
    with made.open() as accelerator:
        made.device.words["ERRORS"] = 8 | 2
        assert right_after(accelerator)
        assert accelerator.errors == ("long_frame", "bus_error")


# ---------------------------------------------------------------- hanging


def test_a_hang_ends_with_an_error(made: Bench) -> None:
    made.device.hang_at = 6
    with made.open(timeout=0.05) as accelerator:
        with pytest.raises(StuckError) as caught:
            accelerator.predict(X, 4)
        assert isinstance(caught.value, TimeoutError)
        assert str(caught.value) == (
            "batch 2 of 3 (frames 4 to 7): no frame has finished for 0.05 s "
            "(STATUS 0x1, SHELL_STATUS 0x1, FRAMES 0x6, BATCHES 0x1, STALLS_IN 0x0, "
            "STALLS_OUT 0x0, errors: none); it was reset; give a longer `timeout` if a frame may "
            "take so long, else check the clock of the board"
        )
        made.device.hang_at = None
        assert right_after(accelerator)
        assert accelerator.errors == ()  # the frame that the reset cut short is no error


def test_slow_frames_are_no_hang(made: Bench, monkeypatch: Any) -> None:
    """A batch may take longer than the timeout as long as frames finish: a clock that is set."""
    clock = 0.0

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += 0.04
        made.device.per_look = 1
        made.device.look()
        made.device.per_look = 0

    with made.open(timeout=0.05) as accelerator:
        made.device.per_look = 0
        monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: clock))
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep, perf_counter=lambda: 0.0))
        assert same(accelerator.predict(frames(40), 40), expected(frames(40)))
    assert clock >= 40 * 0.04


def test_a_shell_that_does_not_rest_is_told(made: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(core, "_RESET_SECONDS", 0.02)
    accelerator = made.open()
    made.device.moving = True
    with pytest.raises(StuckError) as caught:
        accelerator.reset()
    batches = ", BATCHES 0x0"
    assert str(caught.value) == (
        "reset: the shell still moves after 0.02 s (STATUS 0x0, SHELL_STATUS 0x1, FRAMES 0x0"
        f"{batches}, STALLS_IN 0x0, STALLS_OUT 0x0, errors: none); "
        "a bus does not answer: load the bit file again"
    )
    with pytest.raises(StuckError):
        accelerator.close()
    made.device.moving = False
    accelerator.close()
    assert made.device.memory == {}


def test_reset_has_its_order(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch)
    with made.open() as accelerator:
        made.device.log.clear()
        accelerator.reset()
        assert made.device.log == [
            ("SHELL_CONTROL", 1),
            ("CONTROL", 1),
            ("SHELL_CONTROL", 0),
            ("CONTROL", 2),
            ("SHELL_ERRORS", 0xFFFFFFFF),
        ]


def test_a_reset_while_frames_run_ends_predict(made: Bench) -> None:
    with made.open() as accelerator:
        with pytest.raises(AcceleratorError) as caught:
            accelerator.predict(X, 2, lambda done, _: accelerator.reset() if done == 4 else None)
        is_mm = made.device.accelerator["shell"] == "mm"
        batch = "4 of 5 (frames 6 to 7)" if is_mm else "3 of 5 (frames 4 to 5)"
        assert str(caught.value) == (
            f"batch {batch}: the accelerator was reset; call predict again"
        )
        assert right_after(accelerator)


def test_a_reset_by_something_else_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    made = bench(tmp_path, monkeypatch)
    with made.open() as accelerator:
        assert right_after(accelerator)

        def meddle(done: int, _: int) -> None:
            made.device.words["BATCHES"] = 0

        with pytest.raises(HardwareError) as caught:
            accelerator.predict(X, 2, meddle)
        assert str(caught.value) == (
            "batch 2 of 5 (frames 2 to 3): something else has reset it; "
            "only one program may use the accelerator"
        )
        assert right_after(accelerator)


def test_whatever_ends_predict_leaves_a_good_accelerator(made: Bench) -> None:
    def interrupted(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with made.open() as accelerator:
        with pytest.raises(KeyboardInterrupt):
            accelerator.predict(X, 3, interrupted)
        assert made.device.queue == []
        assert right_after(accelerator)


def test_one_predict_at_a_time(made: Bench) -> None:
    messages = []

    def again(done: int, _: int) -> None:
        for act in (lambda: accelerator.predict(X), accelerator.close):
            with pytest.raises(AcceleratorError) as caught:
                act()
            messages.append(str(caught.value))

    with made.open() as accelerator:
        assert same(accelerator.predict(X, 10, again), expected(X))
    assert messages == [
        "another predict is under way; wait until it has ended",
        "a predict is under way; cancel it, or wait until it has ended",
    ]


# ---------------------------------------------------------------- weights


def test_damaged_weights_leave_the_old_ones(tmp_path: Path, monkeypatch: Any) -> None:
    compiled = reload_nets.build()
    made = bench(tmp_path, monkeypatch, **designs.weighted(compiled))
    data = bytearray(build_bytes(reload_nets.other(compiled)[1]))
    data[len(data) // 2] ^= 1
    file = tmp_path / "w.slw"
    file.write_bytes(data)
    with made.open() as accelerator:
        made.device.log.clear()
        with pytest.raises(WeightsError) as caught:
            accelerator.load_weights(file)
        assert isinstance(caught.value, AcceleratorError)
        assert "has CRC-32" in str(caught.value)
        assert made.device.log == []
        assert right_after(accelerator)


def test_half_loaded_weights_run_no_frame(made: Bench) -> None:
    with made.open() as accelerator:
        made.device.words["LOAD_CONTROL"] = 1
        with pytest.raises(HardwareError) as caught:
            accelerator.predict(X)
        assert str(caught.value) == ("weights were not loaded to the end; call load_weights again")
        made.device.words["LOAD_CONTROL"] = 0
        assert right_after(accelerator)


# ---------------------------------------------------------------- the DMA core


@pytest.fixture
def streaming(tmp_path: Path, monkeypatch: Any) -> Bench:
    return bench(tmp_path, monkeypatch, "axis")


@pytest.mark.parametrize("channel", ["sendchannel", "recvchannel"])
def test_an_error_of_the_dma_core_is_told(streaming: Bench, channel: str) -> None:
    streaming.device.hang_at = 5
    with streaming.open(timeout=5) as accelerator:
        dma = streaming.device.stream

        def broken(done: int, _: int) -> None:
            getattr(dma, channel).error = True

        with pytest.raises(BusError) as caught:
            accelerator.predict(X, 4, broken)
        what = "reading" if channel == "sendchannel" else "writing"
        assert str(caught.value) == (
            f"batch 2 of 3 (frames 4 to 7): the DMA core has stopped {what} frames; "
            "check its memory port"
        )
        streaming.device.hang_at = None
        assert right_after(accelerator)


def test_what_pynq_refuses_is_told(streaming: Bench) -> None:
    """A channel that something else has stopped."""
    with streaming.open() as accelerator:
        streaming.device.stream.recvchannel.stop()
        with pytest.raises(BusError) as caught:
            accelerator.predict(X, 4)
        assert str(caught.value) == (
            "pynq says of the DMA core: DMA channel not idle; check its memory port"
        )
        assert right_after(accelerator)


def test_a_short_batch_is_told(streaming: Bench) -> None:
    with streaming.open() as accelerator:
        streaming.device.stream.lost = 8
        with pytest.raises(HardwareError) as caught:
            accelerator.predict(X, 4)
        assert str(caught.value) == (
            "batch 1 of 3 (frames 0 to 3): the DMA core has received 56 bytes of a batch of 64; "
            "check that driver and bit file are of one build"
        )
        streaming.device.stream.lost = 0
        assert right_after(accelerator)


def test_reset_begins_the_dma_core_anew(streaming: Bench) -> None:
    with streaming.open() as accelerator:
        dma = streaming.device.stream
        before = dma.resets
        accelerator.reset()
        assert dma.resets == before + 1
        assert dma.sendchannel.running
        assert dma.recvchannel.running


def test_a_dma_core_that_does_not_end_its_reset(streaming: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(core, "_RESET_SECONDS", 0.02)
    with streaming.open() as accelerator:
        streaming.device.stream.stuck = True
        with pytest.raises(StuckError) as caught:
            accelerator.reset()
        assert str(caught.value) == (
            "the DMA core does not end its reset within 0.02 s; "
            "load the bit file again, and check the clock of the core"
        )
        streaming.device.stream.stuck = False
        assert right_after(accelerator)


def test_a_frame_larger_than_a_transfer_is_refused(streaming: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(pynq_standin.DMA, "buffer_max_size", 15)
    with pytest.raises(DesignError) as caught:
        streaming.open()
    assert str(caught.value) == (
        "frames of 16 bytes, the DMA core moves 15; "
        "give the core a wider length register (c_sg_length_width)"
    )


def test_a_batch_is_no_larger_than_a_transfer(streaming: Bench) -> None:
    most = ((1 << 14) - 1) // 16
    x = np.zeros((most + 5, *designs.SHAPE), np.uint8)
    told: list[int] = []
    with streaming.open() as accelerator:
        accelerator.predict(x, progress=lambda done, _: told.append(done))
        assert told == [most, most + 5]
        with pytest.raises(AcceleratorError) as caught:
            accelerator.predict(x, most + 1)
    assert str(caught.value) == (
        f"batch of {most + 1}; the DMA core moves at most {most} frames at once"
    )


# ---------------------------------------------------------------- waiting in a coroutine


@pytest.mark.parametrize("interrupt", [False, True])
@pytest.mark.parametrize("shell", ["mm", "axis"])
def test_predicts_while_other_tasks_run(
    tmp_path: Path, monkeypatch: Any, shell: Any, interrupt: bool
) -> None:
    made = bench(tmp_path, monkeypatch, shell, interrupt=interrupt)
    made.device.per_look = 1
    turns = 0

    async def both(accelerator: Accelerator) -> Any:
        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(count())
        found = await accelerator.predict_async(frames(60), 20)
        task.cancel()
        return found

    with made.open() as accelerator:
        for _ in range(2):
            assert same(asyncio.run(both(accelerator)), expected(frames(60)))
        assert turns > 6
        assert bool(made.device.interrupts) == interrupt
        assert made.device.words["INTERRUPT_ENABLE"] == 0
        assert right_after(accelerator)


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_an_interrupt_that_cannot_be_waited_for(
    tmp_path: Path, monkeypatch: Any, error: type[Exception]
) -> None:
    """Of another event loop, as pynq says it: then the driver looks. Others are the caller's."""

    async def wait(self: Any) -> None:
        raise error("bound to a different event loop")

    monkeypatch.setattr(pynq_standin.Interrupt, "wait", wait)
    with bench(tmp_path, monkeypatch, interrupt=True).open() as accelerator:
        if error is OSError:
            with pytest.raises(OSError, match=r"^bound to a different event loop$"):
                asyncio.run(accelerator.predict_async(X, 4))
        else:
            assert same(asyncio.run(accelerator.predict_async(X, 4)), expected(X))
        assert right_after(accelerator)


@pytest.mark.parametrize("interrupt", [False, True])
def test_a_cancelled_predict_leaves_a_good_accelerator(
    tmp_path: Path, monkeypatch: Any, interrupt: bool
) -> None:
    made = bench(tmp_path, monkeypatch, interrupt=interrupt)
    made.device.hang_at = 5

    async def late(accelerator: Accelerator) -> None:
        await asyncio.wait_for(accelerator.predict_async(X, 4), 0.05)

    with made.open(timeout=5) as accelerator:
        with pytest.raises((asyncio.TimeoutError, TimeoutError)):
            asyncio.run(late(accelerator))
        made.device.hang_at = None
        assert made.device.queue == []
        assert right_after(accelerator)


def test_a_hang_ends_a_coroutine_without_an_interrupt_coming(
    tmp_path: Path, monkeypatch: Any
) -> None:
    made = bench(tmp_path, monkeypatch, interrupt=True)
    made.device.hang_at = 5
    with made.open(timeout=0.1) as accelerator:
        with pytest.raises(StuckError) as caught:
            asyncio.run(accelerator.predict_async(X, 4))
        assert str(caught.value).startswith("batch 2 of 3 (frames 4 to 7): no frame has finished")
        made.device.hang_at = None
        assert right_after(accelerator)
