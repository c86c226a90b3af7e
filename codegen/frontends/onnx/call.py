"""One ONNX node with its values: typed access to attributes and inputs, and refusals by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends.onnx import load
from shiftloom.codegen.frontends.onnx.values import Constant, Value
from shiftloom.codegen.frontends.views import AnyArray, Feature


@dataclass(frozen=True, slots=True)
class Call:
    """The node `name` of operator `kind`; an input left out is None. `opset` of the domain ''."""

    name: str
    kind: str
    proto: onnx.NodeProto
    inputs: tuple[Value | None, ...]
    opset: int
    batch: int

    def refuse(self, problem: str, hint: str = "") -> ShiftloomError:
        """The refusal of this node, to be raised."""
        return ShiftloomError(self.name, f"{self.kind}: {problem}", hint)

    def _attribute(self, name: str, kind: int) -> onnx.AttributeProto | None:
        for attribute in self.proto.attribute:
            if attribute.name == name:
                if attribute.type != kind or attribute.ref_attr_name:
                    raise self.refuse(f"attribute {name} has another type", "export it again")
                found: onnx.AttributeProto = attribute
                return found
        return None

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        found = self._attribute(name, onnx.AttributeProto.INT)
        return default if found is None else int(found.i)

    def real(self, name: str, default: float) -> float:
        """A number."""
        found = self._attribute(name, onnx.AttributeProto.FLOAT)
        return default if found is None else float(found.f)

    def text(self, name: str, default: str) -> str:
        """A string."""
        found = self._attribute(name, onnx.AttributeProto.STRING)
        return default if found is None else found.s.decode("utf-8", "replace")

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...] | None:
        """A list of integers."""
        found = self._attribute(name, onnx.AttributeProto.INTS)
        if found is None:
            return None if default is None else tuple(default)
        return tuple(int(value) for value in found.ints)

    def tensor(self, name: str) -> AnyArray | None:
        """An array."""
        found = self._attribute(name, onnx.AttributeProto.TENSOR)
        return None if found is None else load.array(found.t, name)

    def only(self, name: str, value: object, *allowed: object) -> None:
        """Refuse an attribute whose value is not among `allowed`."""
        if value not in allowed:
            choice = " or ".join(f"{name}={a}" for a in allowed)
            raise self.refuse(f"unsupported {name}={value}", f"use {choice}")

    def has(self, index: int) -> bool:
        """The input is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def feature(self, index: int = 0) -> Feature:
        """An input that the network computes."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(value, Feature):
            what = "a constant" if value is not None else "missing"
            raise self.refuse(f"input {index} is {what}", "it must be computed by the network")
        return value

    def numbers(self, index: int = 0) -> Feature:
        """A computed input that holds real numbers, not the integers of a quantizer."""
        value = self.feature(index)
        if value.integers is not None:
            raise self.refuse(f"input {index} holds integers", "put a DequantizeLinear before it")
        return value

    def constant(self, index: int) -> Constant:
        """An input that is known."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(value, Constant):
            what = "computed by the network" if value is not None else "missing"
            raise self.refuse(f"input {index} is {what}", "it must be a constant")
        return value

    def scalar(self, index: int) -> float:
        """A constant of one element, or of equal ones."""
        value = self.constant(index).value
        if np.isnan(value).any():
            raise self.refuse(f"input {index} is nan", "give a number")
        if value.size == 0 or not (value == value.ravel()[0]).all():
            raise self.refuse(f"input {index} has {value.size} values", "use one for all")
        return float(value.ravel()[0])

    def whole(self, index: int) -> tuple[int, ...]:
        """A constant list of integers."""
        value = self.constant(index).value
        if value.dtype.kind not in "iu":
            raise self.refuse(f"input {index} is {value.dtype}", "use integers")
        return tuple(int(v) for v in np.ravel(value))

    def whole_attribute_or_input(self, name: str, index: int) -> tuple[int, ...] | None:
        """A list of integers that newer opsets give as an input and older as an attribute."""
        return self.whole(index) if self.has(index) else self.integers(name)
