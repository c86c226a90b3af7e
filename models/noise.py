"""Frames without meaning, for networks of random weights: smooth noise, the same at every call."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shiftloom.models.splits import Images, Loader, Split

FRAMES: dict[Split, int] = {"train": 256, "validation": 64, "test": 64, "calibration": 32}
STEPS = 4
"""Each pixel is a mean of this many random pixels along each axis longer than 1."""


def loader(shape: tuple[int, int, int]) -> Loader:
    """A loader of unlabelled uint8 frames [N, *shape]; every split has frames of its own."""

    def load(split: Split, data_dir: Path | None = None) -> tuple[Images, None]:
        random = np.random.default_rng([list(FRAMES).index(split), *shape])
        frames = random.normal(size=(FRAMES[split], *shape))
        for axis in range(1, 4):
            if shape[axis - 1] > STEPS:
                frames = sum(np.roll(frames, step, axis) for step in range(STEPS)) / STEPS**0.5
        pixels: Images = np.clip(128 + 48 * frames, 0, 255).astype(np.uint8)
        return pixels, None

    return load
