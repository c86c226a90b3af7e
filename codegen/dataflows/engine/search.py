"""The choice of every engine: the array, and how each operation runs on it.

All arrays that fit their share of the board are compared by the clocks of a frame. What is next to
an engine is planned as `streaming` or `pipeline` for it; where both do not fit together, the next
smaller array is tried.
"""

from __future__ import annotations

from collections.abc import Callable

from shiftloom.codegen import cost
from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.dadiannao import search as dadiannao
from shiftloom.codegen.dataflows.engine.build import with_engines
from shiftloom.codegen.dataflows.engine.candidate import Candidate
from shiftloom.codegen.dataflows.engine.parts import Found, find
from shiftloom.codegen.dataflows.streaming.compose import Choices, compose_part, input_elements
from shiftloom.codegen.dataflows.streaming.stages import cut
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.systolic import search as systolic
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, Plan
from shiftloom.codegen.qgraph import Part, QGraph

Scheduled = tuple[Plan, tuple[Unit, ...]]
Scheduler = Callable[[QGraph, Config, Board, tuple[EnginePlan, ...]], Scheduled]
ATTEMPTS = 4
"""Arrays that are tried with all that is next to them."""


def plan_engines(qgraph: QGraph, config: Config, board: Board, scheduler: Scheduler) -> Scheduled:
    """The schedule of a network whose engines, if there are any, are chosen first.

    Raises ShiftloomError where no array can run a part, or where nothing fits the board.
    """
    parts = find(qgraph, config)
    if not parts:
        return scheduler(qgraph, config, board, ())
    if config.target.objective == "latency":
        raise ShiftloomError(
            "target.objective",
            f"'latency' cannot be planned with the engine of {parts[0].nodes[-1]!r}",
            "use objective: interval",
        )
    menus = [_menu(qgraph, part, config, board, len(parts)) for part in parts]
    for attempt in range(ATTEMPTS):
        engines = tuple(menu[min(attempt, len(menu) - 1)].plan for menu in menus)
        try:
            return scheduler(qgraph, config, board, engines)
        except ShiftloomError as error:
            is_last = attempt + 1 >= min(ATTEMPTS, max(map(len, menus)))
            if error.node != f"board {board.name}" or is_last:
                raise
    raise AssertionError("every attempt returns or raises")


def _menu(qgraph: QGraph, part: Found, config: Config, board: Board, share: int) -> list[Candidate]:
    """The arrays for a part, the best one first: one that fits, of the fewest clocks.

    With a rate to reach, the smallest one that is fast enough comes first.
    """
    search = dadiannao.candidates if part.kind == "dadiannao" else systolic.candidates
    found = list(search(part, config, board))
    sizes = {each.plan: _resources(qgraph, each.plan, config) for each in found}
    fitting = [each for each in found if _fits(sizes[each.plan], config, board, share)]
    if not fitting:
        return [min(found, key=lambda each: sizes[each.plan].lut)]
    fitting.sort(key=lambda each: (each.cycles, each.traffic, sizes[each.plan].lut))
    fps, clock = config.target.fps, config.target.clock_mhz or board.clock_mhz
    if fps is not None:
        enough = [each for each in fitting if each.cycles <= clock * 1e6 / fps]
        enough.sort(key=lambda each: sizes[each.plan].lut)
        return [*enough, *fitting]
    return fitting


def _resources(qgraph: QGraph, plan: EnginePlan, config: Config) -> Resources:
    """Predicted resources of an engine with what its streams need."""
    stages = cut(with_engines(qgraph, (plan,)), config)
    stage = next(each for each in stages if isinstance(each.node.unit, Part))
    return cost.total(
        compose_part(stage.head, Choices(engines=(plan,)), input_elements(stage.head))
    )


def _fits(used: Resources, config: Config, board: Board, share: int) -> bool:
    """Whether an engine fits its part of what the plan may take of the board."""
    target = config.target
    return (
        used.lut * share <= board.lut * target.lut_share
        and used.ff * share <= board.ff * target.ff_share
        and used.dsp * share <= board.dsp * target.dsp_share
        and used.bram36 * share <= board.bram36 * target.bram_share
    )
