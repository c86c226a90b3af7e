"""PyTorch functions, operators and methods as layers or as moves of elements."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.frontends import blocks
from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.torch_modules import SUPPORTED, Site, importer
from shiftloom.codegen.frontends.views import Feature
from shiftloom.codegen.ops import ArgMax

_BATCH = "keep the batch as the first dimension"


@dataclass(frozen=True, slots=True)
class Call:
    """A call by name: its arguments hold views where the trace has values of the network."""

    emit: Emitter
    name: str
    kind: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def get(self, index: int, name: str, default: Any = None) -> Any:
        """Argument `index`, or that named `name`."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def rest(self, name: str) -> tuple[Any, ...]:
        """The arguments after the first, given one by one or as a sequence."""
        rest = self.args[1:] or (self.kwargs.get(name),)
        return tuple(rest[0]) if isinstance(rest[0], Sequence) else tuple(rest)

    @property
    def x(self) -> Feature:
        """The first argument, computed by the network."""
        found = self.get(0, "input", self.kwargs.get("x"))
        if not isinstance(found, Feature):
            raise self.refuse("has no tensor as its first argument", SUPPORTED)
        return found

    def axis(self, dim: Any) -> int:
        """A dimension as an axis of x.dims."""
        rank = len(self.x.dims) + 1
        if not isinstance(dim, int) or not -rank <= dim < rank or dim % rank == 0:
            raise self.refuse(f"dim={dim!r}", f"use 1 to {rank - 1}; the batch is dimension 0")
        return dim % rank - 1

    def refuse(self, problem: str, hint: str) -> ShiftloomError:
        """The refusal of this call, to be raised."""
        return ShiftloomError(self.name, problem, hint)


def _add(call: Call) -> Feature:
    """A ± alpha·b."""
    a, b = call.get(0, "input"), call.get(1, "other")
    sign = -1 if call.kind.startswith("sub") else 1
    if call.get(2, "alpha", 1) != 1:
        raise call.refuse(f"alpha={call.get(2, 'alpha')}", "use alpha=1")
    if isinstance(a, Feature) and isinstance(b, Feature):
        return blocks.add(call.emit, call.name, a, b, (1, sign))
    if isinstance(a, Feature):
        return blocks.affine(call.emit, call.name, a, 1.0, sign * _number(call, b))
    return blocks.affine(call.emit, call.name, b, float(sign), _number(call, a))


def _number(call: Call, value: Any) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise call.refuse(f"with a {type(value).__name__}", "use numbers, or a layer with parameters")


def _multiply(call: Call) -> Feature:
    a, b = call.get(0, "input"), call.get(1, "other")
    if isinstance(a, Feature) and isinstance(b, Feature):
        if call.kind in ("truediv", "div"):
            raise call.refuse("a quotient of computed values", "divide computed values by numbers")
        return blocks.product(call.emit, call.name, a, b)
    if call.kind in ("truediv", "div"):
        if not isinstance(a, Feature) or b == 0:
            raise call.refuse(
                "a division that is not by a number", "divide computed values by numbers"
            )
        return blocks.affine(call.emit, call.name, a, 1 / _number(call, b), 0.0)
    x, factor = (a, b) if isinstance(a, Feature) else (b, a)
    return blocks.affine(call.emit, call.name, x, _number(call, factor), 0.0)


def _negate(call: Call) -> Feature:
    return blocks.affine(call.emit, call.name, call.x, -1.0, 0.0)


def _concatenate(call: Call) -> Feature:
    parts = call.get(0, "tensors")
    if not isinstance(parts, Sequence) or not all(isinstance(x, Feature) for x in parts):
        raise call.refuse("joins no list of computed values", "give a list of them")
    first = replace(call, args=(parts[0],))
    axis = first.axis(call.get(1, "dim", 0))
    return blocks.concatenate(call.emit, call.name, parts, axis)


def _reshape(call: Call) -> Feature:
    x, shape = call.x, list(call.rest("shape"))
    total = math.prod(x.dims)
    if not all(isinstance(size, int) for size in shape) or shape.count(-1) > 1:
        raise call.refuse(f"shape {shape}", "use integers, one of them −1 at most")
    if -1 in shape:
        known = math.prod(size for size in shape if size != -1)
        shape[shape.index(-1)] = total // known if known else 0
    if shape[0] != 1 or math.prod(shape) != total:
        raise call.refuse(f"shape {shape} of {[1, *x.dims]}, for a batch of 1", _BATCH)
    return x.viewed(x.elements.reshape(shape[1:]))


