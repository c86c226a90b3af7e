"""Arrays of .npy and .npz files, judged by their headers before any of them is read."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import files
from shiftloom.codegen.errors import ShiftloomError

_UNREADABLE = (
    *(ValueError, EOFError, KeyError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, MemoryError, OverflowError),
)


@dataclass(frozen=True, slots=True)
class Array:
    """An array in a file: what its header says, and how to open it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[], IO[bytes]]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes once it is read."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> npt.NDArray[Any]:
        """The numbers; raises ValueError for Python objects, which are never unpickled."""
        with self.open() as file:
            array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


class Arrays(Mapping[str, Array]):
    """The arrays of a file by name; a header is read when its array is asked for."""

    def __init__(self, sources: Mapping[str, Callable[[], IO[bytes]]]) -> None:
        self._sources = sources

    def __getitem__(self, name: str) -> Array:
        with self._sources[name]() as file:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
            else:
                raise ValueError(f"format {version}")
        return Array(shape, dtype, self._sources[name])

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __str__(self) -> str:
        return ", ".join(self)[:80] or "nothing"


@contextmanager
def opened(path: Path, limit: int, hint: str, lone: str) -> Iterator[Arrays]:
    """What is in a file of at most `limit` bytes; the array of a .npy file is named `lone`.

    Whatever reading it raises becomes a ShiftloomError that names the file.
    """
    files.check(path, limit, hint)
    try:
        with path.open("rb") as file:
            is_array = file.read(6) == np.lib.format.MAGIC_PREFIX
        if is_array:
            yield Arrays({lone: lambda: path.open("rb")})
            return
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            yield Arrays({n.removesuffix(".npy"): partial(archive.open, n) for n in names})
    except OSError as error:
        raise ShiftloomError(str(path), f"cannot be read ({error})", "check the path") from error
    except _UNREADABLE as error:
        first = str(error).partition("\n")[0]
        raise ShiftloomError(
            str(path), f"is no .npy or .npz file of numbers ({first})", "save it with numpy.savez"
        ) from error
