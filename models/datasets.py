"""The data sets by name, as `Network.dataset` refers to them."""

from __future__ import annotations

from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import nearest
from shiftloom.models import cifar10, kws, mnist, noise
from shiftloom.models.splits import Images, Labels, Loader, Split

LOADERS: dict[str, Loader] = {
    "mnist": mnist.load,
    "cifar10": cifar10.load,
    "kws": kws.load,
    "noise_96x96x3": noise.loader((96, 96, 3)),
    "noise_224x224x3": noise.loader((224, 224, 3)),
    "noise_640": noise.loader((1, 1, 640)),
}
SHARED = {"kws": kws.CALIBRATION}
"""First test frames of a data set that are its calibration frames too."""


def load(name: str, split: Split, data_dir: Path | None = None) -> tuple[Images, Labels | None]:
    """Raw frames [N, H, W, C] and labels [N] of a data set's split; None for frames without any."""
    if name not in LOADERS:
        raise ShiftloomError(f"data set {name!r}", "is not known", nearest(name, LOADERS))
    return LOADERS[name](split, data_dir)
