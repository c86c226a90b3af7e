"""Frames of the user's own: a .npy file of integers, or a .npz file of them and their labels.

The frames of several inputs are arrays by the inputs' names.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import Shape
from shiftloom.models.splits import Images, Labels

FRAMES, LABELS = "x", "y"
"""Names of the arrays in a .npz file."""
_UNREADABLE = (
    *(ValueError, EOFError, zipfile.BadZipFile, KeyError),
    *(MemoryError, OverflowError),  # a header that states a huge shape
)


def load(path: Path, shape: Shape) -> tuple[Images, Labels | None]:
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
    frames = _checked(path, "frames", arrays[FRAMES], shape)
    return frames, _labels(path, arrays, len(frames))


def load_inputs(path: Path, shapes: Mapping[str, Shape]) -> tuple[dict[str, Images], Labels | None]:
    """Raw frames of several inputs by name, as many of each, and their labels where there are any.

    Raises ShiftloomError naming the file, and the input that is missing or does not fit.
    """
    arrays = _arrays(path)
    for name in shapes:
        if name not in arrays:
            known = ", ".join(arrays) or "nothing"
            problem = f"holds {known}, no frames of the input {name!r}"
            raise ShiftloomError(str(path), problem, f"save arrays {', '.join(shapes)}")
    frames = {name: _checked(path, name, arrays[name], shape) for name, shape in shapes.items()}
    counts = {name: len(x) for name, x in frames.items()}
    if len(set(counts.values())) > 1:
        given = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ShiftloomError(str(path), f"holds {given}", "give as many frames of every input")
    rest = {name: array for name, array in arrays.items() if name not in shapes}
    return frames, _labels(path, rest, min(counts.values()))


def _checked(path: Path, name: str, frames: Images, shape: Shape) -> Images:
    """The frames as [N, *shape]."""
    if not np.issubdtype(frames.dtype, np.integer):
        raise ShiftloomError(str(path), f"holds {name} of {frames.dtype}", "give raw integers")
    if frames.ndim < 2 or frames.size == 0 or not _fits(frames.shape[1:], shape):
        expected = ", ".join(map(str, shape))
        raise ShiftloomError(str(path), f"{name} of shape {frames.shape}", f"give [N, {expected}]")
    return frames.reshape(len(frames), *shape)


def _labels(path: Path, arrays: Mapping[str, Images], count: int) -> Labels | None:
    labels = arrays.get(LABELS)
    if labels is not None and labels.shape != (count,):
        raise ShiftloomError(
            str(path), f"labels of shape {labels.shape}", f"give one for each of {count}"
        )
    if labels is not None and not np.issubdtype(labels.dtype, np.integer):
        raise ShiftloomError(str(path), f"holds labels of {labels.dtype}", "give class numbers")
    return labels


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
