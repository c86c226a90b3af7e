"""Shared weights as the body of a record: shape, widths, centroids, steps, codes."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

from shiftloom.codegen.coding import reals, sparse, symbols
from shiftloom.codegen.coding.fields import Fields
from shiftloom.codegen.coding.shared import MAX_SHARE_BITS, SharedWeights
from shiftloom.codegen.coding.symbols import Measure
from shiftloom.codegen.coding.weights_record import pack_shape, take_shape
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats.format import Codes
from shiftloom.codegen.values import Array

MAX_STEP_BITS = 8


@dataclass(frozen=True, slots=True)
class Entries:
    """A layer's weights and fillers in order: the steps to them, less 1, and their codes."""

    steps: Codes
    codes: Codes
    step_bits: int
    code_bits: int

    def measures(self) -> tuple[Measure, Measure]:
        """What the steps and the codes take."""
        return symbols.measure(self.steps, self.step_bits), symbols.measure(
            self.codes, self.code_bits
        )


def entries(weights: SharedWeights) -> Entries:
    """The entries at the width of steps, up to 8 bits, that takes the fewest bytes."""
    return min(
        (_entries(weights, bits) for bits in range(MAX_STEP_BITS + 1)),
        key=lambda made: sum(measure.bytes for measure in made.measures()),
    )


def _entries(weights: SharedWeights, step_bits: int) -> Entries:
    flat = weights.codes.data.reshape(-1)
    places = np.flatnonzero(flat)
    steps, is_weight = sparse.steps(places, step_bits)
    codes = np.zeros(len(steps), dtype=np.uint16)
    codes[is_weight] = flat[places]
    return Entries(steps, codes, step_bits, weights.bits)


def encode(weights: SharedWeights) -> bytes:
    """The body."""
    made = entries(weights)
    return b"".join(
        [
            pack_shape(weights.codes.data.shape),
            struct.pack("<BBH", weights.bits, made.step_bits, len(weights.centroids.data)),
            reals.encode(weights.centroids.data),
            struct.pack("<I", len(made.steps)),
            symbols.encode(made.steps, made.step_bits),
            symbols.encode(made.codes, made.code_bits),
        ]
    )


def decode(fields: Fields, room: int) -> SharedWeights:
    """The weights that `encode` wrote, at most `room`; raises ShiftloomError naming the field."""
    shape = take_shape(fields, room)
    bits = _width(fields, "bits of codes", 1, MAX_SHARE_BITS)
    step_bits = _width(fields, "bits of steps", 0, MAX_STEP_BITS)
    centroids = reals.decode(fields, fields.integer("H", "centroids"))
    if centroids.data.dtype != np.float32:
        raise ShiftloomError("centroids", f"are {centroids.data.dtype}", "they must be float32")
    count = fields.integer("I", "entries")
    if count > 8 * fields.left:
        raise ShiftloomError(
            "entries", f"{count:,} in {fields.left:,} bytes", "an entry takes a bit or more"
        )
    places = sparse.places(symbols.decode(fields, count, step_bits))
    found = symbols.decode(fields, count, bits)
    codes = np.zeros(math.prod(shape), dtype=np.uint16)
    if count and places[-1] >= codes.size:
        raise ShiftloomError(
            "steps", f"lead to {places[-1]:,}", f"there are {codes.size:,} weights"
        )
    if count and int(found.max()) > len(centroids.data):
        raise ShiftloomError(
            "codes", f"name centroid {found.max()}", f"there are {len(centroids.data)}"
        )
    codes[places] = found
    return SharedWeights(Array(codes.reshape(shape)), centroids, bits)


def _width(fields: Fields, field: str, low: int, high: int) -> int:
    bits = fields.integer("B", field)
    if not low <= bits <= high:
        raise ShiftloomError(field, f"are {bits}", f"use {low} to {high}")
    return bits
