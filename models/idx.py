"""IDX, the format of the MNIST files: magic 00 00 08 n, n big-endian sizes, then uint8 data."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from shiftloom.codegen.errors import ShiftloomError

UINT8 = 0x08


def parse_gz(name: str, packed: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The uint8 array of `shape` in a gzipped IDX file's bytes.

    `name` is used in errors only. At most one byte more than `shape` needs is unpacked. Raises
    ShiftloomError for damaged gzip data, a wrong magic number, another shape, too few or too
    many bytes; each with what was expected and what was found.
    """
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, UINT8, len(shape), *shape)
    raw = _unpack(name, packed, len(header) + math.prod(shape) + 1)
    _check_header(name, raw, header, shape)
    found, expected = len(raw) - len(header), math.prod(shape)
    if found != expected:
        amount = f"only {found:,}" if found < expected else f"more than {expected:,}"
        raise ShiftloomError(name, f"holds {amount} data bytes, expected {expected:,}", _HINT)
    return np.frombuffer(bytearray(raw), np.uint8, offset=len(header)).reshape(shape)


_HINT = "get the original .gz file again"


def _unpack(name: str, packed: bytes, limit: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            return stream.read(limit)
    except (OSError, EOFError, zlib.error) as error:
        raise ShiftloomError(
            name, f"is truncated or not gzip data after {len(packed):,} bytes ({error})", _HINT
        ) from error


def _check_header(name: str, raw: bytes, header: bytes, shape: tuple[int, ...]) -> None:
    if raw[:4] != header[:4]:
        raise ShiftloomError(
            name, f"has magic number {raw[:4].hex()}, expected {header[:4].hex()}", _HINT
        )
    if len(raw) < len(header):
        raise ShiftloomError(
            name, f"ends inside its header of {len(header)} bytes, after {len(raw)}", _HINT
        )
    if raw[: len(header)] != header:
        sizes = struct.unpack_from(f">{len(shape)}I", raw, 4)
        raise ShiftloomError(name, f"holds an array of {sizes}, expected {shape}", _HINT)
