"""The parts of a network that its settings give to engines, or what settings would work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shiftloom.codegen.config import Config, LayerConfig
from shiftloom.codegen.contradictions import ENGINES
from shiftloom.codegen.dataflows.engine.parts import Found, split
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.codegen.qgraph import Mac, QGraph, QNode, Requantize, ScaledAdd
from shiftloom.codegen.quality import operand_of

_OF_WEIGHTS = ("folding", "pe", "digit")
_OF_REQUANT = ("requant", "requant_dsp")
_STORING = (Requantize, ScaledAdd)
_NAMED = 4
"""Layers that a hint names one by one."""


def find(qgraph: QGraph, config: Config) -> tuple[Found, ...]:
    """The parts of a network that its settings give to engines.

    Raises ShiftloomError naming a value where they are none that engines can run, with layers whose
    dataflow to change, and naming a setting of a layer that means nothing on its engine.
    """
    try:
        found = split(qgraph, config)
    except ShiftloomError as error:
        raise ShiftloomError(error.node, error.problem, _way_out(qgraph, config)) from error
    for part in found:
        _check_settings(part, config)
    return found


def _check_settings(part: Found, config: Config) -> None:
    """Refuse what a layer of its own sets for units that its engine does not have."""
    plain = LayerConfig()
    for node in part.graph.nodes:
        _check_quality(part, node)
        layer = config.layer(node.layer)
        makes_sums, stores = isinstance(node.unit, Mac), isinstance(node.unit, _STORING)
        for key in (*_OF_WEIGHTS * makes_sums, *_OF_REQUANT * stores):
            value = getattr(layer, key)
            if value not in (getattr(config.defaults, key), getattr(plain, key)):
                raise ShiftloomError(
                    f"layers.{node.layer}.{key}",
                    f"{shown(value)} means nothing on an engine of {part.kind}",
                    "leave it out, or give the layer the dataflow streaming or pipeline",
                )


def _check_quality(part: Found, node: QNode) -> None:
    """Refuse a unit whose quality can be chosen: an engine keeps all digits."""
    operand = operand_of(node.unit)
    if operand is None:
        return
    key = "requant" if operand[0] == "m" else "pe"
    raise ShiftloomError(
        node.name,
        f"{key}: csd, and an engine of {part.kind} keeps all digits",
        f"leave {key}: csd out, or give the layer the dataflow streaming or pipeline",
    )


def _way_out(qgraph: QGraph, config: Config) -> str:
    """The fewest layers at either end, or that cut a part, whose dataflow makes it work."""
    ways = []
    for kind in sorted(config.dataflows & set(ENGINES)):
        inside, outside = _weighted(qgraph, config, kind)
        ways += _first(qgraph, config, kind, _joining(outside))
        ways += _first(qgraph, config, "streaming", _leaving(inside))
    return "use " + (", or ".join(ways) if ways else "target.dataflow: streaming")


def _weighted(qgraph: QGraph, config: Config, kind: str) -> tuple[list[str], list[str]]:
    """The layers with weights of a dataflow, and all others, in the order of the network."""
    layers = list(dict.fromkeys(n.layer for n in qgraph.nodes if isinstance(n.unit, Mac)))
    inside = [name for name in layers if config.dataflow(name) == kind]
    return inside, [name for name in layers if name not in inside]


def _joining(outside: Sequence[str]) -> Iterator[Sequence[str]]:
    """Layers to give to an engine: any single one, or all."""
    yield from ((name,) for name in outside)
    if len(outside) > 1:
        yield outside


def _leaving(inside: Sequence[str]) -> Iterator[Sequence[str]]:
    """Layers to take from an engine: some of the last or of the first, the fewest first."""
    for count in range(1, len(inside)):
        yield inside[-count:]
        yield inside[:count]


def _first(
    qgraph: QGraph, config: Config, dataflow: str, choices: Iterator[Sequence[str]]
) -> list[str]:
    """The first choice of layers for a dataflow that leaves parts which engines can run."""
    for names in choices:
        given = {name: replace(config.layer(name), dataflow=dataflow) for name in names}
        try:
            found = split(qgraph, replace(config, layers={**config.layers, **given}))
        except ShiftloomError:
            continue
        if found:
            return [f"dataflow: {dataflow} for {_listed(names)}"]
    return []


def _listed(names: Sequence[str]) -> str:
    if len(names) > _NAMED:
        return f"the {len(names)} layers with weights from {names[0]!r} to {names[-1]!r}"
    return " and ".join(repr(name) for name in names)
