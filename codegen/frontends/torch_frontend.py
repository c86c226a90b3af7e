"""PyTorch front end: an nn.Module, traced symbolically by torch.fx, becomes a Graph in NHWC.

Tracing runs the module's own `forward` on symbols, never a saved program.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, Node, Op, check
from shiftloom.codegen.names import safe_identifier
from shiftloom.codegen.ops import AvgPool2d, BatchNorm, Conv2d, Flatten, Linear, MaxPool2d, Relu
from shiftloom.codegen.values import Array, Shape
from shiftloom.codegen.windows import Pair, Window

SUPPORTED = "supported: Conv2d, Linear, MaxPool2d, AvgPool2d, ReLU, BatchNorm2d, Flatten, Dropout"


def from_torch(module: nn.Module, name: str, source: GraphInput) -> Graph:
    """Import `module` for NHWC integers `source`; raises ShiftloomError naming the node."""
    importer = _Importer(_trace(module, name), dict(module.named_modules()), source.shape)
    return check(importer.graph(name, source))


def _trace(module: nn.Module, name: str) -> fx.Graph:
    """The module's calls in evaluation mode; the module is left as it was.

    No code is generated from the trace, so a submodule's name cannot become code.
    """
    training = [m for m in module.modules() if m.training]
    try:
        return fx.Tracer().trace(module.eval())
    except Exception as error:  # whatever the module's own forward raises on symbols
        reason = str(error).partition("\n")[0]
        raise ShiftloomError(
            name, f"cannot be traced ({reason})", "use a feed-forward module without control flow"
        ) from error
    finally:
        for m in training:
            m.training = True


class _Importer:
    """Walks the traced module in order, tracking each value's NHWC shape."""

    def __init__(self, traced: fx.Graph, modules: dict[str, nn.Module], shape: Shape) -> None:
        self.traced = traced
        self.modules = modules
        self.nodes: list[Node] = []
        self.alias: dict[str, str] = {}
        self.shapes: dict[str, Shape] = {"input": shape}
        self.flattened: dict[str, Shape] = {}

    def graph(self, name: str, source: GraphInput) -> Graph:
        result = ""
        for node in self.traced.nodes:
            if node.op == "placeholder":
                if self.alias:
                    raise ShiftloomError(str(node.name), "a second input", "use one input")
                self.alias[node.name] = "input"
            elif node.op == "output":
                result = self._source(node)
            else:
                self._layer(node)
        if self.nodes and result != self.nodes[-1].name:
            raise ShiftloomError(name, f"returns {result!r}", "return the last layer's output")
        return Graph(safe_identifier(name), source, tuple(self.nodes))

    def _source(self, node: fx.Node) -> str:
        argument = node.args[0] if node.args else node.kwargs.get("input")
        if not isinstance(argument, fx.Node):
            if node.op == "output":
                raise ShiftloomError("output", "is no single tensor", "return one layer's output")
            raise ShiftloomError(str(node.name), "has no single tensor input", SUPPORTED)
        return self.alias[argument.name]

    def _layer(self, node: fx.Node) -> None:
        name = self._name(node)
        if node.op == "get_attr":
            raise ShiftloomError(name, f"reads {node.target!r} outside a layer", SUPPORTED)
        if node.op == "call_module":
            _importer(name, self.modules[str(node.target)])
        source = self._source(node)
        op = self._op(node, name, source)
        if op is None:
            self.alias[node.name] = source
            return
        self.shapes[name] = op.shape(name, self.shapes[source])
        if isinstance(op, Flatten):
            self.flattened[name] = self.flattened.get(source, self.shapes[source])
        elif source in self.flattened and not isinstance(op, Linear):
            self.flattened[name] = self.flattened[source]
        self.nodes.append(Node(name, op, source))
        self.alias[node.name] = name

    def _name(self, node: fx.Node) -> str:
        """The module's name, or the call's; a module's later calls are numbered."""
        base = name = safe_identifier(str(node.target if node.op == "call_module" else node.name))
        for call in itertools.count(1):
            if name not in self.shapes:
                break
            name = safe_identifier(f"{base}_{call}")
        return name

    def _op(self, node: fx.Node, name: str, source: str) -> Op | None:
        if node.op == "call_module":
            module = self.modules[str(node.target)]
            site = _Site(name, self.shapes[source], self.flattened.get(source))
            return _importer(name, module)(site, module)
        target = node.target if isinstance(node.target, str) else node.target.__name__
        if target in ("relu", "relu_"):
            return Relu()
        if target == "flatten":
            start = node.kwargs.get("start_dim", node.args[1] if len(node.args) > 1 else 0)
            end = node.kwargs.get("end_dim", node.args[2] if len(node.args) > 2 else -1)
            if (start, end) != (1, -1):
                raise ShiftloomError(
                    name, f"unsupported start_dim={start}, end_dim={end}", "use 1 and -1"
                )
            return Flatten()
        raise ShiftloomError(name, f"unsupported call {target!r}", SUPPORTED)


