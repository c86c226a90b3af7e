"""The choice of every engine: the array, and how each operation runs on it.

All arrays that fit their share of the board are compared by the clocks of a frame. What is next to
an engine is planned as `streaming` or `pipeline` for it; where both do not fit together, the next
smaller array is tried.
"""

from __future__ import annotations

from collections.abc import Callable

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.dadiannao import search as dadiannao
from shiftloom.codegen.dataflows.engine import asked
from shiftloom.codegen.dataflows.engine.assigned import find
from shiftloom.codegen.dataflows.engine.candidate import Candidate, Wanted
from shiftloom.codegen.dataflows.engine.parts import Found
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.systolic import search as systolic
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.plan import EnginePlan, Plan
from shiftloom.codegen.qgraph import QGraph

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
    menus = [_menu(_wanted(part, config, board, len(parts))) for part in parts]
    for attempt in range(ATTEMPTS):
        engines = tuple(menu[min(attempt, len(menu) - 1)].plan for menu in menus)
        try:
            return scheduler(qgraph, config, board, engines)
        except ShiftloomError as error:
            is_last = attempt + 1 >= min(ATTEMPTS, max(map(len, menus)))
            if error.node != f"board {board.name}":
                raise
            if is_last:
                raise _refusal(error, config) from error
    raise AssertionError("every attempt returns or raises")


def _refusal(error: ShiftloomError, config: Config) -> ShiftloomError:
    """The planner's refusal, which speaks of a rate only where one is asked for."""
    hint = "use a smaller target.array, a larger share or board"
    return ShiftloomError(
        error.node, error.problem, hint if config.target.fps is None else error.hint
    )


def _wanted(part: Found, config: Config, board: Board, share: int) -> Wanted:
    """Each of several engines may take the same share."""
    target = config.target
    limits = Resources(
        board.lut * target.lut_share / share,
        board.ff * target.ff_share / share,
        board.dsp * target.dsp_share / share,
        board.bram36 * target.bram_share / share,
    )
    return Wanted(part, config, board, limits)


def _menu(wanted: Wanted) -> list[Candidate]:
    """The arrays for a part, the best one first: one that fits, of the fewest clocks.

    With a rate to reach, the smallest one that is fast enough comes first. If none fits, the
    smallest one alone, for the planner to refuse with its numbers. Raises ShiftloomError where the
    array that is asked for does not fit with its memories.
    """
    search = dadiannao.candidates if wanted.part.kind == "dadiannao" else systolic.candidates
    found = list(search(wanted))
    fitting = [each for each in found if wanted.fits(each)]
    if not fitting:
        smallest = min(found, key=lambda each: each.resources.lut)
        asked.check_built(wanted, smallest.resources)
        return [smallest]
    fitting.sort(key=lambda each: (each.cycles, each.traffic, each.resources.lut))
    enough = [each for each in fitting if wanted.allowed and each.cycles <= wanted.allowed]
    return [*sorted(enough, key=lambda each: each.resources.lut), *fitting]
