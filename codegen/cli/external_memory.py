"""The options of a command that say how a simulated external memory behaves."""

from __future__ import annotations

import re

from shiftloom.codegen.design import Design
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.rtl_sim.memory import MemoryModel

_RANGE = re.compile(r"([0-9]{1,6})(?::([0-9]{1,6}))?")


def model(
    design: Design, backend: str, latency: str | None, stall: float | None
) -> MemoryModel | None:
    """The memory that `--memory-latency` and `--memory-stall` describe; None without either.

    Raises ShiftloomError naming the option where nothing simulates such a memory, or its value.
    """
    if latency is None and stall is None:
        return None
    option = "--memory-stall" if latency is None else "--memory-latency"
    if design.memory is None:
        raise ShiftloomError(option, f"{design.name} has no external memory", "leave it out")
    if backend == "hls":
        raise ShiftloomError(option, "HLS C++ runs without clocks", "use --backend rtl or both")
    usual = MemoryModel()
    return MemoryModel(
        usual.latency if latency is None else _bounds(latency),
        usual.stall if stall is None else stall,
    )


def _bounds(text: str) -> int | tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if found is None:
        hint = "give clocks, as 40, or a range of them, as 20:200"
        raise ShiftloomError("--memory-latency", shown(text), hint)
    low, high = found.groups()
    return int(low) if high is None else (int(low), int(high))
