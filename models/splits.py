"""What a loader of a data set takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation", "test", "calibration"]
Images = NDArray[Any]
"""Raw integers of the sensor [N, H, W, C]: uint8 or int8."""
Labels = NDArray[np.uint8]
Loader = Callable[[Split, Path | None], tuple[Images, Labels | None]]
"""Frames of a split and their labels, or None where the frames have no meaning."""
