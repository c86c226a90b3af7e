"""Frames of the user's own: a .npy file of integers, or a .npz file of them and their labels."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models.splits import Images, Labels

FRAMES, LABELS = "x", "y"
"""Names of the arrays in a .npz file."""
_UNREADABLE = (
    *(ValueError, EOFError, zipfile.BadZipFile, KeyError),
    *(MemoryError, OverflowError),  # a header that states a huge shape
)


def load(path: Path, shape: tuple[int, int, int]) -> tuple[Images, Labels | None]:
    """Raw frames [N, *shape] and their labels [N], None where the file has none.

    Flat frames, and those whose shape differs in axes of one element only, are reshaped. Raises
    ShiftloomError naming the file for anything but integers that fit.
    """
    arrays = _arrays(path)
    if FRAMES not in arrays:
        known = ", ".join(arrays) or "nothing"
        raise ShiftloomError(
            str(path), f"holds {known}", f"name the frames {FRAMES!r} and the labels {LABELS!r}"
        )
    frames, labels = arrays[FRAMES], arrays.get(LABELS)
    if not np.issubdtype(frames.dtype, np.integer):
        raise ShiftloomError(str(path), f"holds frames of {frames.dtype}", "give raw integers")
    if frames.ndim < 2 or frames.size == 0 or not _fits(frames.shape[1:], shape):
        expected = ", ".join(map(str, shape))
        raise ShiftloomError(str(path), f"frames of shape {frames.shape}", f"give [N, {expected}]")
    if labels is not None and labels.shape != frames.shape[:1]:
        raise ShiftloomError(
            str(path), f"labels of shape {labels.shape}", f"give one for each of {len(frames)}"
        )
    if labels is not None and not np.issubdtype(labels.dtype, np.integer):
        raise ShiftloomError(str(path), f"holds labels of {labels.dtype}", "give class numbers")
    return frames.reshape(len(frames), *shape), labels


def _fits(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    if len(given) == 1:
        return given[0] == math.prod(shape)
    return [n for n in given if n > 1] == [n for n in shape if n > 1]


def _arrays(path: Path) -> dict[str, Images]:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {FRAMES: content}
        with content:
            return {name: content[name] for name in content.files}
    except OSError as error:
        raise ShiftloomError(str(path), f"cannot be read ({error})") from error
    except _UNREADABLE as error:
        first = str(error).partition("\n")[0]
        raise ShiftloomError(
            str(path), f"is no .npy or .npz file of numbers ({first})", "save it with numpy.savez"
        ) from error
