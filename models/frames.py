"""Frames of the user's own: a .npy file of integers, or a .npz file of them and their labels."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models.splits import Images, Labels

FRAMES, LABELS = "x", "y"
"""Names of the arrays in a .npz file."""


def load(path: Path, shape: tuple[int, int, int]) -> tuple[Images, Labels | None]:
    """Raw frames [N, *shape] and their labels [N], None where the file has none.

    Arrays whose frames have as many elements as `shape` are reshaped. Raises ShiftloomError naming
    the file for anything but integers that fit.
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
    if frames.ndim < 2 or frames[:1].size != int(np.prod(shape)) or len(frames) == 0:
        expected = ", ".join(map(str, shape))
        raise ShiftloomError(str(path), f"frames of shape {frames.shape}", f"give [N, {expected}]")
    if labels is not None and labels.shape != frames.shape[:1]:
        raise ShiftloomError(
            str(path), f"labels of shape {labels.shape}", f"give one for each of {len(frames)}"
        )
    return frames.reshape(len(frames), *shape), labels


def _arrays(path: Path) -> dict[str, Images]:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {FRAMES: content}
        with content:
            return {name: content[name] for name in content.files}
    except OSError as error:
        raise ShiftloomError(str(path), f"cannot be read ({error})") from error
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        first = str(error).partition("\n")[0]
        raise ShiftloomError(
            str(path), f"is no .npy or .npz file of numbers ({first})", "save it with numpy.savez"
        ) from error
