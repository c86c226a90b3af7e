"""Gigabytes a second between NumPy arrays and the bytes of frames, on one core; the goal is 1.

Run as `python benchmarks/packing.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from shiftloom.host.frames import Tensor, checked, empty, filled_up, pack, unpack

FRAMES, SHAPE = 4096, (28, 28, 1)
BATCH = 256
GOAL = 1.0
REPEATS = 15


def main() -> None:
    """Measure and print."""
    print(f"{FRAMES} frames of {SHAPE}, {BATCH} a batch; the best of {REPEATS}, goal {GOAL:g} GB/s")
    for bits, dtype in ((8, np.uint8), (8, np.int64), (8, np.float32), (16, np.int16)):
        print(f"in   {bits:2} bits from {np.dtype(dtype).name:8} {_in(bits, dtype):7.2f} GB/s")
    for beat_bytes, bits in ((1, 8), (2, 16), (3, 24), (4, 32)):
        print(f"out  {8 * beat_bytes:2} bits a beat       {_out(beat_bytes, bits):7.2f} GB/s")


def _in(bits: int, dtype: type) -> float:
    """Bytes of frames a second, checks of the values included."""
    tensors = [Tensor("x", SHAPE, bits, bits == 16)]
    x = np.random.default_rng(1).integers(0, 256, (FRAMES, *SHAPE)).astype(dtype)
    out = np.zeros((BATCH, filled_up(tensors[0].nbytes)), np.uint8)

    def run() -> None:
        arrays = checked(tensors, x)
        for start in range(0, FRAMES, BATCH):
            pack(tensors, arrays, start, start + BATCH, out)

    return FRAMES * tensors[0].nbytes / _best(run)


def _out(beat_bytes: int, bits: int) -> float:
    """Bytes of beats a second."""
    tensors = [Tensor("y", SHAPE, bits, signed=True)]
    size = tensors[0].size * beat_bytes
    raw = np.random.default_rng(1).integers(0, 256, (BATCH, filled_up(size)), np.uint8)
    arrays = empty(tensors, FRAMES)

    def run() -> None:
        for start in range(0, FRAMES, BATCH):
            unpack(tensors, beat_bytes, raw, arrays, start)

    return FRAMES * size / _best(run)


def _best(run: Callable[[], None]) -> float:
    """Nanoseconds of the fastest of some runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    return float(min(times))


if __name__ == "__main__":
    main()
