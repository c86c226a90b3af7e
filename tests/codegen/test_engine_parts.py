"""The parts of a network that become engines, what they refuse, and the network around them."""

from __future__ import annotations

from dataclasses import replace

import graph_nets
import pytest
from refusals import refuses

from shiftloom.codegen import boards, golden, store
from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.dataflows import registry
from shiftloom.codegen.dataflows.engine import loops
from shiftloom.codegen.dataflows.engine.assigned import find
from shiftloom.codegen.dataflows.engine.build import with_engines
from shiftloom.codegen.dataflows.engine.parts import part_of, reduced
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.plan import Plan
from shiftloom.codegen.qgraph import Part, QGraph

BOARD = boards.get("pynq-z2")


def _qgraph(name: str) -> QGraph:
    return graph_nets.quantized(name).qgraph


def _config(dataflow: str, layers: dict[str, str] | None = None, **target: object) -> Config:
    named = {name: {"dataflow": kind} for name, kind in (layers or {}).items()}
    return parse({"target": {"dataflow": dataflow, **target}, "layers": named})


def _scheduled(qgraph: QGraph, config: Config) -> tuple[Plan, tuple[Unit, ...]]:
    return registry.chosen(config).schedule(qgraph, config, BOARD)


def test_a_whole_network_is_one_part() -> None:
    qgraph = _qgraph("residual")
    (part,) = find(qgraph, _config("dadiannao"))
    assert part.nodes[-1] == "linear15"
    assert set(part.nodes) == {node.name for node in qgraph.nodes} - {"linear15_requant"}


def test_streaming_layers_cut_a_network() -> None:
    qgraph = _qgraph("residual")
    (part,) = find(qgraph, _config("dadiannao", {"conv2d0": "streaming"}))
    assert part.graph.inputs[0].name == "relu1_requant"
    assert part.nodes[0] == "conv2d2"
    (part,) = find(qgraph, _config("streaming", {"conv2d2": "dadiannao"}))
    assert part.nodes == ("conv2d2",)


def test_a_sum_of_activations_is_no_result() -> None:
    layers = {"linear15": "streaming"}
    with refuses(
        "relu6_requant: is read by 'conv2d7' outside of its engine, which emits 'conv2d10' only; "
        "use dataflow: dadiannao for 'linear15', or dataflow: streaming for the 5 layers with "
        "weights from 'conv2d2' to 'conv2d10'"
    ):
        find(_qgraph("residual"), _config("dadiannao", layers))


def test_the_network_around_an_engine_computes_the_same() -> None:
    qgraph = _qgraph("residual")
    x = graph_nets.frames(graph_nets.quantized("residual").graph, 2, 1)
    for layers in ({}, {"conv2d0": "streaming"}):
        (part,) = find(qgraph, _config("systolic", layers))
        around = reduced(qgraph, [(part.graph, 20)])
        assert sum(isinstance(node.unit, Part) for node in around.nodes) == 1
        assert len(around.nodes) < len(qgraph.nodes)
        assert (golden.run(around, x) == golden.run(qgraph, x)).all()


def test_sums_of_an_engine_stay_as_wide_behind_a_maximum() -> None:
    qgraph = _qgraph("two_outputs")
    part = part_of(qgraph, ("conv2d0",))
    around = reduced(qgraph, [(part, 21)])
    assert around.tensor("conv2d0").type.bits == 21
    assert around.tensor("maxpool2d2").type.bits == 21
    assert around.tensor("maxpool2d2_requant").type.bits == 8


def test_two_results() -> None:
    with refuses(
        "maxpool2d2: is read by 'maxpool2d2_logits' outside of its engine, "
        "which emits 'conv2d5' only; use dataflow: streaming for 'conv2d0'"
    ):
        find(_qgraph("two_outputs"), _config("dadiannao"))


