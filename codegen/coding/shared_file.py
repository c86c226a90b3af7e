"""A float network's shared weights and its biases as a file: Deep Compression's result.

`docs/compressed-files.md` has the records byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator

from shiftloom.codegen.coding import container, reals, shared_record
from shiftloom.codegen.coding.container import Content, Kind, Record
from shiftloom.codegen.coding.fields import DAMAGED, Fields, reading
from shiftloom.codegen.coding.shared import SharedNetwork, SharedWeights
from shiftloom.codegen.graph import MAX_ELEMENTS
from shiftloom.codegen.values import Array


def shared_bytes(network: SharedNetwork) -> bytes:
    """The file of `network`; equal values give equal bytes.

    Raises ShiftloomError naming a node whose name or bias has no place in the file.
    """
    return container.write(Content.SHARED, records(network))


def records(network: SharedNetwork) -> Iterator[Record]:
    """The records of the file, in the order of the network."""
    for name, weights in network.weights.items():
        yield Record(Kind.SHARED, name, shared_record.encode(weights))
    for name, bias in network.biases.items():
        with reading(name):
            yield Record(Kind.BIAS, name, reals.encode(bias.data))


def read_shared(data: bytes, source: str) -> SharedNetwork:
    """The value that `shared_bytes` wrote, equal in every bit; at most 2^26 weights in all.

    Raises ShiftloomError naming `source`, the node and the field that does not fit.
    """
    weights: dict[str, SharedWeights] = {}
    biases: dict[str, Array] = {}
    room = MAX_ELEMENTS
    for record in container.read(data, source, Content.SHARED):
        with reading(f"{source}: {record.name}", DAMAGED):
            fields = Fields(record.body)
            if record.kind == Kind.BIAS:
                biases[record.name] = reals.decode(fields)
            else:
                weights[record.name] = shared_record.decode(fields, room)
                room -= weights[record.name].codes.data.size
            fields.end()
    return SharedNetwork(weights, biases)
