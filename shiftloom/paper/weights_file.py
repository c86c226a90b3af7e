"""Real weights of any file: .npz, .onnx, or a PyTorch state_dict. Nothing in a file is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models.arrays import opened

Weights = dict[str, npt.NDArray[np.floating[Any]]]
MAX_MAGNITUDE = float(np.finfo(np.float32).max)
KINDS = ".npz, .onnx, .pt or .pth"


def load(path: Path) -> Weights:
    """Weights by name: every array of real numbers with two axes or more, so no biases.

    Raises ShiftloomError for another kind of file, one that is damaged or larger than 1 GiB, one
    without weights, and for weights that are not finite in float32.
    """
    readers: dict[str, Callable[[Path], Mapping[str, npt.NDArray[Any]]]] = {
        ".npz": _npz,
        ".onnx": _onnx,
        ".pt": _state,
        ".pth": _state,
    }
    if path.suffix.lower() not in readers:
        raise ShiftloomError(str(path), f"suffix {path.suffix!r} is not read", f"give {KINDS}")
    if not path.is_file():
        raise ShiftloomError(str(path), "is not there", f"give the path of a {KINDS} file")
    arrays = readers[path.suffix.lower()](path)
    weights = {name: array for name, array in arrays.items() if _is_weight(array)}
    if not weights:
        raise ShiftloomError(
            str(path),
            f"holds {len(arrays)} arrays, none of real numbers with 2 axes or more",
            "give the weights of a float network",
        )
    for name, array in weights.items():
        _check(f"{path}: {name}", array)
    return weights


def _is_weight(array: npt.NDArray[Any]) -> bool:
    return array.ndim >= 2 and array.size > 0 and np.issubdtype(array.dtype, np.floating)


def _check(node: str, array: npt.NDArray[Any]) -> None:
    bad = np.argwhere(~(np.abs(array) <= MAX_MAGNITUDE))
    if len(bad):
        index = tuple(bad[0].tolist())
        raise ShiftloomError(
            node,
            f"has {array[index]} at {index}, {len(bad)} such values in all",
            f"every weight must be finite, at most {MAX_MAGNITUDE:.3g} in magnitude",
        )


def _npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    with opened(path, files.MAX_MODEL, "split it", "weights") as arrays:
        size = sum(array.nbytes for array in arrays.values())
        if size > files.MAX_MODEL:
            raise ShiftloomError(
                str(path), f"unpacks to more than {files.size(files.MAX_MODEL)}", "split it"
            )
        return {name: array.read() for name, array in arrays.items()}


def _onnx(path: Path) -> dict[str, npt.NDArray[Any]]:
    from shiftloom.codegen.frontends.onnx.load import array, load

    tensors = load(path).graph.initializer
    return {tensor.name: array(tensor, tensor.name) for tensor in tensors}


def _state(path: Path) -> dict[str, npt.NDArray[Any]]:
    from shiftloom.models.checkpoint import read_state

    real = {name: value for name, value in read_state(path).items() if value.is_floating_point()}
    return {name: value.double().numpy() for name, value in real.items()}
