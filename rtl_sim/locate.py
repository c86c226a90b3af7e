"""Finds the first wrong number on a design's internal streams, and keeps what reproduces it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.engine import Trace


@dataclass(frozen=True, slots=True)
class Stream:
    """What a probe carries: the result of `node`, `shape` = (H, W, C) a frame, channels innermost.

    A beat packs `elements` numbers of `bits` bits each, the first in the low bits.
    """

    probe: str
    node: str
    shape: tuple[int, int, int]
    elements: int
    bits: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first number that differs: where, when, and both values.

    `got` and `cycle` are None where the stream ended too early, `expected` is None where it went
    on too long.
    """

    node: str
    probe: str
    frame: int
    y: int
    x: int
    channel: int
    cycle: int | None
    expected: int | None
    got: int | None

    def __str__(self) -> str:
        """One line for a person."""
        when = "nothing came" if self.cycle is None else f"cycle {self.cycle}: got {self.got}"
        wanted = "nothing more" if self.expected is None else self.expected
        at = f"(y {self.y}, x {self.x}, channel {self.channel})"
        return f"{self.node}: frame {self.frame} {at} on {self.probe}, {when}, expected {wanted}"


def first_mismatch(
    traces: Mapping[str, Trace],
    streams: Sequence[Stream],
    expected: Mapping[str, NDArray[np.int64]],
) -> Mismatch | None:
    """The first mismatch on `streams`, given in topological order; None where all agree.

    `expected` holds the numbers of each probe, [H, W, C] or [frames, H, W, C]. A wrong number on
    any stream is named before a missing one, because a unit that stops also stops the units
    before it; of streams that lack beats, one whose producer offers nothing is named first.
    """
    for stream in streams:
        found = _wrong_value(traces[stream.probe], stream, expected[stream.probe])
        if found is not None:
            return found
    short = [s for s in streams if _is_short(traces[s.probe], s, expected[s.probe])]
    if not short:
        return None
    stream = next((s for s in short if not traces[s.probe].offered), short[0])
    beats = len(traces[stream.probe].data)
    return _mismatch(stream, beats * stream.elements, None, expected[stream.probe], None)


def unpack(data: NDArray[np.uint8], elements: int, bits: int, signed: bool) -> NDArray[np.int64]:
    """The numbers in packed beats, uint8 [beats, bytes], in stream order: [beats * elements]."""
    flat = np.unpackbits(data, axis=1, bitorder="little")[:, : elements * bits]
    planes = flat.reshape(-1, bits).astype(np.int64)
    weights = np.int64(1) << np.arange(bits, dtype=np.int64)
    if signed:
        weights[-1] = -weights[-1]
    return planes @ weights


def write_reproducer(
    folder: Path,
    mismatch: Mismatch,
    frames: Mapping[str, NDArray[Any]],
    expected: NDArray[np.int64],
    got: NDArray[np.int64],
    command: str,
) -> Path:
    """Keep what shows `mismatch` again in `folder`, replacing what was there, all or nothing.

    `case.npz` holds the `frames` of each input as `frames_<name>`, and the numbers `expected` and
    `got` on the stream; `README.txt` says what is wrong and holds the `command` that runs it again.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    arrays: dict[str, Any] = {f"frames_{name}": x for name, x in frames.items()}
    np.savez_compressed(partial / "case.npz", **arrays, expected=expected, got=got)
    text = (
        f"{mismatch}\n\ncase.npz holds the raw frames `frames_<input>`, and the numbers\n"
        f"`expected` and `got` on the stream {mismatch.probe}.\n\nRun it again with:\n\n"
        f"    {command}\n"
    )
    (partial / "README.txt").write_text(text, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    return partial.rename(folder)


def _wrong_value(trace: Trace, stream: Stream, expected: NDArray[np.int64]) -> Mismatch | None:
    """The first number that is there and should differ, or should not be there."""
    _check(stream, expected)
    got = unpack(trace.data, stream.elements, stream.bits, stream.signed)
    wanted = expected.reshape(-1)
    common = min(len(got), len(wanted))
    wrong = np.flatnonzero(got[:common] != wanted[:common])
    if not len(wrong) and len(got) <= len(wanted):
        return None
    index = int(wrong[0]) if len(wrong) else len(wanted)
    cycle = int(trace.cycles[index // stream.elements])
    return _mismatch(stream, index, cycle, expected, int(got[index]))


def _is_short(trace: Trace, stream: Stream, expected: NDArray[np.int64]) -> bool:
    return len(trace.data) * stream.elements < expected.size


def _mismatch(
    stream: Stream, index: int, cycle: int | None, expected: NDArray[np.int64], got: int | None
) -> Mismatch:
    """Name the place of the number `index` in stream order."""
    height, width, channels = stream.shape
    pixel, channel = divmod(index, channels)
    row, x = divmod(pixel, width)
    frame, y = divmod(row, height)
    wanted = int(expected.reshape(-1)[index]) if index < expected.size else None
    return Mismatch(stream.node, stream.probe, frame, y, x, channel, cycle, wanted, got)


def _check(stream: Stream, expected: NDArray[np.int64]) -> None:
    """Refuse expected numbers that cannot be the stream's."""
    if expected.shape[-3:] != stream.shape or expected.ndim not in (3, 4):
        raise ShiftloomError(
            stream.node,
            f"expected numbers are {list(expected.shape)}",
            f"give [{', '.join(map(str, stream.shape))}], or frames of these",
        )
    if expected.size % stream.elements:
        raise ShiftloomError(
            stream.node,
            f"{expected.size} numbers do not fill beats of {stream.elements}",
            "give the elements a beat of the stream",
        )
