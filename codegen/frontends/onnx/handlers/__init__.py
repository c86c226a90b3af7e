"""One handler for each ONNX operator, by family: what a node becomes in the graph."""

from __future__ import annotations

from collections.abc import Callable

from shiftloom.codegen.frontends.emitter import Emitter
from shiftloom.codegen.frontends.onnx.call import Call
from shiftloom.codegen.frontends.onnx.handlers import (
    activations,
    arithmetic,
    integer,
    layers,
    layout,
    pools,
    qdq,
    qonnx,
    routing,
)
from shiftloom.codegen.frontends.onnx.load import QONNX_DOMAINS
from shiftloom.codegen.frontends.onnx.values import Value

Handler = Callable[[Emitter, Call], Value | tuple[Value, ...]]
"""Values of the outputs; raises ShiftloomError naming the node it cannot import."""

STANDARD: dict[str, Handler] = dict(
    (
        *layers.HANDLERS,
        *pools.HANDLERS,
        *activations.HANDLERS,
        *arithmetic.HANDLERS,
        *layout.HANDLERS,
        *routing.HANDLERS,
        *qdq.HANDLERS,
        *integer.HANDLERS,
    )
)

HANDLERS: dict[str, dict[str, Handler]] = {
    "": STANDARD,
    "ai.onnx": STANDARD,
    "com.microsoft": dict((*integer.MICROSOFT, *qdq.HANDLERS)),
    **{domain: dict(qonnx.HANDLERS) for domain in QONNX_DOMAINS},
}
"""By domain and operator."""
