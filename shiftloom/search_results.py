"""What a search found: its networks measured in integers, as rows, figures and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from shiftloom import flow
from shiftloom.codegen import config as configuration
from shiftloom.codegen import files
from shiftloom.codegen import fitted as fitting
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.mixed.outcome import LayerChoice, Measured
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import Quantized, weight_traffic
from shiftloom.flow import Labels
from shiftloom.models.sensitivity.alone import Progress
from shiftloom.search import Budget, Chosen, Space
from shiftloom.subject import Subject, part

CHOSEN = "chosen"
"""Name of the network within the budget."""


@dataclass(frozen=True, slots=True)
class TestSet:
    """Frames and labels that no choice depends on."""

    frames: Frames
    labels: Labels

    __test__ = False  # for pytest, which collects names like this

    def accuracy(self, quantized: Quantized) -> float:
        """Share of frames that the integers classify right."""
        return flow.integer_accuracy(quantized, self.frames, self.labels)


def test_set(
    subject: Subject, graph: Graph, frame_file: Path | None, images: int | None
) -> TestSet | None:
    """The test frames, or the first `images`; None for a model without any, or without labels."""
    if subject.network is None and frame_file is None:
        return None
    frames, labels = subject.test(graph, frame_file)
    return None if labels is None else TestSet(part(frames, 0, images), labels[:images])


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that a search shows.

    `uniform` are the networks with one candidate everywhere, `chosen` the one within the budget,
    `front` those between the least and the most.
    """

    network: str
    by: str
    unit: str
    layers: tuple[LayerChoice, ...]
    uniform: tuple[Measured, ...]
    chosen: Measured | None
    front: tuple[Measured, ...]
    settings: bytes
    """Of the chosen network, as a YAML file; empty without a budget."""

    @property
    def rows(self) -> tuple[Measured, ...]:
        """All networks."""
        return (*self.uniform, *self.front, *((self.chosen,) if self.chosen else ()))

    def figures(self) -> dict[str, Any]:
        """All of this as plain data."""
        return {
            "network": self.network,
            "by": self.by,
            "unit": self.unit,
            "layers": [asdict(layer) for layer in self.layers],
            "uniform": [asdict(row) for row in self.uniform],
            "front": [asdict(row) for row in self.front],
            "chosen": asdict(self.chosen) if self.chosen else None,
        }


def outcome(
    space: Space,
    by: str,
    budget: Budget,
    front: int | None,
    test: TestSet | None,
    progress: Progress,
) -> Outcome:
    """Choose within the budget, and at `front` budgets, and measure every network in integers."""
    chosen = None if budget.limit is None else space.within(budget.limit)
    along = () if front is None else space.along(front)
    total = space.damages.sum(axis=0).tolist()
    named = [
        *((v.name, Chosen(v, damage)) for v, damage in zip(space.uniform, total, strict=True)),
        *((each.variant.name, each) for each in along),
        *([(CHOSEN, chosen)] if chosen else []),
    ]
    known: dict[tuple[str, ...], float] = {}
    rows = []
    for index, (name, each) in enumerate(named, 1):
        choices = tuple(each.variant.choices.values())
        if test is not None and choices not in known:
            known[choices] = test.accuracy(each.variant.quantized)
        rows.append(_measured(name, each, known.get(choices)))
        progress(index, len(named))
    count = len(space.uniform)
    return Outcome(
        space.problem.network.name,
        by,
        budget.meter.unit,
        _choices(space, chosen),
        tuple(rows[:count]),
        rows[-1] if chosen else None,
        tuple(rows[count : count + len(along)]),
        _settings(chosen) if chosen else b"",
    )


def _measured(name: str, chosen: Chosen, accuracy: float | None) -> Measured:
    variant = chosen.variant
    macs = [n.unit for n in variant.quantized.qgraph.nodes if isinstance(n.unit, Mac)]
    sizes = [mac.weights.data.size for mac in macs]
    widths = [mac.codes.format.bits for mac in macs]
    return Measured(
        name,
        variant.choices,
        chosen.damage,
        variant.cost,
        weight_traffic(variant.quantized.qgraph).quantized_bits,
        float(np.average(widths, weights=sizes)),
        accuracy,
    )


def _choices(space: Space, chosen: Chosen | None) -> tuple[LayerChoice, ...]:
    ops = {node.name: node.op for node in space.problem.graph.nodes}
    names = [candidate.name for candidate in space.problem.candidates]
    rows = []
    for layer, damages in zip(space.problem.layers, space.damages.tolist(), strict=True):
        op = ops[layer]
        assert isinstance(op, fitting.Layer)
        rows.append(
            LayerChoice(
                layer,
                op.weights.data.size,
                dict(zip(names, damages, strict=True)),
                chosen.variant.choices[layer] if chosen else None,
                chosen.variant.by_layer[layer] if chosen else None,
            )
        )
    return tuple(rows)


def _settings(chosen: Chosen) -> bytes:
    """The settings of a network as YAML, as `shiftloom build --config` takes them."""
    plain = json.loads(json.dumps(chosen.variant.settings))  # a value is written out each time
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    assert configuration.parse(yaml.safe_load(text)) == chosen.variant.settled.config
    return text.encode()


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the settings go, and the chart of a front; None for what is not asked for."""

    settings: Path | None
    chart: Path | None

    def files(self, outcome: Outcome) -> Mapping[Path, bytes]:
        """What a search writes; there is no chart without accuracies."""
        made = {} if self.settings is None else {self.settings: outcome.settings}
        if self.chart is not None and all(row.accuracy is not None for row in outcome.rows):
            made[self.chart] = _chart(outcome)
        return made


def targets(given: Path | None, budget: Budget, front: int | None, network: str) -> Targets:
    """The files of a search, settings at `given` or a default.

    Raises ShiftloomError for a name that is not YAML's, for settings without a budget, and where
    the chart library is not installed.
    """
    if given is not None and budget.limit is None:
        raise ShiftloomError(
            f"--output {given}", "without a budget nothing is chosen", "leave it out"
        )
    files.check_suffix("--output", given, (".yaml", ".yml"), "settings are written")
    if front is not None and find_spec("altair") is None:
        raise ShiftloomError(
            "--front", "altair is not installed", "pip install 'shiftloom[report]'"
        )
    settings = given or Path("out") / f"{network}.yaml"
    chart = Path("out") / f"{network}.results" / "front.svg"
    return Targets(None if budget.limit is None else settings, None if front is None else chart)


def _chart(outcome: Outcome) -> bytes:
    """Accuracy against cost."""
    from shiftloom.codegen import charts

    points = [
        charts.Point(row.cost, 100 * (row.accuracy or 0), series)
        for series, rows in (("mixed", outcome.front), ("uniform", outcome.uniform))
        for row in rows
    ]
    drawn = charts.points(points, outcome.unit, "accuracy in integers (%)")
    return charts.standalone(drawn).encode()
