"""Composition: every stream has one maker and one reader, in topological order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from graph_nets import SKETCHES, quantized
from graph_plans import random_choices
from refusals import refuses
from sketches import Sketch
from unit_graphs import single

from shiftloom.codegen import boards
from shiftloom.codegen.build import build, lower
from shiftloom.codegen.config import parse
from shiftloom.codegen.dataflows.streaming.compose import (
    Choices,
    compose,
    compose_part,
    input_elements,
)
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.fork import Fork
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.streaming.width import Width
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.plan import LanePlan, Plan
from shiftloom.codegen.qgraph import Crop, Gather, QGraph, QInput
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.values import IntType, Shape

UINT8 = IntType(8, signed=False)
JOINS = ("add", "concat")


def planned(name: str, seed: int = 1) -> tuple[QGraph, Choices]:
    """A sketch and a random plan of it."""
    qgraph = quantized(name).qgraph
    return qgraph, random_choices(qgraph, np.random.default_rng(seed))


@pytest.fixture(scope="module", params=SKETCHES)
def units(request: pytest.FixtureRequest) -> tuple[Unit, ...]:
    """The units of every sketch."""
    return compose(*planned(request.param))


def test_every_stream_has_one_maker_and_one_reader(units: tuple[Unit, ...]) -> None:
    made = [units[0].sources[0].name]
    read: list[str] = []
    for unit in units:
        assert {stream.name for stream in unit.sources} <= set(made) - set(read), unit.name
        read += [stream.name for stream in unit.sources]
        made += [stream.name for stream in unit.sinks]
    assert len(set(made)) == len(made)
    assert set(made) - set(read) == {units[-1].sinks[0].name}


def test_every_copy_of_a_value_comes_out_of_a_fifo(units: tuple[Unit, ...]) -> None:
    readers = {stream.name: unit for unit in units for stream in unit.sources}
    for unit in units:
        for stream in unit.sinks if isinstance(unit, Fork) else ():
            assert isinstance(readers[stream.name], Fifo | Fork)


def test_every_operand_of_a_join_comes_out_of_a_fifo(units: tuple[Unit, ...]) -> None:
    makers = {stream.name: unit for unit in units for stream in unit.sinks}
    for unit in units:
        for stream in unit.sources if unit.kind in JOINS else ():
            maker = makers[stream.name]
            maker = makers[maker.source.name] if isinstance(maker, Width) else maker
            assert isinstance(maker, Fifo), unit.name


@pytest.mark.parametrize("name", SKETCHES)
def test_outputs_are_bytes_one_element_a_beat(name: str) -> None:
    qgraph, choices = planned(name)
    sink = compose(qgraph, choices)[-1].sinks[0]
    assert sink.elements == 1
    assert sink.bits % 8 == 0
    assert sink.beats == sum(int(np.prod(qgraph.tensor(out).shape)) for out in qgraph.outputs)


@pytest.mark.parametrize(
    ("shapes", "elements"),
    [(((4, 4, 3),), 3), (((1, 1, 640),), 8), (((2, 2, 11),), 1), (((4, 4, 6), (1, 1, 4)), 2)],
)
def test_elements_of_an_input_beat(shapes: tuple[Shape, ...], elements: int) -> None:
    some = single(Gather((0,)), (1, 1, 1), UINT8, (1, 1, 1))
    tensor = some.inputs[0].tensor
    inputs = [QInput(f"in{i}", replace(tensor, shape=shape)) for i, shape in enumerate(shapes)]
    assert input_elements(replace(some, inputs=tuple(inputs))) == elements


@pytest.mark.parametrize(
    ("order", "lanes", "kind", "beats"),
    [
        ((2, 3, 0, 1), 4, "gather", 2),
        ((3, 2, 1, 0), 4, "gather", 4),
        ((4, 5, 6, 7), 4, "crop", 1),
        ((1, 2, 3, 4), 4, "crop", 4),
        ((0, 1, 6, 7, 0, 1), 2, "gather", 3),
    ],
)
def test_words_of_an_order(order: tuple[int, ...], lanes: int, kind: str, beats: int) -> None:
    """As many channels a beat as stay together, and divide all others."""
    qgraph = single(Gather(order), (2, 3, 8), UINT8, (2, 3, len(order)))
    (last,) = compose_part(qgraph, Choices(lanes=(LanePlan("unit", lanes),)), lanes)[-1:]
    assert (last.kind, last.sinks[0].folds) == (kind, beats)


def test_a_part_has_streams_of_its_own() -> None:
    qgraph, choices = planned("two_inputs")
    units = compose_part(qgraph, choices, 2)
    made = {stream.name for unit in units for stream in unit.sinks}
    inputs = [s for unit in units for s in unit.sources if s.name not in made]
    assert {(stream.name, stream.elements) for stream in inputs} == {("in0", 2), ("in1", 2)}


def test_a_name_of_two_streams_is_refused() -> None:
    qgraph = single(Crop(0, 0), (2, 2, 1), UINT8, (1, 1, 1))
    named = replace(qgraph, nodes=(replace(qgraph.nodes[0], name="pixels"),), outputs=("pixels",))
    problem = "its stream 'pixels' has the name of one of 'input'"
    with refuses(f"pixels: {problem}; rename one of the two"):
        compose(named, Choices())


def test_a_folding_that_the_pe_cannot_run_is_refused() -> None:
    qgraph, choices = planned("residual")
    first = choices.macs[0]
    macs = (replace(first, kind="mvu_shift", pe=3), *choices.macs[1:])
    with refuses(
        f"{first.node}: PE mvu_shift cannot run PE=3, SIMD={first.simd}; "
        "see the folding rules in docs/architecture.md"
    ):
        compose(qgraph, replace(choices, macs=macs))


def test_the_design_has_every_port() -> None:
    qgraph, choices = planned("two_inputs")
    units = compose(qgraph, choices)
    chosen = (choices.macs, choices.requants, choices.lanes, ())
    plan = Plan("streaming", boards.get("pynq-z2"), 100.0, *chosen, 1, 1)
    design = lower(qgraph, plan, units)
    assert design.source == units[0].sources[0]
    assert design.sink == units[-1].sinks[0]
    ports = {instance.name: instance for instance in design.instances}
    for unit in units:
        assert ports[unit.name].sources == tuple(stream.name for stream in unit.sources)
        assert ports[unit.name].sinks == tuple(stream.name for stream in unit.sinks)


@pytest.mark.parametrize(
    ("bits", "problem"),
    [
        ((12, 8), "in0: elements of 12 bits; the stream takes 8 or 16 bits"),
        (
            (8, 16),
            "in1: elements of 16 bits, those of in0 have 8; "
            "give all inputs elements of the same width",
        ),
    ],
)
def test_inputs_that_fill_no_bytes_are_refused(bits: tuple[int, int], problem: str) -> None:
    sketch = Sketch(np.random.default_rng(1))
    outputs = SKETCHES["two_inputs"](sketch)
    inputs = tuple(replace(x, bits=n) for x, n in zip(sketch.inputs, bits, strict=True))
    graph = Graph("net", inputs, tuple(sketch.nodes), outputs)
    frames = {x.name: np.zeros((4, *x.shape), np.int64) for x in inputs}
    for x in frames.values():
        x[1:] = 100
    network = quantize(graph, frames, parse({}))
    with refuses(problem):
        build(network, parse({}), boards.get("pynq-z2"))
