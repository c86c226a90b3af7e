"""Seconds to compile LeNet-5 and to run MNIST's 10,000 test images through RTL and HLS C++.

Goals: RTL compiled in 60 s, 10,000 images in about 60 s on 2 cores. Run as
`python benchmarks/simulate.py [IMAGES]`; nothing is taken from a cache.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _lenet import lenet

from shiftloom import Config, build, flow, open_build, simulate_hls, simulate_rtl
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import Simulation

FEW = 16


def measure(label: str, run: Callable[[int], Simulation], images: int) -> None:
    """Print the seconds of the first run of a few images, which compiles, and of the full one."""
    start = time.perf_counter()
    run(FEW)
    compiled = time.perf_counter()
    result = run(images)
    seconds = time.perf_counter() - compiled
    cycles = (
        f", {result.interval * images / seconds / 1e6:.2f} M clocks/s" if result.interval else ""
    )
    print(f"{label}: compiled and {FEW} images in {compiled - start:.1f} s")
    print(f"{label}: {images} images in {seconds:.1f} s, {images / seconds:,.0f} a second{cycles}")
    print(f"{label}: {result.mismatches} mismatches")


def main() -> None:
    """Build, compile and run."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    frames, labels = flow.evaluation_set("lenet5")
    with tempfile.TemporaryDirectory() as folder:
        build(lenet(), Config(), Path(folder) / "lenet5")
        target, cache = open_build(Path(folder) / "lenet5"), Cache(Path(folder) / "cache")
        for label, simulate in (("RTL", simulate_rtl), ("HLS C++", simulate_hls)):
            measure(
                label,
                lambda count, simulate=simulate: simulate(
                    target, frames[:count], labels[:count], cache
                ),
                images,
            )


if __name__ == "__main__":
    main()
