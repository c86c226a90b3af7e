"""Saving and loading of any stage's frozen value: JSON for the structure, npz for the arrays.

Only the dataclasses listed in `_TYPES` are ever made; nothing from a file is executed.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from shiftloom.codegen import plan, qgraph, requant, values, windows
from shiftloom.codegen.boards import Board
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import json_bytes
from shiftloom.codegen.formats import FORMATS
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.values import Array

_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Board,
        QuantizedWeights,
        plan.EnginePlan,
        plan.FifoPlan,
        plan.LanePlan,
        plan.MacPlan,
        plan.OpPlan,
        plan.Plan,
        plan.RequantPlan,
        qgraph.ArgMax,
        qgraph.Concat,
        qgraph.Crop,
        qgraph.Gather,
        qgraph.Insert,
        qgraph.Mac,
        qgraph.QGraph,
        qgraph.QInput,
        qgraph.QNode,
        qgraph.QTensor,
        qgraph.Requantize,
        qgraph.ScaledAdd,
        qgraph.Table,
        qgraph.Upsample,
        qgraph.WindowReduce,
        requant.Certificate,
        requant.Requantization,
        values.IntType,
        windows.Window,
        *FORMATS,
    )
}


def _npz(arrays: dict[str, Array]) -> bytes:
    """An npz with fixed timestamps, sorted by digest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for digest in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[digest].data, allow_pickle=False)
            info = zipfile.ZipInfo(f"{digest}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content.getvalue())
    return buffer.getvalue()


NO_ARRAYS = _npz({})
"""The arrays of a value that holds none."""


def to_plain(value: Any, arrays: dict[str, Array]) -> Any:
    """Plain JSON data for a frozen value; arrays are collected by digest."""
    if isinstance(value, Array):
        arrays[value.digest] = value
        return {"array": value.digest}
    if is_dataclass(value) and not isinstance(value, type):
        data = {f.name: to_plain(getattr(value, f.name), arrays) for f in fields(value)}
        return {"$type": type(value).__name__, **data}
    if isinstance(value, tuple):
        return [to_plain(item, arrays) for item in value]
    if isinstance(value, np.integer | np.floating):
        return value.item()
    return value


def save(value: object) -> tuple[bytes, bytes]:
    """The value as (JSON, npz) bytes, the same for the same value."""
    arrays: dict[str, Array] = {}
    plain = to_plain(value, arrays)
    return json_bytes(plain), _npz(arrays)


_CORRUPT = (
    *(ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, MemoryError),
    *(RuntimeError, zipfile.BadZipFile, zlib.error, struct.error),
)
"""What json, zipfile and numpy raise on damaged bytes."""


def load(structure: bytes, arrays: bytes, source: str) -> Any:
    """The value that `save` wrote; raises ShiftloomError naming `source` if it is corrupt."""
    try:
        with np.load(io.BytesIO(arrays), allow_pickle=False) as archive:
            table = {name: Array(archive[name]) for name in archive.files}
        return _from_plain(json.loads(structure), table)
    except _CORRUPT as error:
        raise ShiftloomError(source, f"is corrupt ({error})", "build again") from error


def _from_plain(data: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(data, list):
        return tuple(_from_plain(item, arrays) for item in data)
    if not isinstance(data, dict):
        return data
    if set(data) == {"array"}:
        array = arrays[data["array"]]
        if array.digest != data["array"]:
            raise ValueError(f"array {data['array'][:12]} has another content")
        return array
    kind = _TYPES[data["$type"]]
    return kind(**{k: _from_plain(v, arrays) for k, v in data.items() if k != "$type"})
