"""Keyword spotting of MLPerf Tiny: 1,000 int8 MFCC maps of 49x10, 12 words (Speech Commands v2).

These are the accuracy set of the benchmark; its training recordings are no part of the data. So the
first 100 serve as calibration frames too: quote the accuracy of a network that was calibrated on
them on the other 900. A network that comes with its integers needs no calibration.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import folder
from shiftloom.models.splits import Images, Labels, Split

FILE = "mlperf-tiny/kws01_int8.npz"
SHA256 = "c633b9f2dfd77b71725065cf33ca1b9a985a23073e7620dc768f1bc3bc0b88af"
CALIBRATION = 100
"""Frames of the test set that are calibration frames as well, its first ones."""


def load(split: Split, data_dir: Path | None = None) -> tuple[Images, Labels]:
    """Maps int8 [N, 49, 10, 1] and labels uint8 [N], in the original order.

    Raises ShiftloomError for a file that is missing or not the original, and for the splits that
    do not exist.
    """
    if split not in ("test", "calibration"):
        raise ShiftloomError(f"KWS split {split!r}", "is not there", "use test or calibration")
    content = folder.read(folder.find(FILE, data_dir), SHA256)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        maps, labels = arrays["x"][..., np.newaxis], arrays["y"]
    last = CALIBRATION if split == "calibration" else None
    return maps[:last], labels[:last]
