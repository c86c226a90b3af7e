"""Loads of weights beside everything else: one at a time, whole, no frame with a part of one."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import driver_designs as designs
import pytest
import reload_nets
from driver_designs import Bench, Link, bench, expected, frames, same
from fake_device import FakeDevice

from shiftloom.codegen.coding.build_file import build_bytes
from shiftloom.codegen.loading import loadable as memories
from shiftloom.host import accelerator as module
from shiftloom.host import loading, running
from shiftloom.host.accelerator import Accelerator
from shiftloom.host.container import WeightsError
from shiftloom.host.errors import AcceleratorError, HardwareError

X = frames(10)
PATIENCE = 60
WORD = 5
"""The word of a load before which a test does something."""
UNDER_WAY = "a load of weights is under way; wait until it has ended"
UNFINISHED = "weights were not loaded to the end; call load_weights again"
REFUSED = (
    "the accelerator has refused a word of the weights; others may be written, so no frame runs "
    "until a load has ended well: let no other program use the accelerator, and load again"
)


@dataclass(frozen=True)
class Loadable:
    """A design with weights to load, a file of them, and what a load writes there."""

    made: Bench
    file: Path
    words: list[tuple[str, int]]

    @property
    def device(self) -> FakeDevice:
        return self.made.device


@pytest.fixture(params=["mm", "axis"])
def loadable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Loadable:
    described, data = weights()
    made = bench(tmp_path, monkeypatch, request.param, **described)
    file = tmp_path / "w.slw"
    file.write_bytes(data)
    return Loadable(made, file, written(made.device, data))


def weights() -> tuple[dict[str, Any], bytes]:
    """What loading reads of accelerator.json, and a file for that."""
    compiled = reload_nets.build()
    return designs.weighted(compiled), build_bytes(reload_nets.other(compiled)[1])


def written(device: FakeDevice, data: bytes) -> list[tuple[str, int]]:
    """The words of a load, by the names of their registers."""
    words = loading.writes(io.BytesIO(data), device.accelerator, device.registers)
    return [(device.names[offset], word) for offset, word in words]


def before_word(device: FakeDevice, act: Callable[[], None]) -> None:
    """Have `act` done, once, by whoever is about to write a word of weights."""
    plain, left = device.write, iter(range(WORD, -1, -1))

    def write(offset: int, word: int) -> None:
        if device.names[offset] == "LOAD_DATA" and next(left, None) == 0:
            act()
        plain(offset, word)

    device.write = write  # type: ignore[method-assign]


class Stop:
    """A place where a thread waits until it may go on."""

    def __init__(self) -> None:
        self._reached, self._go_on = threading.Event(), threading.Event()

    def here(self) -> None:
        self._reached.set()
        assert self._go_on.wait(PATIENCE)

    def reached(self) -> None:
        assert self._reached.wait(PATIENCE)

    def go_on(self) -> None:
        self._go_on.set()


@contextmanager
def thread(act: Callable[[], Any], *, stop: Stop | None = None) -> Iterator[threading.Thread]:
    """`act` in another thread, which has ended well behind the block; first it comes to `stop`."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)

    made = threading.Thread(target=run)
    made.start()
    try:
        if stop is not None:
            stop.reached()
        yield made
    finally:
        if stop is not None:
            stop.go_on()
        made.join(PATIENCE)
    assert failed == []


def refusal(act: Callable[[], Any]) -> str:
    """What the AcceleratorError of `act` says."""
    with pytest.raises(AcceleratorError) as caught:
        act()
    assert type(caught.value) is AcceleratorError
    return str(caught.value)


def test_weights_are_loaded(loadable: Loadable) -> None:
    """All words of the build's memories arrive, in order, while it is held."""
    with loadable.made.open() as accelerator:
        accelerator.load_weights(loadable.file)
        assert loadable.device.loaded == loadable.words
        addresses = [word >> 20 for name, word in loadable.words if name == "LOAD_ADDRESS"]
        assert sorted(addresses) == [each.index for each in memories(reload_nets.build().design)]
        held = [word for name, word in loadable.device.log if name == "LOAD_CONTROL"]
        assert held == [1, 0]
        assert same(accelerator.predict(X), expected(X))


