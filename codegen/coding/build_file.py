"""The weights of a build as a file: what is loaded at run time, for the design it names.

`docs/compressed-files.md` has the records byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shiftloom.codegen.coding import container, integers, weights_record
from shiftloom.codegen.coding.container import Content, Kind, Record
from shiftloom.codegen.coding.fields import DAMAGED, Fields, reading
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.reloading import PHIS, BuildWeights, Constants, LayerWeights
from shiftloom.host.container import DESIGN_NAME

DIGEST_BYTES = 32
_LOADED = tuple(Qsq(phi) for phi in PHIS)
"""The formats of codes that are loaded: one α an output channel."""


def build_bytes(weights: BuildWeights) -> bytes:
    """The file of `weights`; equal values give equal bytes.

    Codes are Huffman coded where that is shorter, layer by layer. Raises ShiftloomError naming a
    node whose name, α, bias or multipliers have no place in the file.
    """
    return container.write(Content.BUILD, _records(weights))


def _records(weights: BuildWeights) -> Iterator[Record]:
    yield Record(Kind.DESIGN, DESIGN_NAME, bytes.fromhex(weights.digest))
    for name, layer in weights.layers.items():
        with reading(name):
            yield Record(Kind.WEIGHTS, name, weights_record.encode(layer.codes))
            yield Record(Kind.INTEGERS, name, integers.encode(layer.bias.data))
    for name, made in weights.constants.items():
        with reading(name):
            body = integers.encode(made.m.data) + integers.encode(made.offset.data)
            yield Record(Kind.CONSTANTS, name, bytes([made.shift]) + body)


def read_build(data: bytes, source: str) -> BuildWeights:
    """The value that `build_bytes` wrote, equal in every bit.

    Raises ShiftloomError naming `source`, the node and the field that does not fit.
    """
    found: dict[Kind, dict[str, Any]] = {kind: {} for kind in _READERS}
    for record in container.read(data, source, Content.BUILD):
        with reading(f"{source}: {record.name}", DAMAGED):
            if record.kind == Kind.DESIGN and record.name != DESIGN_NAME:
                raise ShiftloomError("name", "is no design's", f"use {DESIGN_NAME!r}")
            fields = Fields(record.body)
            found[record.kind][record.name] = _READERS[record.kind](fields)
            fields.end()
    digests, codes, biases = (found[k] for k in (Kind.DESIGN, Kind.WEIGHTS, Kind.INTEGERS))
    if not digests:
        raise ShiftloomError(source, "names no design", "it is for one build")
    if codes.keys() != biases.keys():
        (name, *_) = sorted(codes.keys() ^ biases.keys())
        raise ShiftloomError(f"{source}: {name}", "has no codes or no biases", DAMAGED)
    layers = {name: LayerWeights(codes[name], biases[name]) for name in codes}
    (digest,) = digests.values()
    return BuildWeights(digest, layers, found[Kind.CONSTANTS])


def _digest(fields: Fields) -> str:
    return fields.take(DIGEST_BYTES, "digest").hex()


def _codes(fields: Fields) -> QuantizedWeights:
    made = weights_record.decode(fields)
    if made.format not in _LOADED:
        raise ShiftloomError("format", f"{made.format} is none that is loaded", "use qsq")
    return made


def _constants(fields: Fields) -> Constants:
    shift = fields.integer("B", "shift")
    return Constants(integers.decode(fields), integers.decode(fields), shift)


_READERS = {
    Kind.DESIGN: _digest,
    Kind.WEIGHTS: _codes,
    Kind.INTEGERS: integers.decode,
    Kind.CONSTANTS: _constants,
}
"""What makes the value of a record."""
