"""Frames of the user's own: a .npy file of integers, or a .npz file of them and their labels.

The frames of several inputs are arrays by the inputs' names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Shape
from shiftloom.models.arrays import Array, Arrays, opened
from shiftloom.models.splits import Images, Labels

FRAMES, LABELS = "x", "y"
"""Names of the arrays in a .npz file."""
MAX_BYTES = 1 << 32
"""Of a file, and of the frames of an input."""
_FEWER = "give fewer frames"


def load(path: Path, shape: Shape) -> tuple[Images, Labels | None]:
    """Raw frames [N, *shape] and their labels [N], None where the file has none.

    Flat frames, and those whose shape differs in axes of one element only, are reshaped. Raises
    ShiftloomError naming the file for anything but integers that fit, before they are read.
    """
    with opened(path, MAX_BYTES, _FEWER, FRAMES) as arrays:
        if FRAMES not in arrays:
            raise ShiftloomError(
                str(path),
                f"holds {arrays}",
                f"name the frames {FRAMES!r} and the labels {LABELS!r}",
            )
        frames = _frames(path, "frames", arrays[FRAMES], shape)
        return frames, _labels(path, arrays, len(frames))


def load_inputs(path: Path, shapes: Mapping[str, Shape]) -> tuple[dict[str, Images], Labels | None]:
    """Raw frames of several inputs by name, as many of each, and their labels where there are any.

    Raises ShiftloomError naming the file, and the input that is missing or does not fit.
    """
    with opened(path, MAX_BYTES, _FEWER, FRAMES) as arrays:
        for name in shapes:
            if name not in arrays:
                problem = f"holds {arrays}, no frames of the input {name!r}"
                raise ShiftloomError(str(path), problem, f"save arrays {', '.join(shapes)}")
        frames = {name: _frames(path, name, arrays[name], shape) for name, shape in shapes.items()}
        counts = {name: len(x) for name, x in frames.items()}
        if len(set(counts.values())) > 1:
            given = ", ".join(f"{count} of {name}" for name, count in counts.items())
            raise ShiftloomError(str(path), f"holds {given}", "give as many frames of every input")
        labels = None if LABELS in shapes else _labels(path, arrays, min(counts.values()))
        return frames, labels


def check_labels(where: str, labels: Labels, count: int, classes: int) -> None:
    """Refuse labels that are no integers, not one for each of `count` frames, or no class."""
    _check_kind(where, labels, count)
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise ShiftloomError(
            where,
            f"label {labels[wrong[0]]} of frame {wrong[0]}",
            f"the network tells apart 0 to {classes - 1}",
        )


def _check_kind(where: str, labels: Labels | Array, count: int) -> None:
    if labels.shape != (count,):
        raise ShiftloomError(
            where, f"labels of shape {labels.shape}", f"give one for each of {count}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ShiftloomError(where, f"holds labels of {labels.dtype}", "give class numbers")


def _frames(path: Path, name: str, found: Array, shape: Shape) -> Images:
    """The frames as [N, *shape]."""
    if not np.issubdtype(found.dtype, np.integer):
        raise ShiftloomError(str(path), f"holds {name} of {found.dtype}", "give raw integers")
    if len(found.shape) < 2 or 0 in found.shape or not _fits(found.shape[1:], shape):
        expected = ", ".join(map(str, shape))
        raise ShiftloomError(str(path), f"{name} of shape {found.shape}", f"give [N, {expected}]")
    if found.nbytes > MAX_BYTES:
        problem = f"{name} of shape {found.shape} take more than {files.size(MAX_BYTES)}"
        raise ShiftloomError(str(path), problem, _FEWER)
    return found.read().reshape(-1, *shape)


def _labels(path: Path, arrays: Arrays, count: int) -> Labels | None:
    if LABELS not in arrays:
        return None
    found = arrays[LABELS]
    _check_kind(str(path), found, count)
    return found.read()


def _fits(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    if len(given) == 1:
        return given[0] == math.prod(shape)
    return [n for n in given if n > 1] == [n for n in shape if n > 1]