def _permute(call: Call) -> Feature:
    order = [d % (len(call.x.dims) + 1) for d in call.rest("dims")]
    if sorted(order) != list(range(len(order))) or order[:1] != [0]:
        raise call.refuse(f"dims {order}", _BATCH)
    return call.x.viewed(call.x.elements[None].transpose(order)[0])


def _transpose(call: Call) -> Feature:
    a, b = call.axis(call.get(1, "dim0")), call.axis(call.get(2, "dim1"))
    return call.x.viewed(call.x.elements.swapaxes(a, b))


def _squeeze(call: Call) -> Feature:
    axis = call.axis(call.get(1, "dim"))
    if call.x.dims[axis] != 1:
        return call.x
    return call.x.viewed(call.x.elements.squeeze(axis))


def _unsqueeze(call: Call) -> Feature:
    longer = replace(call, args=(call.x.viewed(call.x.elements[None]),))
    return call.x.viewed(np.expand_dims(call.x.elements, longer.axis(call.get(1, "dim"))))


def _chunk(call: Call) -> tuple[Feature, ...]:
    """chunk(x, count, dim) and split(x, size or sizes, dim)."""
    x, axis = call.x, call.axis(call.get(2, "dim", 0))
    size, given = x.dims[axis], call.get(1, "chunks", call.kwargs.get("split_size_or_sections"))
    if isinstance(given, int) and given > 0:
        step = -(-size // given) if call.kind == "chunk" else given
        given = [min(step, size - start) for start in range(0, size, step)]
    if not isinstance(given, Sequence) or sum(given) != size or min(given) < 1:
        raise call.refuse(f"splits {size} into {given!r}", "give sizes that add up")
    stops = np.cumsum(given)
    return tuple(x.viewed(part) for part in np.split(x.elements, stops[:-1], axis=axis))


def _item(call: Call) -> Any:
    """An element of a tuple, or a slice of a tensor."""
    value, key = call.args
    if not isinstance(value, Feature):
        return value[key]
    keys = key if isinstance(key, tuple) else (key,)
    plain = all(k is Ellipsis or isinstance(k, slice) for k in keys)
    parts = [p for k in keys if isinstance(k, slice) for p in (k.start, k.stop, k.step)]
    if not plain or not all(p is None or isinstance(p, int) for p in parts):
        raise call.refuse(f"index {key!r}", "use slices, x[:, a:b]")
    found = value.elements[None][keys]
    if keys[0] not in (slice(None), Ellipsis) or 0 in found.shape:
        raise call.refuse(f"index {key!r}", _BATCH)
    return value.viewed(found[0])


def _mean(call: Call) -> Feature:
    x, dims = call.x, call.get(1, "dim")
    rank = len(x.dims) + 1
    axes = {d % rank for d in (dims if isinstance(dims, Sequence) else [dims]) if d is not None}
    left = [axis for axis in range(1, rank) if axis not in axes]
    if len(left) != 1 or 0 in axes:
        raise call.refuse(f"dim={dims!r}", "average rows and columns, dim=(2, 3)")
    made = blocks.over_pixels(call.emit, call.name, x, left[0] - 1, mean=True)
    if call.get(2, "keepdim", False):
        return made
    return made.viewed(made.elements.reshape(-1))


def _argmax(call: Call) -> Feature:
    axis = call.axis(call.get(1, "dim"))
    dims = tuple(1 if i == axis else size for i, size in enumerate(call.x.dims))
    source = call.emit.map(call.name, call.x, axis)
    made = call.emit.layer(call.name, ArgMax(), source, dims=dims, axis=axis)
    if call.get(2, "keepdim", False):
        return made
    return made.viewed(made.elements.squeeze(axis))


def _size(call: Call) -> Any:
    """The shape, for a batch of 1."""
    shape = (1, *call.x.dims)
    dim = call.get(1, "dim")
    return shape if dim is None else shape[dim]


def _attribute(call: Call) -> Any:
    value, name = call.args
    if name != "shape" or not isinstance(value, Feature):
        raise call.refuse(f"reads {name!r}", SUPPORTED)
    return (1, *value.dims)


def _same(call: Call) -> Feature:
    if call.kind == "dropout" and call.get(2, "training", True):
        raise call.refuse("training=True", "pass training=self.training")
    return call.x


def _flatten(call: Call) -> Feature:
    start, end = call.get(1, "start_dim", 0), call.get(2, "end_dim", -1)
    if start != 1 or end not in (-1, len(call.x.dims)):
        raise call.refuse(f"unsupported start_dim={start}, end_dim={end}", "use 1 and -1")
    return call.x.viewed(call.x.elements.reshape(-1))


_MODULES: dict[str, tuple[Callable[..., nn.Module], tuple[str, ...]]] = {
    "relu": (nn.ReLU, ("inplace",)),
    "relu_": (nn.ReLU, ()),
    "relu6": (nn.ReLU6, ("inplace",)),
    "hardtanh": (nn.Hardtanh, ("min_val", "max_val", "inplace")),
    "leaky_relu": (nn.LeakyReLU, ("negative_slope", "inplace")),
    "hardswish": (nn.Hardswish, ("inplace",)),
    "hardsigmoid": (nn.Hardsigmoid, ("inplace",)),
    "sigmoid": (nn.Sigmoid, ()),
    "silu": (nn.SiLU, ("inplace",)),
    "tanh": (nn.Tanh, ()),
    "softmax": (nn.Softmax, ("dim",)),
    "adaptive_avg_pool2d": (nn.AdaptiveAvgPool2d, ("output_size",)),
    "max_pool2d": (
        nn.MaxPool2d,
        ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    ),
    "avg_pool2d": (
        nn.AvgPool2d,
        ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    ),
    "interpolate": (nn.Upsample, ("size", "scale_factor", "mode")),
    "pad": (lambda pad, value=None: nn.ConstantPad2d(tuple(pad), value or 0.0), ("pad",)),
    "clamp": (
        lambda min=None, max=None: nn.Hardtanh(
            -math.inf if min is None else min, math.inf if max is None else max
        ),
        ("min", "max"),
    ),
}
"""Functions that a module does as well: its constructor, and the arguments by place."""


def _as_module(call: Call) -> Feature:
    make, names = _MODULES[call.kind]
    given = {**dict(zip(names, call.args[1:], strict=False)), **call.kwargs}
    for name in set(given) - set(names):  # the others stand at their defaults, or are refused
        if name == "input" or name.startswith("_") or given[name] in (None, False):
            del given[name]
    if given.pop("mode", "constant") != "constant" and call.kind == "pad":
        raise call.refuse("pads with other values than a constant", "use mode='constant'")
    try:
        module = make(**given)
    except (TypeError, ValueError) as error:
        raise call.refuse(f"arguments {sorted(given)}", SUPPORTED) from error
    return importer(call.name, module)(Site(call.emit, call.name, call.x), module)


_CALLS: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys(_MODULES, _as_module),
    **dict.fromkeys(("add", "iadd", "add_", "sub", "isub"), _add),
    **dict.fromkeys(("mul", "imul", "truediv", "div"), _multiply),
    "neg": _negate,
    **dict.fromkeys(("cat", "concat", "concatenate"), _concatenate),
    **dict.fromkeys(("view", "reshape"), _reshape),
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    **dict.fromkeys(("chunk", "split"), _chunk),
    **dict.fromkeys(("contiguous", "dropout"), _same),
    "flatten": _flatten,
    "permute": _permute,
    "transpose": _transpose,
    "getitem": _item,
    "mean": _mean,
    "argmax": _argmax,
    "size": _size,
    "getattr": _attribute,
}
_ARITHMETIC: dict[str, Callable[..., int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
}
"""Between sizes."""

_MODULE_NAMES = ("torch", "_operator", "builtins")


def call_name(node: str, target: Any) -> str:
    """The name of a called function or method; refuses functions that are not PyTorch's."""
    if isinstance(target, str):
        return target
    home = (getattr(target, "__module__", None) or "torch").partition(".")[0]
    name = str(getattr(target, "__name__", target))
    if home not in _MODULE_NAMES:
        raise ShiftloomError(node, f"unsupported call {name!r}", SUPPORTED)
    return name


def evaluate(call: Call) -> Any:
    """What the call gives: a view, several, or numbers; refuses an unknown call by name."""
    sizes = (*call.args, *call.kwargs.values())
    if call.kind in _ARITHMETIC and all(isinstance(value, int) for value in sizes):
        return _ARITHMETIC[call.kind](*call.args)
    if call.kind not in _CALLS:
        raise ShiftloomError(call.name, f"unsupported call {call.kind!r}", SUPPORTED)
    return _CALLS[call.kind](call)
