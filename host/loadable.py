"""What accelerator.json says of memories that can be loaded, checked before a file is read."""

from __future__ import annotations

import math

from shiftloom.host.json_entry import Entry

_MOST_MEMORIES, _MOST_BITS, _MOST_NUMBERS = 256, 62, 1 << 31


def check(load: Entry) -> None:
    """Refuse layers and constants that `loading` could not use; raises DesignError."""
    for layer in load.named("layers").values():
        shape = layer.sizes("shape")
        layer.whole("limit", 1)
        layer.whole("greatest_bias", layer.whole("least_bias"))
        _check_memory(layer.entry("codes"), math.prod(shape), (1,))
        bias = layer.entry("bias")
        _check_memory(bias, shape[0], (1,))
        for name in ("per_negative", "constant"):
            bias.whole(name)
    for constants in load.named("constants").values():
        constants.whole("shift", 0)
        _check_memory(constants, None, (1, 2))


def _check_memory(memory: Entry, count: int | None, fields: tuple[int, ...]) -> None:
    """A memory of `count` numbers for each of its fields; None: of any count."""
    memory.whole("index", 0, _MOST_MEMORIES - 1)
    widths = memory.sizes("fields")
    if len(widths) not in fields or max(widths) > _MOST_BITS:
        raise memory.wrong("fields", f"{' or '.join(map(str, fields))} of 1 to {_MOST_BITS} bits")
    axes = memory.sizes("axes")
    numbers = math.prod(axes)
    if count not in (None, numbers) or numbers > _MOST_NUMBERS:
        most = f"at most {_MOST_NUMBERS}" if count is None else count
        raise memory.wrong("axes", f"sizes of {most} numbers together")
    if sorted(memory.sizes("order", 0)) != list(range(len(axes))):
        raise memory.wrong("order", f"each of 0 to {len(axes) - 1} once")
    if numbers % memory.whole("words", 1):
        raise memory.wrong("words", f"a divisor of {numbers}")