@dataclass(frozen=True, slots=True)
class _Site:
    """A module's node name, its input shape, and the feature map a flattened input came from."""

    node: str
    shape: Shape
    flattened: Shape | None


def _pair(site: _Site, attribute: str, value: Any) -> Pair:
    if isinstance(value, int):
        return value, value
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int) for v in value):
        return value
    raise ShiftloomError(site.node, f"{attribute}={value!r}", "use an integer or a pair of them")


def _require(site: _Site, attribute: str, value: object, allowed: object) -> None:
    if value != allowed:
        raise ShiftloomError(
            site.node, f"unsupported {attribute}={value!r}", f"use {attribute}={allowed!r}"
        )


def _array(tensor: torch.Tensor | None, size: int) -> np.ndarray:
    if tensor is None:
        return np.zeros(size, dtype=np.float32)
    return tensor.detach().to(torch.float32).numpy()


def _conv(site: _Site, m: nn.Conv2d) -> Op:
    _require(site, "groups", m.groups, 1)
    _require(site, "dilation", m.dilation, (1, 1))
    _require(site, "padding_mode", m.padding_mode, "zeros")
    window = Window(
        _pair(site, "kernel_size", m.kernel_size),
        _pair(site, "stride", m.stride),
        _pair(site, "padding", m.padding),
    )
    weights = _array(m.weight, 0).transpose(0, 2, 3, 1)
    return Conv2d(Array(weights), Array(_array(m.bias, m.out_channels)), window)


def _linear(site: _Site, m: nn.Linear) -> Op:
    weights = _array(m.weight, 0)
    if site.flattened is not None and weights.shape[1] == int(np.prod(site.flattened)):
        height, width, channels = site.flattened
        weights = weights.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
        weights = weights.reshape(weights.shape[0], -1)
    return Linear(Array(weights), Array(_array(m.bias, m.out_features)))


def _pool_window(site: _Site, m: nn.MaxPool2d | nn.AvgPool2d) -> Window:
    _require(site, "ceil_mode", m.ceil_mode, False)
    return Window(
        _pair(site, "kernel_size", m.kernel_size),
        _pair(site, "stride", m.stride if m.stride is not None else m.kernel_size),
        _pair(site, "padding", m.padding),
    )


def _max_pool(site: _Site, m: nn.MaxPool2d) -> Op:
    _require(site, "dilation", _pair(site, "dilation", m.dilation), (1, 1))
    _require(site, "return_indices", m.return_indices, False)
    return MaxPool2d(_pool_window(site, m))


def _avg_pool(site: _Site, m: nn.AvgPool2d) -> Op:
    window = _pool_window(site, m)
    if window.padding != (0, 0):
        _require(site, "count_include_pad", m.count_include_pad, True)
    _require(site, "divisor_override", m.divisor_override, None)
    return AvgPool2d(window)


def _batch_norm(site: _Site, m: nn.BatchNorm2d | nn.BatchNorm1d) -> Op:
    if m.running_mean is None or m.running_var is None:
        raise ShiftloomError(site.node, "has no running statistics", "track_running_stats=True")
    size = m.num_features
    gamma = _array(m.weight, 0) if m.weight is not None else np.ones(size, dtype=np.float32)
    scale = gamma / np.sqrt(_array(m.running_var, size) + np.float32(m.eps))
    shift = _array(m.bias, size) - _array(m.running_mean, size) * scale
    return BatchNorm(Array(scale), Array(shift))


def _flatten(site: _Site, m: nn.Flatten) -> Op:
    _require(site, "start_dim", m.start_dim, 1)
    _require(site, "end_dim", m.end_dim, -1)
    return Flatten()


_Import = Callable[[_Site, Any], Op | None]

_IMPORTERS: tuple[tuple[type[nn.Module], _Import], ...] = (
    (nn.Conv2d, _conv),
    (nn.Linear, _linear),
    (nn.MaxPool2d, _max_pool),
    (nn.AvgPool2d, _avg_pool),
    (nn.ReLU, lambda site, m: Relu()),
    (nn.BatchNorm2d, _batch_norm),
    (nn.BatchNorm1d, _batch_norm),
    (nn.Flatten, _flatten),
    (nn.Identity, lambda site, m: None),
    (nn.Dropout, lambda site, m: None),
    (nn.Dropout2d, lambda site, m: None),
)

_RECURRENT = re.compile(r"(RNN|LSTM|GRU|Attention|Transformer)")


def _importer(node: str, module: nn.Module) -> _Import:
    """The importer of a module's type; raises ShiftloomError naming `node` if there is none."""
    for kind, importer in _IMPORTERS:
        if type(module) is kind:
            return importer
    name = type(module).__name__
    why = "recurrence and attention are not supported" if _RECURRENT.search(name) else SUPPORTED
    raise ShiftloomError(node, f"unsupported module {name}", why)
