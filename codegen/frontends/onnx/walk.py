"""The walk over an ONNX graph in execution order: values by name, one node at a time."""

from __future__ import annotations

import re
from dataclasses import replace

import onnx

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.emitter import Emitter, check_size
from shiftloom.codegen.frontends.onnx import folding, load, refusals
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.handlers import HANDLERS, Handler
from shiftloom.codegen.frontends.onnx.values import Constant, Value
from shiftloom.codegen.frontends.views import Arrangement, Dims, Feature, Integers
from shiftloom.codegen.graph import MAX_INPUT_BITS
from shiftloom.codegen.names import short_identifier
from shiftloom.codegen.values import IntType

_MALFORMED = (ValueError, TypeError, IndexError, KeyError, OverflowError, MemoryError)
"""What NumPy and the handlers raise on a node whose parts do not fit."""


class Walk:
    """What is known after the nodes visited so far; raises ShiftloomError naming a node."""

    def __init__(self, model: onnx.ModelProto, name: str) -> None:
        self.opset = load.opset(model, name)
        self.emit = Emitter()
        self._initializers = {tensor.name: tensor for tensor in model.graph.initializer}
        self._values: dict[str, Value] = {}
        self.batch = 1
        self.inputs = self._inputs(model, name)
        self._values.update(self.inputs)
        self.outputs = tuple(output.name for output in model.graph.output)

    def _inputs(self, model: onnx.ModelProto, name: str) -> dict[str, Feature]:
        """The inputs that are no initializers, which old exporters list as well."""
        found = [i for i in model.graph.input if i.name not in self._initializers]
        if not found:
            raise ShiftloomError(name, "has no inputs", "export a model with an input")
        batches = set()
        features = {}
        for info in found:
            unique = "input" if len(found) == 1 else self.emit.names.claim(info.name)
            batch, features[info.name] = _input(unique, info)
            batches.add(batch)
        if len(batches) > 1:
            raise ShiftloomError(name, f"batches of {sorted(batches)}", "use one batch size")
        self.batch = batches.pop()
        return features

    def output(self, name: str) -> Feature:
        """The value of the network's output `name`."""
        value = self._values.get(name)
        if not isinstance(value, Feature):
            what = "a constant" if name in self._initializers or value else "made by no node"
            raise ShiftloomError(short_identifier(name), f"an output that is {what}", "remove it")
        return value

    def visit(self, node: onnx.NodeProto) -> None:
        """Import the next node."""
        call = self.call(node)
        self.bind(node, self._made(call))

    def call(self, node: onnx.NodeProto) -> Call:
        """The node with its values; it must be of a known operator."""
        bare = self.supported(node)
        return replace(bare, inputs=tuple(self._read(bare, name) for name in node.input))

    def supported(self, node: onnx.NodeProto) -> Call:
        """The node without its values; refuses an operator that has no handler."""
        bare = self._bare(node)
        _handler(bare)
        return bare

    def dims(self, name: str) -> Dims | None:
        """Dimensions without the batch of a computed value, if it is known."""
        value = self._values.get(name)
        return value.dims if isinstance(value, Feature) else None

    def assume(self, name: str, value: Value) -> None:
        """Stand a value in for an output that could not be made."""
        self._values[name] = value

    def _bare(self, node: onnx.NodeProto) -> Call:
        kind = re.sub(r"[^A-Za-z0-9_.]", "_", node.op_type)[:40]
        output = node.output[0] if node.output else ""
        name = short_identifier(node.name or f"{kind}_{output}")
        return Call(name, kind, node, (), self.opset, self.batch)

    def _read(self, call: Call, name: str) -> Value | None:
        if not name:
            return None
        if name not in self._values and name in self._initializers:
            self._values[name] = Constant(load.array(self._initializers[name], name))
        if name not in self._values:
            raise call.refuse(
                f"reads {name[:64]!r}, which no earlier node makes",
                "order the nodes, without cycles; second outputs are not supported",
            )
        return self._values[name]

    def _made(self, call: Call) -> tuple[Value, ...]:
        folded = folding.fold(call)
        if folded is not None:
            return (folded,)
        try:
            made = _handler(call)(self.emit, call)
        except _MALFORMED as error:
            reason = str(error).partition("\n")[0][:120]
            raise call.refuse(f"is malformed ({reason})", "check the model") from error
        return made if isinstance(made, tuple) else (made,)

    def bind(self, node: onnx.NodeProto, values: tuple[Value, ...]) -> None:
        """Name the outputs of a node; those that no handler makes stay unknown."""
        for name, value in zip(node.output, values, strict=False):
            if name in self._values or name in self._initializers:
                raise ShiftloomError(
                    self._bare(node).name, f"makes {name[:64]!r} again", "give it another name"
                )
            if name:
                self._values[name] = value


def _handler(call: Call) -> Handler:
    """The handler of a node's operator; refuses an operator without one, with the reason."""
    domain = call.proto.domain
    if domain not in HANDLERS:
        raise call.refuse(f"the domain {domain[:64]!r} is unknown", "use standard operators")
    found = HANDLERS[domain].get(call.kind)
    if found is not None or (domain in ("", "ai.onnx") and folding.foldable(call.kind)):
        return found or _not_folded
    reason, hint = refusals.REFUSED.get(call.kind, refusals.OTHERS)
    raise call.refuse(reason, hint)


def _not_folded(emit: Emitter, call: Call) -> Value:
    reason = "reads a computed value", "it is supported on constants only"
    raise call.refuse(*refusals.REFUSED.get(call.kind, reason))


def _input(name: str, info: onnx.ValueInfoProto) -> tuple[int, Feature]:
    """Batch size and value of an input; a batch of unknown size is taken as 1."""
    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type"):
        raise ShiftloomError(name, "is no tensor", "use tensors as inputs")
    stated = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    if not stated:
        raise ShiftloomError(name, "has no dimensions", "state them, batch first")
    batch, dims = stated[0] or 1, tuple(size or 0 for size in stated[1:])
    if min((batch, *dims)) < 1:
        shape = ["batch" if i == 0 else d or "?" for i, d in enumerate(stated)]
        raise ShiftloomError(
            name, f"shape {shape} is open", "fix all dimensions but the batch and export again"
        )
    check_size(name, dims)
    return batch, Feature(name, Arrangement(dims), dims, None, _integers(name, kind.elem_type))


def _integers(name: str, kind: int) -> Integers | None:
    """The integers of an input of that type; None for real numbers."""
    if load.is_float(kind):
        return None
    match = re.fullmatch(r"(u?)int(\d+)", load.type_name(kind))
    if match is None or int(match[2]) > MAX_INPUT_BITS:
        raise ShiftloomError(
            name, f"holds {load.type_name(kind)}", "use float32, or integers of 8 or 16 bits"
        )
    return Integers(1.0, 0, IntType(int(match[2]), not match[1]))
