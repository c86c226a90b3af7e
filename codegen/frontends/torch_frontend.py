"""PyTorch front end: an nn.Module, traced symbolically by torch.fx, becomes a Graph in NHWC.

Tracing runs the module's own `forward` on symbols, never a saved program. Views of the values
follow its NCHW layout, as in the ONNX front end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import fx, nn

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends import torch_calls
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.torch_calls import Call
from shiftloom.codegen.frontends.torch_modules import SUPPORTED, Site, importer
from shiftloom.codegen.frontends.views import Arrangement, Feature
from shiftloom.codegen.graph import Graph, GraphInput, check
from shiftloom.codegen.names import safe_identifier


def from_torch(module: nn.Module, name: str, *sources: GraphInput) -> Graph:
    """Import `module` for NHWC integers `sources`, one for each argument of its forward.

    Raises ShiftloomError naming the node.
    """
    walk = _Walk(_trace(module, name), dict(module.named_modules()), name, sources)
    return check(walk.graph())


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


class _Walk:
    """Walks the traced module in order; values by fx node."""

    def __init__(
        self,
        traced: fx.Graph,
        modules: dict[str, nn.Module],
        name: str,
        sources: Sequence[GraphInput],
    ) -> None:
        self.traced = traced
        self.modules = modules
        self.name = name
        self.emit = Emitter()
        self.inputs: list[GraphInput] = []
        self.waiting = list(sources)
        self.values: dict[fx.Node, Any] = {}

    def graph(self) -> Graph:
        outputs: tuple[str, ...] = ()
        for node in self.traced.nodes:
            if node.op == "placeholder":
                self.values[node] = self._input(node)
            elif node.op == "output":
                outputs = self._outputs(node)
            else:
                self.values[node] = self._value(node)
        if self.waiting:
            raise ShiftloomError(self.name, "takes fewer inputs", "give one for each argument")
        nodes = self.emit.needed(outputs)
        return Graph(safe_identifier(self.name), tuple(self.inputs), nodes, outputs)

    def _input(self, node: fx.Node) -> Feature:
        if not self.waiting:
            raise ShiftloomError(str(node.name), "an input of unknown shape", "give its shape")
        single = not self.inputs and len(self.waiting) == 1
        source = self.waiting.pop(0)
        name = "input" if single else self.emit.names.claim(str(node.name))
        self.inputs.append(replace(source, name=name))
        height, width, channels = source.shape
        dims = (channels, height, width)
        return Feature(name, Arrangement(dims, 0), dims)

    def _outputs(self, node: fx.Node) -> tuple[str, ...]:
        """The graph's values that hold the results, each in a natural order."""
        found = node.args[0]
        results = found if isinstance(found, tuple | list) else (found,)
        names = []
        for result in results:
            value = self.values.get(result) if isinstance(result, fx.Node) else None
            if not isinstance(value, Feature):
                raise ShiftloomError("output", "is no tensor", "return the outputs of layers")
            names.append(self.emit.map("output", value)[0])
        return tuple(dict.fromkeys(names))

    def _value(self, node: fx.Node) -> Any:
        if node.op == "call_module":
            return self._module(node)
        name = safe_identifier(str(node.name))
        if node.op == "get_attr":
            raise ShiftloomError(name, f"reads {node.target!r} outside a layer", SUPPORTED)
        kind = torch_calls.call_name(name, node.target)
        args, kwargs = self._known((node.args, node.kwargs))
        return torch_calls.evaluate(Call(self.emit, name, kind, tuple(args), kwargs))

    def _module(self, node: fx.Node) -> Feature:
        module, name = self.modules[str(node.target)], safe_identifier(str(node.target))
        found = importer(name, module)
        given = node.args[0] if node.args else node.kwargs.get("input")
        x = self.values.get(given) if isinstance(given, fx.Node) else None
        if not isinstance(x, Feature):
            raise ShiftloomError(name, "has no single tensor input", SUPPORTED)
        return found(Site(self.emit, name, x), module)

    def _known(self, argument: Any) -> Any:
        """An argument with its fx nodes replaced by their values."""
        if isinstance(argument, fx.Node):
            return self.values[argument]
        if isinstance(argument, tuple | list):
            return tuple(self._known(item) for item in argument)
        if isinstance(argument, dict):
            return {key: self._known(item) for key, item in argument.items()}
        if isinstance(argument, slice):
            return slice(*map(self._known, (argument.start, argument.stop, argument.step)))
        return argument