def test_one_load_at_a_time(loadable: Loadable) -> None:
    """Beside one that is in its words all else that would begin, or end, is refused."""
    device, stop = loadable.device, Stop()
    before_word(device, stop.here)
    with loadable.made.open() as accelerator:
        load = partial(accelerator.load_weights, loadable.file)
        with thread(load, stop=stop):
            for act in (load, accelerator.close, lambda: accelerator.predict(X)):
                assert refusal(act) == UNDER_WAY
        assert device.loaded == loadable.words
        assert device.words["LOAD_CONTROL"] == 0
        assert same(accelerator.predict(X, 4), expected(X))
        load()
        assert device.loaded == loadable.words * 2
    assert refusal(load) == "the accelerator is closed; open it again"


def test_a_load_that_comes_second_by_a_moment_is_refused(loadable: Loadable) -> None:
    """The first one has its turn between a look whether there is one, and the own turn."""
    with loadable.made.open() as accelerator:
        core = accelerator._core
        plain = core._turn

        @contextmanager
        def turn() -> Iterator[None]:
            with plain:
                core.loading = True
                yield

        core._turn = turn()  # type: ignore[assignment]
        assert refusal(lambda: accelerator.load_weights(loadable.file)) == UNDER_WAY
        core._turn, core.loading = plain, False
        assert loadable.device.loaded == []


@pytest.mark.parametrize("name", ["reset", "clear_errors"])
def test_a_reset_waits_until_the_words_are_written(loadable: Loadable, name: str) -> None:
    device, stop = loadable.device, Stop()
    before_word(device, stop.here)
    with loadable.made.open() as accelerator:
        device.log.clear()
        with (
            thread(lambda: accelerator.load_weights(loadable.file), stop=stop),
            thread(getattr(accelerator, name)) as other,
        ):
            other.join(0.1)  # as long as it waits for its turn
            stop.go_on()
        assert device.loaded == loadable.words
        commands = [each for each, _ in device.log if each in ("CONTROL", "LOAD_DATA")]
        assert commands.index("CONTROL") > commands.count("LOAD_DATA") - 1


def test_a_load_waits_for_a_close(loadable: Loadable) -> None:
    """It finds a closed accelerator, and writes nothing there."""
    device, stop, told = loadable.device, Stop(), []
    accelerator = loadable.made.open()
    plain = device.write

    def write(offset: int, word: int) -> None:
        if device.names[offset] == "SHELL_CONTROL" and word:
            stop.here()
        plain(offset, word)

    device.write = write  # type: ignore[method-assign]

    def load() -> None:
        told.append(refusal(partial(accelerator.load_weights, loadable.file)))

    with thread(accelerator.close, stop=stop), thread(load) as other:
        other.join(0.1)  # as long as it waits for its turn
        stop.go_on()
    assert told == ["the accelerator is closed; open it again"]
    assert device.loaded == []
    assert device.memory == {}


def test_frames_of_another_thread_wait_for_a_load(loadable: Loadable, monkeypatch: Any) -> None:
    """However long it takes: by a clock that goes on while `predict` waits."""
    device, stop, clock, held = loadable.device, Stop(), 0.0, []

    def sleep(_: float) -> None:
        nonlocal clock
        clock += 0.04
        held.append(device.frames)
        if len(held) == 20:
            stop.go_on()

    before_word(device, stop.here)
    with loadable.made.open(timeout=0.05) as accelerator:
        monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: clock))
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep, perf_counter=lambda: 0.0))
        other = threading.Thread(target=lambda: accelerator.load_weights(loadable.file))

        def begin(done: int, _: int) -> None:
            if done == 2:
                other.start()
                stop.reached()

        assert same(accelerator.predict(X, 2, begin), expected(X))
        other.join(PATIENCE)
        assert device.loaded == loadable.words
        assert len(set(held[:20])) == 1, "frames have run meanwhile"


def test_a_load_between_two_batches(loadable: Loadable) -> None:
    with loadable.made.open() as accelerator:
        load = partial(accelerator.load_weights, loadable.file)
        assert same(accelerator.predict(X, 4, lambda *_: load()), expected(X))
        assert loadable.device.loaded == loadable.words * 3


# ---------------------------------------------------------------- loads that end in their words


def unfinished(accelerator: Accelerator) -> None:
    """That `predict` says so."""
    with pytest.raises(HardwareError) as caught:
        accelerator.predict(X)
    assert str(caught.value) == UNFINISHED


