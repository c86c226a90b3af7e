"""Seconds from the LeNet-5 checkpoint to a build folder of RTL and HLS C++; the goal is 10.

Run as `python benchmarks/generate.py`.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from _lenet import lenet, timed

from shiftloom import Config, build

GOAL = 10.0


def main() -> None:
    """Measure and print."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        with timed("load, calibrate, quantize"):
            quantized = lenet()
        with timed("schedule, lower, emit, write"):
            result = build(quantized, Config(), Path(folder) / "lenet5")
    total = time.perf_counter() - start
    files = [path for path in result.files if path.startswith(("rtl/", "hls/"))]
    print(f"{'RTL and HLS files':40} {len(files):8}")
    print(f"{'total, of the goal':40} {total:8.2f} s, {total / GOAL:.0%} of {GOAL:g} s")


if __name__ == "__main__":
    main()
