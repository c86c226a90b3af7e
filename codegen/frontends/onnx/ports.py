"""The network's ends: how a graph's inputs and outputs hold the tensors of the ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.views import (
    AnyArray,
    Dims,
    Feature,
    Integers,
    along,
    covers,
)
from shiftloom.codegen.graph import GraphInput, Node
from shiftloom.codegen.ops import Affine, Quantize
from shiftloom.codegen.values import FloatArray, IntArray, IntType


@dataclass(frozen=True, slots=True)
class Port:
    """ONNX tensor `onnx` as the graph's value `name`.

    Its elements, numbered in the order of `dims` (without the batch), stand as `order` [H, W, C]
    says. `integers` is there if the ONNX tensor holds integers, `quantizer` if an input of real
    numbers takes the place of the only quantizer that read it.
    """

    onnx: str
    name: str
    dims: Dims
    order: IntArray
    integers: Integers | None = None
    quantizer: Quantize | None = None

    def arranged(self, value: AnyArray) -> AnyArray:
        """Frames [N, H, W, C] of an ONNX tensor [N, *dims]."""
        flat = value.reshape(len(value), -1)
        return flat[:, self.order.ravel()].reshape(-1, *self.order.shape)

    def real(self, value: AnyArray) -> FloatArray:
        """What the graph's input is for an ONNX tensor [N, *dims]: real values, in float64."""
        frames = np.asarray(self.arranged(value), dtype=np.float64)
        if self.integers is not None:
            return (frames - self.integers.zero) * self.integers.scale
        return frames if self.quantizer is None else self.quantizer.run(frames)

    def tensor(self, real: FloatArray) -> FloatArray:
        """The ONNX tensor [N, *dims] of real values [N, H, W, C]."""
        flat = np.empty((len(real), self.order.size), dtype=real.dtype)
        flat[:, self.order.ravel()] = real.reshape(len(real), -1)
        if self.integers is not None:
            flat = np.rint(flat / self.integers.scale) + self.integers.zero
        return flat.reshape(len(real), *self.dims)


def output_port(emit: Emitter, x: Feature, name: str) -> Port:
    """The output `x` as a whole map, in the arrangement it has if that holds all of it."""
    places = x.places(x.elements).ravel()
    size = x.arrangement.order.size
    if covers(places, size) and len(x.dims) > 1:
        order = np.argsort(places).reshape(x.arrangement.shape)
        return Port(name, x.name, x.dims, order, x.integers)
    made, _ = emit.map(f"{name}_out", x)
    numbers = np.arange(len(places)).reshape(x.dims)
    return Port(name, made, x.dims, along(numbers, 0), x.integers)


@dataclass(frozen=True, slots=True)
class Source:
    """An input of the network: its GraphInput, its port, and the quantizers it makes needless."""

    input: GraphInput
    port: Port
    absorbed: frozenset[str] = frozenset()


def source(x: Feature, name: str, nodes: Sequence[Node], stated: GraphInput | None) -> Source:
    """How input `x`, the ONNX tensor `name`, comes: as stated, as its quantizer says, as uint8."""
    shape = x.arrangement.shape
    port = Port(name, x.name, x.dims, x.arrangement.order, x.integers)
    if stated is not None:
        if stated.shape != shape:
            raise ShiftloomError(x.name, f"shape {stated.shape}", f"the model takes {shape}")
        return Source(replace(stated, name=x.name), port)
    kind = IntType(8, False) if x.integers is None else x.integers.type
    readers = [node for node in nodes if x.name in node.sources]
    plain = GraphInput(shape, kind.bits, signed=kind.signed, name=x.name)
    op = readers[0].op if readers else None
    if any(node.op != op for node in readers) or len(readers) == len(nodes):
        return Source(plain, port)
    absorbed = frozenset(node.name for node in readers)
    if isinstance(op, Quantize) and not op.narrow:
        found = replace(plain, bits=op.bits, scale=op.scale, zero=op.zero, signed=op.signed)
        return Source(_unsigned(found), replace(port, quantizer=op), absorbed)
    if isinstance(op, Affine) and x.integers and (scaled := _dequantized(op, plain, kind)):
        port = replace(port, integers=Integers(scaled.scale, scaled.zero, kind))
        return Source(_unsigned(scaled), port, absorbed)
    return Source(plain, port)


def _dequantized(op: Affine, plain: GraphInput, kind: IntType) -> GraphInput | None:
    """The integers with the scale and zero point that `op` applies to them, if it does."""
    if op.scale.data.size != 1 or op.shift.data.size != 1:
        return None
    scale, shift = op.scale.data.item(), op.shift.data.item()
    if scale <= 0 or not (zero := -shift / scale).is_integer():
        return None
    if not kind.lo <= zero <= kind.hi:
        return None
    return replace(plain, scale=scale, zero=int(zero))


def _unsigned(source: GraphInput) -> GraphInput:
    """Signed integers whose zero is their lowest value, as unsigned ones with zero 0."""
    if source.signed and source.zero == IntType(source.bits, True).lo:
        return replace(source, zero=0, signed=False)
    return source
