"""Collects the nodes and constants of the ONNX model that a TFLite file becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from shiftloom.codegen.frontends.views import AnyArray


class Writer:
    """An ONNX graph in the making; values have names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def node(
        self, kind: str, inputs: Sequence[str], name: str, output: str = "", **attributes: Any
    ) -> str:
        """Append a node of one output, whose name is returned; by default a fresh one."""
        made = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [made], name, **attributes))
        return made

    def constant(self, value: AnyArray, name: str = "") -> str:
        """Append a constant, whose name is returned; by default a fresh one."""
        made = name or f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value), made))
        return made

    def whole(self, *values: int) -> str:
        """A constant list of integers."""
        return self.constant(np.array(values, np.int64))
