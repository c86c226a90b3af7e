"""A quantized network's weights, biases and ranges as a file, without loss.

`docs/compressed-files.md` has the records byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from shiftloom.codegen.coding import container, reals, weights_record
from shiftloom.codegen.coding.container import Content, Kind, Record
from shiftloom.codegen.coding.fields import DAMAGED, Fields, reading
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Fitted, Range


def fitted_bytes(fitted: Fitted) -> bytes:
    """The file of `fitted`; equal values give equal bytes.

    Codes are Huffman coded where that is shorter, layer by layer. Raises ShiftloomError naming a
    node whose name, α or bias has no place in the file.
    """
    return container.write(Content.FITTED, _records(fitted))


def _records(fitted: Fitted) -> Iterator[Record]:
    for name, weights in fitted.weights.items():
        with reading(name):
            yield Record(Kind.WEIGHTS, name, weights_record.encode(weights))
    for name, bias in fitted.biases.items():
        with reading(name):
            yield Record(Kind.BIAS, name, reals.encode(bias.data))
    for name, known in fitted.ranges.items():
        with reading(name):
            yield Record(Kind.RANGE, name, _range_bytes(known))


def _range_bytes(known: Range) -> bytes:
    return bytes([known.signed]) + reals.encode(np.array([known.top], dtype=np.float64))


def _range(fields: Fields) -> Range:
    signed = fields.integer("B", "sign")
    if signed not in (0, 1):
        raise ShiftloomError("sign", f"is {signed}", "0: none, 1: signed")
    return Range(float(reals.decode(fields, 1).data[0]), bool(signed))


def read_fitted(data: bytes, source: str) -> Fitted:
    """The value that `fitted_bytes` wrote, equal in every bit; integers are int64.

    Raises ShiftloomError naming `source`, the node and the field that does not fit.
    """
    found: dict[Kind, dict[str, Any]] = {kind: {} for kind in _READERS}
    for record in container.read(data, source, Content.FITTED):
        with reading(f"{source}: {record.name}", DAMAGED):
            fields = Fields(record.body)
            found[record.kind][record.name] = _READERS[record.kind](fields)
            fields.end()
    return Fitted(*found.values())


_READERS: dict[Kind, Callable[[Fields], Any]] = {
    Kind.WEIGHTS: weights_record.decode,
    Kind.BIAS: reals.decode,
    Kind.RANGE: _range,
}
"""What makes the value of a record, in the order of `Fitted`."""