def test_two_inputs() -> None:
    with refuses(
        "conv2d5: its engine would read 'in0' and 'in1', it can read one value; "
        "use dataflow: streaming for 'conv2d2' and 'conv2d5'"
    ):
        find(_qgraph("two_inputs"), _config("dadiannao"))
    layers = {"conv2d2": "streaming", "conv2d5": "streaming"}
    (part,) = find(_qgraph("two_inputs"), _config("dadiannao", layers))
    assert part.nodes == ("conv2d0",)


def test_a_part_cut_twice_is_refused_before_any_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("shiftloom.codegen.dataflows.systolic.search.candidates")
    layers = {"conv2d2": "streaming", "conv2d7": "streaming"}
    with refuses(
        "relu1_requant: is read by 'conv2d2' outside of its engine, which emits 'linear15' only; "
        "use dataflow: systolic for 'conv2d2' and 'conv2d7', or dataflow: streaming for "
        "'conv2d4' and 'conv2d9' and 'conv2d10' and 'linear15'"
    ):
        _scheduled(_qgraph("residual"), _config("systolic", layers))


def test_one_part_uses_the_external_memory() -> None:
    layers = {"conv2d0": "systolic", "linear15": "systolic"}
    with refuses(
        "linear15: ends a part for systolic beside that of 'conv2d0', "
        "one engine can use the external memory; "
        "use dataflow: streaming for 'linear15'"
    ):
        find(_qgraph("residual"), _config("streaming", layers))
    both = {"conv2d0": "dadiannao", "linear15": "dadiannao"}
    assert len(find(_qgraph("residual"), _config("streaming", both))) == 2


def test_a_network_for_which_no_single_change_helps() -> None:
    qgraph = _qgraph("single")
    with refuses("conv2d0: raw sums of an engine are an output; use target.dataflow: streaming"):
        find(replace(qgraph, outputs=("conv2d0",)), _config("dadiannao"))


@pytest.mark.parametrize(
    ("layer", "key", "value"),
    [
        *(("conv2d2", "folding", [1, 1]), ("conv2d2", "pe", "shift"), ("conv2d2", "digit", 2)),
        *(("conv2d2", "requant", "thresholds"), ("add5", "requant_dsp", True)),
    ],
)
def test_settings_of_other_hardware_on_an_engine(layer: str, key: str, value: object) -> None:
    qgraph = _qgraph("residual")
    given = {"target": {"dataflow": "dadiannao"}, "layers": {layer: {key: value}}}
    written = tuple(value) if isinstance(value, list) else value
    with refuses(
        f"layers.{layer}.{key}: {written!r} means nothing on an engine of dadiannao; "
        "leave it out, or give the layer the dataflow streaming or pipeline"
    ):
        find(qgraph, parse(given))
    assert find(qgraph, parse({**given, "layers": {}, "defaults": {key: value}}))
    streams = {"conv2d0": {"dataflow": "streaming", "pe": "shift", "folding": [1, 1]}}
    assert find(qgraph, parse({**given, "layers": streams}))
    assert find(qgraph, parse({**given, "layers": {"linear15": {"requant_dsp": True}}}))


def test_latency_is_no_objective_of_an_engine() -> None:
    with refuses(
        "target.objective: 'latency' cannot be planned with the engine of 'linear15'; "
        "use objective: interval"
    ):
        _scheduled(_qgraph("residual"), _config("dadiannao", objective="latency"))


@pytest.mark.parametrize(
    ("dataflow", "layers"),
    [
        ("dadiannao", {}),
        ("systolic", {}),
        ("dadiannao", {"conv2d0": "pipeline"}),
        ("streaming", {"conv2d2": "dadiannao"}),
    ],
)
def test_a_plan_that_is_read_back_makes_the_same_units(
    dataflow: str, layers: dict[str, str]
) -> None:
    qgraph, config = _qgraph("residual"), _config(dataflow, layers, array=[8, 8])
    plan, units = _scheduled(qgraph, config)
    structure, arrays = store.save(plan)
    again = store.load(structure, arrays, "plan")
    assert again == plan
    assert registry.get(plan.dataflow).units(qgraph, again) == units
    assert [engine.kind for engine in plan.engines] == [dataflow if not layers else "dadiannao"]
    assert plan.interval >= max(unit.cycles() for unit in units)


