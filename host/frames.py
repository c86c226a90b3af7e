"""Frames between NumPy arrays and bytes: the one place that knows how they lie.

An input frame is its elements, of 8 or 16 bits with the low byte first, the inputs one behind the
other. An output frame is its beats, an element each, which take whole bytes with the low byte
first, the outputs one behind the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from shiftloom.host.errors import InputError

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[Any]
Arrays = Mapping[str, Ints]
"""By the name of a tensor, its elements [N, ...]."""
Given = npt.ArrayLike | Mapping[str, npt.ArrayLike]
"""The frames of a single input, or those of every input by name."""
ALIGNMENT = 8
"""Bytes to a multiple of which a frame is filled up in memory and in streams."""
_LONG = 1e20
_BLOCK = 1 << 18
"""Elements whose values are looked at together, so that they stay in a cache."""


@dataclass(frozen=True)
class Tensor:
    """Integers q that stand for scale * (q - zero); `scale` has one number, or one a channel."""

    name: str
    shape: tuple[int, ...]
    bits: int
    signed: bool
    scale: tuple[float, ...] = (1.0,)
    zero: float = 0.0

    @property
    def size(self) -> int:
        """Elements a frame."""
        return math.prod(self.shape)

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest value."""
        half = 1 << self.bits >> 1
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type of NumPy that holds all values."""
        return _dtype(next(n for n in (1, 2, 4, 8) if 8 * n >= self.bits), self.signed)

    @property
    def nbytes(self) -> int:
        """Bytes a frame in the type of NumPy, which are those of an input frame."""
        return self.size * self.dtype.itemsize

    def real(self, q: Ints) -> npt.NDArray[np.float64]:
        """The real numbers that integers [N, ...] stand for."""
        numbers: npt.NDArray[np.float64] = (q.astype(np.float64) - self.zero) * np.array(self.scale)
        return numbers


def _dtype(size: int, signed: bool) -> np.dtype[Any]:
    return np.dtype(f"<{'i' if signed else 'u'}{size}")


def filled_up(size: int) -> int:
    """Bytes that a frame of `size` bytes takes in memory."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def checked(tensors: Sequence[Tensor], given: Given) -> dict[str, Ints]:
    """All inputs as arrays that `pack` takes, without a copy; raises InputError naming the input.

    Floats pass where they are whole numbers.
    """
    if not isinstance(given, Mapping):
        if len(tensors) != 1:
            names = ", ".join(each.name for each in tensors)
            raise InputError(f"the design has {len(tensors)} inputs; give a mapping with {names}")
        given = {tensors[0].name: given}
    unknown = sorted(set(given) - {each.name for each in tensors}, key=str)
    if unknown:
        names = ", ".join(each.name for each in tensors)
        raise InputError(f"no input is named {unknown[0]!r}; there are {names}")
    arrays = {each.name: _fitting(each, given.get(each.name)) for each in tensors}
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise InputError(f"inputs of different length: {listed}; give as many frames of each")
    return arrays


def _fitting(tensor: Tensor, given: npt.ArrayLike | None) -> Ints:
    expected = f"[N, {', '.join(map(str, tensor.shape))}]"
    if given is None:
        raise InputError(f"{tensor.name}: has no frames; give integers {expected}")
    try:
        array: Ints = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{tensor.name}: is no array; give integers {expected}") from error
    if array.ndim == 0 or array.shape[1:] != tensor.shape:
        found = list(array.shape)
        raise InputError(f"{tensor.name}: has shape {found}; give integers {expected}")
    if array.dtype.kind not in "iuf":
        raise InputError(f"{tensor.name}: has elements of {array.dtype}; give integers {expected}")
    low, high = tensor.limits
    if array.dtype.kind in "iu":
        kind = np.iinfo(array.dtype)
        if low <= kind.min and kind.max <= high:
            return array
    step = max(1, _BLOCK // tensor.size)
    for start in range(0, len(array), step):
        _check_values(tensor, array[start : start + step])
    return array


def _check_values(tensor: Tensor, part: Ints) -> None:
    """Refuse what is no whole number (NaN neither), or beyond the limits of the tensor."""
    if part.dtype.kind == "f":
        broken = part[~(np.isfinite(part) & (np.floor(part) == part))]
        if broken.size:
            raise InputError(
                f"{tensor.name}: has a value of {broken[0]}, which is no whole number; "
                "round, or give the integers that the network was calibrated with"
            )
    (low, high), least, greatest = tensor.limits, part.min(), part.max()
    if int(least) < low or int(greatest) > high:
        wrong = _shown(least if int(least) < low else greatest)
        sign = "signed" if tensor.signed else "unsigned"
        raise InputError(
            f"{tensor.name}: has a value of {wrong}; {tensor.bits} bits {sign} hold {low} to {high}"
        )


def _shown(value: Any) -> str:
    """A whole number of NumPy with all its digits, a very large one as a power of 10."""
    return str(int(value)) if abs(float(value)) < _LONG else str(value)


def pack(tensors: Sequence[Tensor], arrays: Arrays, start: int, stop: int, out: Bytes) -> None:
    """Write the checked frames from `start` to `stop` into out [stop - start or more, bytes].

    A row of `out` may be longer than a frame: what is behind it stays as it is.
    """
    at = 0
    for tensor in tensors:
        part = arrays[tensor.name][start:stop]
        cells = _viewed(out[: len(part), at : at + tensor.nbytes], tensor.dtype)
        np.copyto(cells.reshape(part.shape), part, casting="unsafe")
        at += tensor.nbytes


def _viewed(rows: Ints, dtype: np.dtype[Any]) -> Ints:
    """`rows.view(dtype)` of rows that need not lie one behind the other, as before NumPy 1.23."""
    row: Ints = rows[:1].view(dtype)
    return as_strided(row, (len(rows), row.shape[1]), (rows.strides[0], row.strides[1]))


def empty(tensors: Sequence[Tensor], count: int) -> dict[str, Ints]:
    """Arrays for `count` frames of every tensor, to be filled by `unpack`."""
    return {each.name: np.empty((count, *each.shape), each.dtype) for each in tensors}


def unpack(
    tensors: Sequence[Tensor], beat_bytes: int, raw: Bytes, arrays: Arrays, start: int
) -> None:
    """Read the frames raw [n, bytes or more] into `arrays` from frame `start` on.

    The arrays are contiguous, of any integer type; one smaller than a beat takes its low bytes.
    """
    at = 0
    for tensor in tensors:
        end = at + tensor.size * beat_bytes
        cells = arrays[tensor.name][start : start + len(raw)].reshape(len(raw), tensor.size)
        widen(raw[:, at:end], beat_bytes, tensor.signed, cells)
        at = end


def widen(raw: Bytes, beat_bytes: int, signed: bool, out: Ints) -> None:
    """Read raw [n, count * beat_bytes], elements of whole bytes, into out [n, count]."""
    if beat_bytes in (1, 2, 4, 8):
        np.copyto(out, _viewed(raw, _dtype(beat_bytes, signed)), casting="unsafe")
        return
    size = out.dtype.itemsize
    lacking = max(0, size - beat_bytes)
    cells = _viewed(out, np.dtype(np.uint8)).reshape(*out.shape, size)
    cells[..., :lacking] = 0
    for byte in range(size - lacking):
        cells[..., lacking + byte] = raw[:, byte::beat_bytes]
    if lacking:
        elements = out.view(_dtype(size, signed))
        elements >>= 8 * lacking
