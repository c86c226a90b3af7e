"""The dataflows. To add one: a folder beside `streaming/`, and one line in `DATAFLOWS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.streaming import schedule as streaming
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.plan import Plan
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.values import nearest


@dataclass(frozen=True, slots=True)
class Dataflow:
    """A way to turn any loop nest into hardware.

    `schedule` chooses everything for a board; `units` gives the hardware of a finished plan.
    """

    name: str
    schedule: Callable[[QGraph, Config, Board], tuple[Plan, tuple[Unit, ...]]]
    units: Callable[[QGraph, Plan], tuple[Unit, ...]]


DATAFLOWS = (
    Dataflow("streaming", streaming.schedule, streaming.units_of),
    Dataflow("pipeline", streaming.schedule, streaming.units_of),
    Dataflow("dadiannao", streaming.schedule, streaming.units_of),
    Dataflow("systolic", streaming.schedule, streaming.units_of),
)
"""One scheduler plans all of these: it asks for the dataflow of every layer, which may be mixed."""


def chosen(config: Config) -> Dataflow:
    """The dataflow that plans a network; raises ShiftloomError for a name that is unknown.

    The names that layers ask for are checked as well.
    """
    for name, layer in (("defaults", config.defaults), *config.layers.items()):
        if layer.dataflow is not None and layer.dataflow not in _names():
            problem = f"dataflow {shown(layer.dataflow)} is unknown"
            raise ShiftloomError(name, problem, nearest(layer.dataflow, _names()))
    return get(config.target.dataflow)


def get(name: str) -> Dataflow:
    """The dataflow `name`; raises ShiftloomError with the nearest known names."""
    for dataflow in DATAFLOWS:
        if dataflow.name == name:
            return dataflow
    raise ShiftloomError(f"dataflow {shown(name)}", "unknown", nearest(name, _names()))


def _names() -> tuple[str, ...]:
    return tuple(dataflow.name for dataflow in DATAFLOWS)
