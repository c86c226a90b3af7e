"""Seconds to compile LeNet-5 and to run MNIST's 10,000 test images through RTL and HLS C++.

Goals: RTL compiled in 60 s, 10,000 images in about 60 s on 2 cores. Run as
`python benchmarks/simulate.py [IMAGES]`; nothing is taken from a cache.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _lenet import lenet

from shiftloom import Config, build, flow, open_build, simulate_hls, simulate_rtl
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import Simulation

FEW = 16
Data = tuple[flow.Frames, flow.Frames]
Run = Callable[[flow.Frames, flow.Frames], Simulation]


def measure(label: str, run: Run, data: Data, images: int) -> None:
    """Print the seconds of the first run of a few images, which compiles, and of the full one."""
    frames, labels = data
    start = time.perf_counter()
    run(frames[:FEW], labels[:FEW])
    compiled = time.perf_counter()
    result = run(frames[:images], labels[:images])
    seconds = time.perf_counter() - compiled
    clocks = result.interval * images
    rate = f", {clocks / seconds / 1e6:.2f} M clocks/s" if clocks else ""
    print(f"{label}: compiled and {FEW} images in {compiled - start:.1f} s")
    print(f"{label}: {images} images in {seconds:.1f} s, {images / seconds:,.0f} a second{rate}")
    print(f"{label}: {result.mismatches} mismatches")


def main() -> None:
    """Build, compile and run."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    data = flow.evaluation_set("lenet5")
    with tempfile.TemporaryDirectory() as folder:
        build(lenet(), Config(), Path(folder) / "lenet5")
        target, cache = open_build(Path(folder) / "lenet5"), Cache(Path(folder) / "cache")
        measure("RTL", partial(simulate_rtl, target, cache=cache), data, images)
        measure("HLS C++", partial(simulate_hls, target, cache=cache), data, images)


if __name__ == "__main__":
    main()
