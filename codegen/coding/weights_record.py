"""Quantized weights as the body of a record: format, shape, α, codes."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import fields
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from shiftloom.codegen.coding import symbols
from shiftloom.codegen.coding.fields import Fields
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.formats import FORMATS, Format
from shiftloom.codegen.formats.packing import pack, unpack
from shiftloom.codegen.formats.weights import QuantizedWeights
from shiftloom.codegen.values import Array
from shiftloom.host.container import EXPONENTS, MANTISSA_BITS

_FORMATS: dict[str, type[Format]] = {str(kind.name): kind for kind in FORMATS}


def encode(weights: QuantizedWeights) -> bytes:
    """The body; raises ShiftloomError where an α has no place in it."""
    fmt, mantissa, shape = weights.format, weights.mantissa.data, weights.values.data.shape
    if mantissa.shape != (fmt.vectors(shape),):
        raise ShiftloomError("α", f"of shape {mantissa.shape}", f"expected {fmt.vectors(shape)}")
    _check_alpha(weights)
    text, width = _described(fmt), int(mantissa.max()).bit_length()
    head = struct.pack("<B", len(text)) + text + pack_shape(shape)
    alpha = struct.pack("<hB", weights.exponent, width) + pack(mantissa.astype(np.uint64), width)
    return head + alpha + symbols.encode(fmt.encode(weights.values.data), fmt.bits)


def decode(fields: Fields) -> QuantizedWeights:
    """The weights that `encode` wrote, as int64; raises ShiftloomError naming the field at fault.

    Memory is bounded by the size of the record, whatever shape it names.
    """
    fmt = _format(fields.take(fields.integer("B", "format"), "format"))
    shape = take_shape(fields, 8 * fields.left)
    exponent, width = fields.integer("h", "exponent"), fields.integer("B", "bits of α")
    vectors = fmt.vectors(shape)
    if width > MANTISSA_BITS:
        raise ShiftloomError("bits of α", f"are {width}", f"use 1 to {MANTISSA_BITS}")
    alpha = fields.take(-(-vectors * width // 8), "α")
    mantissa = unpack(alpha, vectors, width, np.uint64).astype(np.int64)
    values = fmt.decode(symbols.decode(fields, math.prod(shape), fmt.bits)).reshape(shape)
    weights = QuantizedWeights(fmt, Array(values), Array(mantissa), exponent)
    _check_alpha(weights)
    return weights


def pack_shape(shape: tuple[int, ...]) -> bytes:
    """The four numbers [C_out, KH, KW, C_in]."""
    return struct.pack("<4I", *shape)


def take_shape(fields: Fields, room: int) -> tuple[int, int, int, int]:
    """A shape of at most `room` weights, so none is a bomb; raises ShiftloomError for others."""
    a, b, c, d = (fields.integer("I", "shape") for _ in range(4))
    if not 0 < a * b * c * d <= room:
        raise ShiftloomError(
            "shape", f"[{a}, {b}, {c}, {d}]", f"there is room for 1 to {room:,} weights"
        )
    return a, b, c, d


def _check_alpha(weights: QuantizedWeights) -> None:
    low, high = int(weights.mantissa.data.min()), int(weights.mantissa.data.max())
    if low < 1 or high >> MANTISSA_BITS:
        raise ShiftloomError(
            "α", f"mantissas from {low} to {high}", f"use 1 to 2^{MANTISSA_BITS} - 1"
        )
    if weights.exponent not in EXPONENTS:
        raise ShiftloomError(
            "α", f"exponent {weights.exponent}", f"use {EXPONENTS[0]} to {EXPONENTS[-1]}"
        )


def _described(fmt: Any) -> bytes:
    """A format's name and fields as JSON."""
    described = {
        "name": fmt.name,
        **{field.name: getattr(fmt, field.name) for field in fields(fmt)},
    }
    return json.dumps(described, separators=(",", ":")).encode()


def _format(text: bytes) -> Format:
    """The format that `_described` makes these very bytes of; one of FORMATS or none."""
    try:
        kind = _FORMATS[json.loads(text)["name"]]
        made: Format = TypeAdapter(kind).validate_json(text)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unknown(text) from error
    if _described(made) != text:
        raise _unknown(text)
    return made


def _unknown(text: bytes) -> ShiftloomError:
    said = text.decode("ascii", "replace")
    return ShiftloomError("format", f"{shown(said)} is none", f"known: {', '.join(_FORMATS)}")
