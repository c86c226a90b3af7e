"""A network beside what pruning leaves of it: its layers, its plan, its accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from shiftloom import flow
from shiftloom.codegen import boards
from shiftloom.codegen.config import Config, PruningConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.grids import number, percent
from shiftloom.codegen.pe import ConstantMatrix
from shiftloom.codegen.pruning import prune
from shiftloom.codegen.pruning.savings import LayerCost, Survey, survey
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.report import Change, LayerChange
from shiftloom.flow import Accuracy, Labels

_CELLS = (("lut", 0), ("ff", 0), ("dsp", 0), ("bram36", 1))
"""Cells of a plan, and the decimals that they are shown with."""


@dataclass(frozen=True, slots=True)
class Side:
    """What a network costs on the board, and how often it is right where that was tested."""

    survey: Survey
    accuracy: Accuracy | None


def compare(
    graph: Graph, frames: Frames, config: Config, test: tuple[Frames, Labels | None] | None
) -> tuple[Side, Side]:
    """The network before and after `config.pruning`, both quantized with `frames`.

    `test` holds frames and labels; raises ShiftloomError where nothing is to be pruned.
    """
    if config.pruning.method == "none":
        raise ShiftloomError("pruning.method", "is 'none'", "name one in a file for --config")
    whole = replace(config, pruning=PruningConfig())
    pruned = prune(graph, config)
    return _side(graph, frames, whole, test), _side(pruned, frames, config, test)


def _side(
    graph: Graph, frames: Frames, config: Config, test: tuple[Frames, Labels | None] | None
) -> Side:
    quantized = quantize(graph, frames, config)
    found = survey(quantized, config, boards.get(config.target.board))
    if test is None or test[1] is None or isinstance(test[0], Mapping):
        return Side(found, None)
    return Side(found, flow.accuracy(quantized, test[0], test[1]))


def layer_rows(before: Side, after: Side) -> tuple[LayerChange, ...]:
    """Each layer before and after, for a table; cells of the same kind of PE where that can be."""
    pairs = zip(before.survey.layers, after.survey.layers, strict=True)
    return tuple(_row(one, other) for one, other in pairs)


def _row(one: LayerCost, other: LayerCost) -> LayerChange:
    burnt_in = one.burnt_in is not None and other.burnt_in is not None
    kind = ConstantMatrix.kind
    return LayerChange(
        layer=one.layer,
        filters=(one.filters, other.filters),
        weights=(one.weights, other.weights),
        zeros=(one.zeros, other.zeros),
        products=(one.products, other.products),
        pe=(kind, kind) if burnt_in else (one.pe, other.pe),
        adders=(one.adders, other.adders),
        lut=(one.burnt_in, other.burnt_in) if burnt_in else (one.lut, other.lut),
        dsp=(0, 0) if burnt_in else (one.dsp, other.dsp),
    )


def figure_rows(before: Side, after: Side) -> tuple[Change, ...]:
    """The whole network before and after, for a table."""
    texts = [_texts(side) for side in (before, after)]
    return tuple(Change(label, texts[0][label], texts[1][label]) for label in texts[0])


def _texts(side: Side) -> dict[str, str]:
    plan, accuracy = side.survey.plan, side.accuracy
    cells = asdict(plan.resources) if plan else {}
    real, integer = (accuracy.real, accuracy.quantized) if accuracy else (None, None)
    return {
        "Weights other than 0": number(side.survey.weights),
        "Products a frame": number(side.survey.products),
        "Clocks between frames": number(plan.interval if plan else None),
        "Clocks of a frame alone": number(plan.latency if plan else None),
        **{name.upper(): number(cells.get(name), digits) for name, digits in _CELLS},
        "Accuracy, float": percent(real, 2),
        "Accuracy, integer": percent(integer, 2),
    }


def notes(before: Side, after: Side) -> tuple[str, ...]:
    """What the tables do not say, a sentence each."""
    refusals = (
        f"No plan {when} pruning: {side.survey.refusal}"
        for when, side in (("before", before), ("after", after))
        if side.survey.plan is None
    )
    pairs = zip(before.survey.layers, after.survey.layers, strict=True)
    idle = ", ".join(b.layer for a, b in pairs if b.adders is None and b.zeros > a.zeros)
    moved = ", ".join(row.layer for row in layer_rows(before, after) if row.pe[0] != row.pe[1])
    empty = ", ".join(
        f"{layer.layer} {layer.blocks[0]:,} of {layer.blocks[1]:,}"
        for layer in after.survey.layers
        if layer.blocks
    )
    saving = f"Zeros save no hardware in {idle}: their PEs multiply by 0 as well."
    return (
        "Cells are predicted: of a constant PE for a vector a clock where a layer is small enough "
        "for one before and after, else of the PE in the plan.",
        *([saving] if idle else []),
        *([f"Blocks of 0, steps that an engine skips: {empty}."] if empty else []),
        *([f"The plan gave {moved} another PE; that moved their cells."] if moved else []),
        *refusals,
    )


def figures(before: Side, after: Side) -> dict[str, Any]:
    """Everything found, for a JSON file."""
    return {"before": asdict(before), "after": asdict(after)}
