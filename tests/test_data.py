"""The shipped data against the original files, where a data folder is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shiftloom.models import mnist


def test_calibration_frames_are_the_first_training_images(data: Path) -> None:
    images, labels = mnist.load("train", data / "mnist")
    assert images.shape == (60_000, 28, 28, 1)
    frames, digits = mnist.load("calibration")
    assert np.array_equal(frames, images[: len(frames)])
    assert np.array_equal(digits, labels[: len(digits)])


def test_shipped_test_set_is_the_original(data: Path) -> None:
    for shipped, original in zip(
        mnist.load("test"), mnist.load("test", data / "mnist"), strict=True
    ):
        assert np.array_equal(shipped, original)
