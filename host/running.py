"""Many frames through the accelerator: packing, running and unpacking of batches overlap."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from shiftloom.host.core import Core
from shiftloom.host.description import Description
from shiftloom.host.errors import AcceleratorError, HardwareError, StuckError
from shiftloom.host.frames import Arrays, pack, unpack
from shiftloom.host.hardware import SLOTS, Transport
from shiftloom.host.registers import WORD

Progress = Callable[[int, int], None]
"""Is told how many frames are done, and how many there are."""
LEAST_PAUSE, MOST_PAUSE = 20e-6, 1e-3
"""Seconds between two looks at a batch under way: twice as long each time."""


@dataclass(frozen=True)
class Job:
    """`count` frames in batches of `batch`: checked inputs, arrays for the outputs."""

    inputs: Arrays
    outputs: Arrays
    count: int
    batch: int
    progress: Progress | None

    @property
    def batches(self) -> int:
        """How many there are."""
        return -(-self.count // self.batch)

    def span(self, number: int) -> tuple[int, int]:
        """The first frame of a batch, and that behind its last one."""
        return number * self.batch, min(self.count, (number + 1) * self.batch)


class Run:
    """One job under way. `seconds` without any sign of life count as stuck."""

    def __init__(
        self, core: Core, transport: Transport, design: Description, job: Job, seconds: float
    ) -> None:
        self._core, self._transport, self._design, self._job = core, transport, design, job
        self._seconds = seconds
        self._submitted = self._collected = self._resets = self._frames = 0

    def steps(self) -> Generator[float, None, None]:
        """Do it all; yields, where there is nothing to do but wait, how long it may be, in seconds.

        Whatever ends it early, closing the iterator too, resets the accelerator. Raises StuckError
        and HardwareError naming the batch, those of this reset too.
        """
        try:
            self._resets = self._core.resets
            self._frames = self._core.registers.read("FRAMES")
            self._transport.begin()
            for number in range(self._job.batches):
                yield from self._collect(number - SLOTS + 1)
                self._pack(number)
                yield from self._finished(number - self._transport.depth + 1)
                self._submit(number)
            for number in range(self._job.batches):
                yield from self._collect(number + 1)
        except BaseException as error:
            self._reset(error)
            raise

    def _reset(self, error: BaseException) -> None:
        """Reset the accelerator; where that fails, say at which batch."""
        try:
            self._core.reset()
        except AcceleratorError as worse:
            count = min(self._collected + 1, self._job.batches)
            raise type(worse)(f"{self._named(count)}: {worse}") from error

    def _pack(self, number: int) -> None:
        start, stop = self._job.span(number)
        cells = self._transport.input(number % SLOTS)
        pack(self._design.inputs, self._job.inputs, start, stop, cells)

    def _submit(self, number: int) -> None:
        self._check_reset(number + 1)
        start, stop = self._job.span(number)
        self._transport.submit(number % SLOTS, stop - start)
        self._submitted += 1

    def _collect(self, count: int) -> Generator[float, None, None]:
        """Unpack the results of the first `count` batches, once they are there."""
        while self._collected < count:
            yield from self._finished(self._collected + 1)
            start, stop = self._job.span(self._collected)
            rows = self._transport.output(self._collected % SLOTS, stop - start)
            unpack(self._design.outputs, self._design.beat_bytes, rows, self._job.outputs, start)
            self._collected += 1
            if self._job.progress is not None:
                self._job.progress(stop, self._job.count)

    def _finished(self, count: int) -> Generator[float, None, None]:
        """Wait until the first `count` batches have finished."""
        if count <= self._collected:
            return
        pause, since, seen = 0.0, time.monotonic(), -1
        while self._done(count) < count:
            self._core.check(f"{self._named(count)} or a later one")
            frames, now = self._core.registers.read("FRAMES"), time.monotonic()
            if frames != seen or self._core.loading:
                seen, since = frames, now
            elif now - since > self._seconds:
                self._check_loaded(count)
                raise self._stuck(count)
            yield pause
            pause = min(max(2 * pause, LEAST_PAUSE), MOST_PAUSE)
        self._core.check(f"{self._named(count)} or a later one")
        self._check_frames(count)

    def _check_frames(self, count: int) -> None:
        """Refuse batches that have finished without their frames: these are other registers."""
        least, most = self._job.span(count - 1)[1], self._job.span(self._submitted - 1)[1]
        grown = (self._core.registers.read("FRAMES") - self._frames) & WORD
        self._check_reset(count)
        if (grown - least) & WORD > most - least:
            frames = f"{least}" if least == most else f"{least} to {most}"
            hint = "take registers.json and bit file from one build, and run one program only"
            raise HardwareError(
                f"{self._named(count)}: FRAMES has grown by {grown}, not by {frames}; {hint}"
            )

    def _done(self, count: int) -> int:
        """Batches that have finished; more than there are is the mark of a reset."""
        self._check_reset(count)
        try:
            found = self._transport.done()
        except HardwareError as error:
            raise type(error)(f"{self._named(count)}: {error}") from error
        if found > self._submitted:
            hint = "only one program may use the accelerator"
            raise HardwareError(f"{self._named(count)}: something else has reset it; {hint}")
        return found

    def _check_reset(self, count: int) -> None:
        if self._core.resets != self._resets:
            hint = "call predict again"
            raise AcceleratorError(f"{self._named(count)}: the accelerator was reset; {hint}")

    def _check_loaded(self, count: int) -> None:
        """Say so where a load of weights that has failed keeps frames from running."""
        try:
            self._core.check_loaded()
        except HardwareError as error:
            raise type(error)(f"{self._named(count)}: {error}") from error

    def _named(self, count: int) -> str:
        start, stop = self._job.span(count - 1)
        return f"batch {count} of {self._job.batches} (frames {start} to {stop - 1})"

    def _stuck(self, count: int) -> StuckError:
        return StuckError(
            f"{self._named(count)}: no frame has finished for {self._seconds:g} s "
            f"({self._core.state()}); it was reset; give a longer `timeout` if a frame may take so "
            "long, else check the clock of the board"
        )
