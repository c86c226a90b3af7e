"""LeNet-5 as the benchmarks take it: the shipped weights, quantized with the default settings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shiftloom import Config, Quantized, flow, load_network, quantize


def lenet() -> Quantized:
    """The quantized network."""
    return quantize(load_network("lenet5"), flow.calibration_frames("lenet5"), Config())


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took."""
    start = time.perf_counter()
    yield
    print(f"{what:40} {time.perf_counter() - start:8.2f} s")
