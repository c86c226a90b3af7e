"""CIFAR-10 (Krizhevsky): 32x32 colour photographs of 10 classes, as PNG files of 1,000 images.

The data folder holds the 50,000 training images in their original order and the first 1,000 of the
10,000 test images, which are all that are used here: every accuracy is quoted on these. Calibration
takes the first 512 training images; settings are chosen on the last 5,000, the validation split, on
which no weight is trained.
"""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import folder
from shiftloom.models.splits import Images, Labels, Split

BATCH = 1000
RANGES: dict[Split, tuple[int, int]] = {
    "train": (0, 50_000),
    "validation": (45_000, 50_000),
    "test": (50_000, 51_000),
    "calibration": (0, 512),
}
"""First and last image of each split; the test images follow the training images."""


def load(split: Split, data_dir: Path | None = None) -> tuple[Images, Labels]:
    """Images [N, 32, 32, 3] and labels [N], both uint8, in the original order.

    Raises ShiftloomError for a file of the data folder that is missing or not the original.
    """
    first, last = RANGES[split]
    batches = range(first // BATCH, -(-last // BATCH))
    images = np.concatenate([_batch(index, data_dir) for index in batches])
    labels: Labels = np.load(io.BytesIO(_read("labels.npy", data_dir)), allow_pickle=False)
    start = batches[0] * BATCH
    return images[first - start : last - start], labels[first:last]


def _batch(index: int, data_dir: Path | None) -> Images:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ShiftloomError(
            "CIFAR-10", "is in PNG files, and Pillow is not there", "pip install shiftloom[data]"
        ) from error
    content = _read(f"cifar10_batch_{index}.png", data_dir)
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture).reshape(BATCH, 32, 32, 3)


def _read(name: str, data_dir: Path | None) -> bytes:
    return folder.read(folder.find(f"cifar10/{name}", data_dir), _digests()[name])


def _digests() -> dict[str, str]:
    """SHA-256 of every original file by its name."""
    listing = resources.files("shiftloom.models") / "data" / "cifar10" / "SHA256SUMS"
    rows = (line.split() for line in listing.read_text("ascii").splitlines())
    return {name: digest for digest, name in rows}