def test_a_rate_takes_the_smallest_array_that_is_fast_enough() -> None:
    qgraph = _qgraph("residual")
    fastest, _ = _scheduled(qgraph, _config("dadiannao"))
    slow, _ = _scheduled(qgraph, _config("dadiannao", fps=BOARD.clock_mhz * 1e6 / 10_000))
    assert slow.engines[0].rows < fastest.engines[0].rows
    assert slow.interval <= 10_000


def test_arrays_that_are_none() -> None:
    qgraph = _qgraph("residual")
    with refuses(
        "target.array: [8, 16] is no array of dadiannao; "
        "use as many rows as columns, a power of two from 4 on"
    ):
        _scheduled(qgraph, _config("dadiannao", array=[8, 16]))
    with refuses(
        "target.array: [4, 8] is no array of systolic; "
        "use a power of two from 8 on as rows, and columns that are a multiple of them"
    ):
        _scheduled(qgraph, _config("systolic", array=[4, 8]))


def test_a_board_without_memory_ports() -> None:
    config = _config("systolic")
    with refuses(
        "board ecp5-85k: has 0 memory ports, systolic needs 3; "
        "use dadiannao or streaming, or a board with memory ports"
    ):
        registry.chosen(config).schedule(_qgraph("residual"), config, boards.get("ecp5-85k"))


def test_a_row_that_fits_no_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftloom.codegen.dataflows.systolic.menus.BUFFERS", (16,))
    with refuses(
        "relu1_requant: a row of its output reads 21 words of 8 channels, "
        "a tile buffer holds at most 16; "
        "use an array with more rows, or another dataflow for the layer"
    ):
        _scheduled(_qgraph("residual"), _config("systolic", array=[8, 8]))


def test_a_bandwidth_of_zero() -> None:
    with refuses("configuration: target.memory_gbs: 0; input should be greater than 0"):
        parse({"target": {"memory_gbs": 0}})


def test_a_slow_memory_makes_the_plan_slower() -> None:
    qgraph = _qgraph("residual")
    fast, _ = _scheduled(qgraph, _config("systolic", array=[8, 8]))
    slow, _ = _scheduled(qgraph, _config("systolic", array=[8, 8], memory_gbs=0.01))
    assert slow.engines[0].memory_clocks > fast.interval
    assert slow.interval >= slow.engines[0].memory_clocks


def test_loops_are_shown() -> None:
    qgraph = _qgraph("residual")
    plan, _ = _scheduled(qgraph, _config("dadiannao", array=[4, 4]))
    assert dict(loops.nests(qgraph, plan.engines[0]))["relu8_requant"] == (
        "for y in 5, x in 4:\n"
        "  for co in 2:  # 4 outputs\n"
        "    for ky in 3, kx in 3:\n"
        "      [parallel: 4 outputs × 4 inputs]"
    )
    tiled, _ = _scheduled(qgraph, _config("systolic", array=[8, 8]))
    text = dict(loops.nests(qgraph, tiled.engines[0]))["relu8_requant"]
    assert text.endswith("# weights stay\n        [parallel: 8 outputs × 8 inputs]")
    kept, _ = _scheduled(qgraph, _config("systolic", array=[8, 8], stationary="output"))
    text = dict(loops.nests(qgraph, kept.engines[0]))["relu8_requant"]
    assert text.endswith(
        "    for ky in 3, kx in 3:\n"
        "      for input in 8:  # outputs stay\n"
        "        [parallel: 8 pixels × 8 outputs]"
    )
    assert "for pixel" not in text


def test_engines_of_no_plan_change_nothing() -> None:
    qgraph = _qgraph("residual")
    assert with_engines(qgraph, ()) is qgraph
    assert find(qgraph, _config("streaming")) == ()
