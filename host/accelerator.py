"""An accelerator on a board, for NumPy arrays: `Accelerator(folder).predict(frames)`."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from shiftloom.host import loading
from shiftloom.host.board import Board
from shiftloom.host.core import Core, Counters, check_identity
from shiftloom.host.description import Description, describe, overlay_file
from shiftloom.host.errors import AcceleratorError, DesignError, InputError, shown
from shiftloom.host.external import ExternalMemory
from shiftloom.host.frames import Given, Ints, checked, empty
from shiftloom.host.hardware import Hardware
from shiftloom.host.line import Line, Link
from shiftloom.host.loading import TIMEOUT
from shiftloom.host.quality import Digits, Quality
from shiftloom.host.registers import Registers
from shiftloom.host.running import Job, Progress, Run
from shiftloom.host.serial_link import open_link
from shiftloom.host.waiting import Waiter

BATCH_BYTES = 1 << 20
"""Of the frames of a batch, in or out, unless the caller gives its size."""
Outputs = Ints | Mapping[str, Ints]
"""Of a single output [N, ...], or of several by name."""


@dataclass(frozen=True)
class Throughput:
    """Of one `predict`: `seconds` by the host's clock, packing included; clocks of a busy core."""

    frames: int
    seconds: float
    busy_cycles: int
    clock_mhz: float

    @property
    def fps(self) -> float:
        """Frames a second as the caller has seen them."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def core_fps(self) -> float:
        """Frames a second of the core, while it was busy."""
        return self.frames * self.clock_mhz * 1e6 / self.busy_cycles if self.busy_cycles else 0.0


class Accelerator:
    """The accelerator of a build folder, or of a package made of one.

    One caller at a time, but for what says otherwise.

    bitfile: the overlay, `overlay/NAME.bit` of the folder where none is given. device: of pynq.
    timeout: seconds without a finished frame until `predict` and `load_weights` give up. Raises
    InputError for what is no path, DesignError where files and hardware are not of one design,
    AcceleratorError without pynq.
    """

    def __init__(
        self,
        folder: Path | str,
        bitfile: Path | str | None = None,
        device: Any = None,
        timeout: float = TIMEOUT,
    ) -> None:
        path = None if bitfile is None else _file("bitfile", bitfile, "lenet5.bit")
        seconds, design = _seconds(timeout), describe(_path("folder", folder))
        self._open(design, Board(path or overlay_file(design), device, design), seconds)

    @classmethod
    def over(cls, link: Link, folder: Path | str, timeout: float = TIMEOUT) -> Accelerator:
        """The accelerator at the other end of a link, without pynq."""
        found = cls.__new__(cls)
        seconds, design = _seconds(timeout), describe(_path("folder", folder))
        found._open(design, Line(link, design.clock_mhz), seconds)
        return found

    @classmethod
    def serial(cls, folder: Path | str, path: Path | str, timeout: float = TIMEOUT) -> Accelerator:
        """The accelerator on a board whose serial line is the terminal at `path`, without pynq.

        `close` closes the line, whatever the board does. Raises DesignError where the build has
        another shell, InputError for what is no path, SerialError where nothing answers.
        """
        found, line = cls.__new__(cls), _file("path", path, "/dev/ttyUSB1")
        seconds, design = _seconds(timeout), describe(_path("folder", folder))
        if design.baud is None:
            hint = "open it by Accelerator(folder)"
            raise DesignError(f"the shell {design.shell} has no serial line; {hint}")
        with ExitStack() as stack:
            opened = open_link(line, design.in_bytes, design.out_bytes, design.baud)
            link = stack.enter_context(opened)
            found._open(design, Line(link, design.clock_mhz), seconds)
            found._line = stack.pop_all()
        return found

    def _open(self, design: Description, hardware: Hardware, timeout: float) -> None:
        self._design, self._hardware, self._timeout = design, hardware, timeout
        self._line: ExitStack | None = None
        self._running, self._closed = threading.Lock(), False
        self._caller: int | None = None
        self._throughput: Throughput | None = None
        registers = Registers(hardware.bus, design.registers)
        check_identity(registers, design)
        self._transport = hardware.transport(registers, design.in_bytes, design.out_bytes)
        self._core = Core(registers, self._transport)
        self._quality = Quality(registers, design.units)
        self._waiter = Waiter(registers, hardware.interrupt)
        self._core.reset()
        self._memory = ExternalMemory(hardware, registers, design.memory)

    def __repr__(self) -> str:
        shell, digest = self._design.shell, self._design.digest[:16]
        return f"<Accelerator {self._design.name}, design {digest}, shell {shell}>"

    # ------------------------------------------------------------ frames

    def predict(
        self,
        x: Given,
        batch: int | None = None,
        progress: Progress | None = None,
        real: bool = False,
    ) -> Outputs:
        """The output integers of frames x [N, ...], or of frames by name; `real`: real numbers.

        batch: frames that run together. progress: is told of frames done, and of all. Raises
        InputError before anything runs; StuckError and HardwareError after a reset, so that the
        next call begins anew.
        """
        with self._job(x, batch, progress) as (job, run), closing(run.steps()) as steps:
            for pause in steps:
                time.sleep(pause)
        return self._given(job, real)

    async def predict_async(
        self,
        x: Given,
        batch: int | None = None,
        progress: Progress | None = None,
        real: bool = False,
    ) -> Outputs:
        """As `predict`; other tasks run while the accelerator does, until its interrupt comes.

        Cancelling it resets the accelerator.
        """
        with (
            self._job(x, batch, progress) as (job, run),
            self._waiter.enabled(),
            closing(run.steps()) as steps,
        ):
            for pause in steps:
                await self._waiter.wait(pause)
        return self._given(job, real)

    @contextmanager
    def _job(
        self, x: Given, batch: int | None, progress: Progress | None
    ) -> Iterator[tuple[Job, Run]]:
        """A run to go through; its throughput is kept when it has ended."""
        with self._alone("another predict is under way; wait until it has ended"):
            self._check_open()
            inputs = checked(self._design.inputs, x)
            count = len(next(iter(inputs.values())))
            size, outputs = self._batch(batch, count), empty(self._design.outputs, count)
            job = Job(inputs, outputs, count, size, progress)
            self._transport.reserve(min(size, count))
            self._core.begin()
            busy, start = self._core.registers.wide("CYCLES"), time.perf_counter()
            yield job, Run(self._core, self._transport, self._design, job, self._timeout)
            seconds = time.perf_counter() - start
            busy = self._core.registers.wide("CYCLES") - busy
            self._throughput = Throughput(count, seconds, busy, self.clock_mhz)

    @contextmanager
    def _alone(self, otherwise: str) -> Iterator[None]:
        """Nobody else is within such a block: raises AcceleratorError where somebody is."""
        if not self._running.acquire(blocking=False):
            raise AcceleratorError(otherwise)
        self._caller = threading.get_ident()
        try:
            yield
        finally:
            self._caller = None
            self._running.release()

    def _batch(self, batch: int | None, count: int) -> int:
        """Frames of a batch, as given or chosen."""
        most = self._transport.most
        if batch is None:
            largest = max(self._design.in_bytes, self._design.out_bytes)
            chosen = max(1, min(count, BATCH_BYTES // largest))
            return chosen if most is None else max(1, min(chosen, most))
        if isinstance(batch, bool) or not isinstance(batch, (int, np.integer)) or batch < 1:
            raise InputError(f"batch of {shown(batch)}; give an integer of 1 or more")
        if most is not None and batch > most:
            hint = f"the DMA core moves at most {most} frames at once"
            raise InputError(f"batch of {shown(batch)}; {hint}")
        return int(batch)

    def _given(self, job: Job, real: bool) -> Outputs:
        found = dict(job.outputs)
        if real:
            found = {each.name: each.real(found[each.name]) for each in self._design.outputs}
        return found if len(found) > 1 else next(iter(found.values()))

    # ------------------------------------------------------------ settings

    @property
    def timeout(self) -> float:
        """Seconds without a finished frame until it counts as stuck; set it to a number above 0."""
        return self._timeout

    @timeout.setter
    def timeout(self, value: float) -> None:
        self._timeout = _seconds(value)

    @property
    def quality(self) -> dict[str, int]:
        """Signed digits kept by node; set it to an integer for all units, or to some of them."""
        self._check_open()
        return self._quality.read()

    @quality.setter
    def quality(self, value: Digits | Mapping[str, Digits]) -> None:
        self._check_open()
        self._quality.write(value)

    def load_weights(self, path: Path | str) -> None:
        """Load weights between two frames, those of a `predict` of another thread too.

        Over a line that is refused, but `progress` may load. One load at a time: a second one is
        refused, as are `close` and a `predict` that would begin meanwhile. Raises WeightsError with
        nothing written; or, where the accelerator refuses a word, with some written. Then, and
        after whatever else ends it in its words, no frame runs until a load has ended well.
        """
        file = _path("weights", path)
        with self._core.load():
            self._check_open()
            self._check_line()
            self._core.errors()  # they stay known: the load clears that of an earlier one
            design, bus, alone = self._design, self._hardware.bus, self._core.undisturbed
            loading.load(file, design.accelerator, design.registers, bus, self._timeout, alone)

    def _check_line(self) -> None:
        """Refuse a load beside another thread that has the line: its frames would block it."""
        caller = self._caller
        if isinstance(self._hardware, Line) and caller not in (None, threading.get_ident()):
            hint = "wait until its predict has ended, or load by the `progress` of that"
            raise AcceleratorError(f"another thread uses the line; {hint}")

    def reset(self) -> None:
        """Drop all frames, clear the counters; quality and weights stay. Raises StuckError.

        A `predict` under way ends with an AcceleratorError; words that a load writes come first.
        """
        self._check_open()
        self._core.reset()

    # ------------------------------------------------------------ what is measured

    @property
    def counters(self) -> Counters:
        """What the hardware counts, since the last reset."""
        self._check_open()
        return self._core.counters()

    @property
    def errors(self) -> tuple[str, ...]:
        """Names of the errors since they were cleared, those that `predict` has raised too."""
        self._check_open()
        return tuple(self._core.errors())

    def clear_errors(self) -> None:
        """Forget all errors; words that a load of weights writes come first."""
        self._check_open()
        self._core.clear_errors()

    @property
    def throughput(self) -> Throughput | None:
        """Of the last `predict` that has ended well."""
        return self._throughput

    @property
    def clock_mhz(self) -> float:
        """The clock of the hardware: that of the plan, or the next below that the board makes."""
        return self._hardware.clock_mhz

    @property
    def power(self) -> Mapping[str, float] | None:
        """Watts by the name of a rail of the board; None where it measures none."""
        return self._hardware.watts()

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """Give all memory back; a second call does nothing. Refused beside a load of weights.

        Raises StuckError, with the memory kept, where the hardware does not come to rest: it could
        still write there. A line that `serial` has opened is closed even then.
        """
        otherwise = "a predict is under way; cancel it, or wait until it has ended"
        with self._alone(otherwise), self._core.without_load():
            if self._closed:
                return
            self._closed = self._line is not None
            with self._line or ExitStack():
                self._core.reset()
                self._closed = True
                self._transport.close()
                self._memory.close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; an error of the block is kept, with what `close` raises as a note."""
        try:
            self.close()
        except AcceleratorError as worse:
            if error is None:
                raise
            if hasattr(error, "add_note"):  # of Python 3.11
                error.add_note(f"closing it has failed, too: {worse}")

    def _check_open(self) -> None:
        if self._closed:
            raise AcceleratorError("the accelerator is closed; open it again")


def _seconds(value: object) -> float:
    """A timeout as given; raises InputError."""
    seconds = 0.0
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        try:
            seconds = float(value)
        except OverflowError:
            seconds = math.inf
    if not 0 < seconds < math.inf:
        hint = "give a finite number of seconds above 0"
        raise InputError(f"timeout of {shown(value)}; {hint}")
    return seconds


def _path(what: str, value: object) -> Path:
    """A path as given; raises InputError."""
    if isinstance(value, (str, os.PathLike)):
        with suppress(TypeError):  # one that is made of bytes
            return Path(value)
    raise InputError(f"{what} of {shown(value)}; give a path as a string or a pathlib.Path")


def _file(what: str, value: object, example: str) -> Path:
    """The path of a file as given; raises InputError where no file can have it."""
    path, possible = _path(what, value), False
    with suppress(UnicodeEncodeError):
        possible = bool(path.name) and b"\0" not in os.fsencode(path)
    if not possible:
        raise InputError(f"{what} of {shown(value)}; give the path of a file, such as {example}")
    return path
