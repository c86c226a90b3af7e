"""How things are called: what the driver or its stand-in uses of pynq, and differences in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

CLASSES = {
    "Overlay": ("__init__",),
    "MMIO": ("__init__", "read", "write_mm"),
    "DefaultIP": ("__init__",),
    "PynqBuffer": ("flush", "invalidate", "freebuffer", "physical_address"),
    "Interrupt": ("wait",),
    "DMA": ("read", "write"),
    "_SDMAChannel": ("transfer", "wait", "wait_async", "start", "stop", "idle"),
}
VARIABLES = {"DMA": ("buffer_max_size",), "_SDMAChannel": ("transferred",)}
"""What an object of the class sets itself."""
FUNCTIONS = ("allocate", "get_rails")


def differences(real: Any, other: Any, names: tuple[str, ...]) -> Iterator[str]:
    """What is called otherwise, or is another kind of thing."""
    for name in names:
        theirs, ours = getattr(real, name, None), getattr(other, name)
        if isinstance(ours, property):
            if not isinstance(theirs, property):
                yield f"{name} is no property"
        elif theirs is None:
            yield f"{name} is missing"
        elif shape(theirs) != shape(ours):
            yield f"{name}{shape(theirs)} is {shape(ours)}"


def shape(function: Callable[..., Any]) -> list[Any]:
    """Whether it is a coroutine; its parameters with their kinds and defaults."""
    parameters = inspect.signature(function).parameters.values()
    shapes = [(each.name, each.kind, each.default) for each in parameters]
    return [inspect.iscoroutinefunction(function), *shapes]