def test_a_refused_word_holds_all_frames(loadable: Loadable) -> None:
    """Something else lets frames in, between two words."""
    device = loadable.device
    with loadable.made.open() as accelerator:
        before_word(device, lambda: device.words.update(LOAD_CONTROL=0))
        with pytest.raises(WeightsError) as caught:
            accelerator.load_weights(loadable.file)
        assert str(caught.value) == REFUSED
        assert accelerator.errors == ("load_refused",)
        accelerator.reset()
        unfinished(accelerator)
        assert device.frames == 0
        device.loaded.clear()
        accelerator.load_weights(loadable.file)
        assert device.loaded == loadable.words
        assert accelerator.errors == ("load_refused",), "until they are cleared"
        assert same(accelerator.predict(X, 4), expected(X))


def test_a_refused_word_stays_known(loadable: Loadable) -> None:
    """The next load clears its bit, but not what the driver knows."""
    device = loadable.device
    before_word(device, lambda: device.words.update(LOAD_CONTROL=0))
    with loadable.made.open() as accelerator:
        with pytest.raises(WeightsError):
            accelerator.load_weights(loadable.file)
        accelerator.load_weights(loadable.file)
        assert device.words["ERRORS"] == 0
        assert accelerator.errors == ("load_refused",)
        accelerator.clear_errors()
        assert accelerator.errors == ()


def test_a_reset_from_within_is_told(loadable: Loadable) -> None:
    """By the handler of a signal, say: the words behind it go to another place."""
    with loadable.made.open() as accelerator:
        before_word(loadable.device, accelerator.reset)
        with pytest.raises(WeightsError) as caught:
            accelerator.load_weights(loadable.file)
        assert str(caught.value) == (
            "the accelerator was reset during a load of weights; call load_weights again"
        )
        unfinished(accelerator)
        accelerator.load_weights(loadable.file)
        assert same(accelerator.predict(X, 4), expected(X))


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["interrupted", "refused"])
def test_frames_under_way_do_not_run_with_a_part(loadable: Loadable, kind: str) -> None:
    device = loadable.device
    ends: dict[str, tuple[type[BaseException], Callable[[], Any], str]] = {
        "interrupted": (KeyboardInterrupt, interrupted, UNFINISHED),
        "refused": (
            WeightsError,
            lambda: device.words.update(LOAD_CONTROL=0),
            "load_refused: LOAD_DATA without STATUS.held, or beyond a memory; nothing was written; "
            "call load_weights again",
        ),
    }
    error, act, message = ends[kind]
    before_word(device, act)

    def begin(done: int, _: int) -> None:
        if done == 2:
            with pytest.raises(error):
                accelerator.load_weights(loadable.file)

    with loadable.made.open() as accelerator:
        with pytest.raises(HardwareError) as caught:
            accelerator.predict(X, 2, begin)
        assert message in str(caught.value)
        assert str(caught.value).startswith("batch ")
        unfinished(accelerator)
        accelerator.load_weights(loadable.file)
        assert same(accelerator.predict(X, 4), expected(X))


# ---------------------------------------------------------------- a line


def test_over_a_line_another_thread_does_not_load(tmp_path: Path) -> None:
    """Frames have the line until they come back, for ever where they are held; `progress` may."""
    more, data = weights()
    described = designs.accelerator("serial", **more)
    words = designs.registers("serial", described["digest"])
    device = FakeDevice(described, words, designs.compute)
    folder, file = designs.write(tmp_path, described, words), tmp_path / "w.slw"
    file.write_bytes(data)
    told: list[str] = []

    def begin(done: int, _: int) -> None:
        with thread(lambda: told.append(refusal(partial(accelerator.load_weights, file)))):
            pass
        assert device.loaded == []

    with Accelerator.over(Link(device), folder) as accelerator:
        assert same(accelerator.predict(X, 10, begin), expected(X))
        assert told == [
            "another thread uses the line; wait until its predict has ended, or load by the "
            "`progress` of that"
        ]
        load = partial(accelerator.load_weights, file)
        assert same(accelerator.predict(X, 5, lambda *_: load()), expected(X))
        with thread(load):
            pass
        assert device.words["LOAD_CONTROL"] == 0
        assert device.loaded == written(device, data) * 3
