"""The data sets by name, as `Network.dataset` refers to them."""

from __future__ import annotations

from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import nearest
from shiftloom.models import mnist
from shiftloom.models.mnist import Images, Labels, Split

LOADERS = {"mnist": mnist.load}


def load(name: str, split: Split, data_dir: Path | None = None) -> tuple[Images, Labels]:
    """Raw frames uint8 [N, H, W, C] and labels [N] of a data set's split."""
    if name not in LOADERS:
        raise ShiftloomError(f"data set {name!r}", "is not known", nearest(name, LOADERS))
    return LOADERS[name](split, data_dir)
