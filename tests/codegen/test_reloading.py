"""Weights that are loaded at run time: what of a build depends on them, and what it holds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import reload_nets as nets
from networks import chain, conv
from refusals import refuses

from shiftloom.codegen import golden, loading, reloading, store
from shiftloom.codegen.build import Build, emit, lower
from shiftloom.codegen.config import parse
from shiftloom.codegen.design import Design, Load, Rom, RomPort
from shiftloom.codegen.graph import GraphInput
from shiftloom.codegen.qgraph import Mac, QGraph, Requantize
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.reloading import BuildWeights
from shiftloom.codegen.requant import Requantization, refit
from shiftloom.codegen.values import Array, IntType


@cache
def build() -> Build:
    return nets.build()


@cache
def weights() -> BuildWeights:
    return nets.other(build())[1]


def units(qgraph: QGraph) -> dict[str, Any]:
    return {node.name: node.unit for node in qgraph.nodes}


def test_the_digest_depends_on_no_weight_that_is_loaded() -> None:
    made = build()
    qgraph = reloading.loaded(made.quantized.qgraph, weights())
    assert qgraph != made.quantized.qgraph
    assert lower(qgraph, made.plan, made.units).digest == made.design.digest
    fixed = replace(units(qgraph)["conv"], limit=0)
    changed = tuple(replace(n, unit=fixed) if n.name == "conv" else n for n in qgraph.nodes)
    assert lower(replace(qgraph, nodes=changed), made.plan, made.units).digest != made.design.digest


def test_emitted_files_differ_in_the_first_words_alone() -> None:
    made = build()
    qgraph = reloading.loaded(made.quantized.qgraph, weights())
    units = tuple(
        replace(unit, mac=node.unit)
        if isinstance(node.unit, Mac) and hasattr(unit, "mac")
        else replace(unit, function=node.unit.requantization)
        if isinstance(node.unit, Requantize) and hasattr(unit, "function")
        else unit
        for unit in made.units
        for node in qgraph.nodes
        if node.name == unit.node
    )
    design = lower(qgraph, made.plan, units)
    files = emit(replace(made.quantized, qgraph=qgraph), made.plan, design)
    changed = {name for name in files if files[name] != made.files[name]}
    memories = {each.rom.module for each in loading.loadable(made.design)}
    assert {name for name in changed if name.startswith("rtl/")} == {
        f"rtl/{module}.sv" for module in memories
    }
    assert "host/accelerator.json" not in changed


@pytest.mark.parametrize("phi", [4, 2, 1])
def test_other_weights_in_a_build_are_those_of_their_own_network(phi: int) -> None:
    made = build()
    quantized, other = nets.other(made, 7, phi)
    frames = nets.frames(3, 64)
    loaded = golden.run(reloading.loaded(made.quantized.qgraph, other), frames)
    np.testing.assert_array_equal(loaded, golden.run(quantized.qgraph, frames))
    assert (loaded != golden.run(made.quantized.qgraph, frames)).any()


def test_its_own_weights_give_the_build_again() -> None:
    qgraph = build().quantized.qgraph
    own = reloading.weights_of(qgraph, build().design.digest)
    assert reloading.loaded(qgraph, own) == qgraph


def test_sums_stay_in_their_type_at_the_worst_weights_and_biases() -> None:
    qgraph = build().quantized.qgraph
    for node in qgraph.nodes:
        if isinstance(node.unit, Mac):
            low, high = reloading.bias_range(qgraph, node)
            worst = 4 * node.unit.lanes * 255
            assert low - worst == node.out.type.lo
            assert high + worst == node.out.type.hi
            assert high >= worst


def changed(name: str, **values: Any) -> BuildWeights:
    """The weights with other values of a layer or of a requantization."""
    made = weights()
    if name in made.layers:
        return replace(made, layers={**made.layers, name: replace(made.layers[name], **values)})
    constants = {**made.constants, name: replace(made.constants[name], **values)}
    return replace(made, constants=constants)


def refused(made: BuildWeights, message: str) -> None:
    with refuses(message):
        reloading.loaded(build().quantized.qgraph, made)


def test_refuses_what_the_build_does_not_hold() -> None:
    made = weights()
    codes = made.layers["fc"].codes
    low, high = reloading.bias_range(build().quantized.qgraph, build().quantized.qgraph.nodes[0])
    rebuild = "build again with these weights"
    refused(
        changed("conv", bias=Array(np.array([0, high + 1, 0, 0]))),
        f"conv: channel 1: bias {high + 1}, the build holds {low} to {high}; {rebuild}",
    )
    refused(
        changed("conv", codes=codes),
        "conv: weights of shape (4, 1, 1, 36) and 4 biases; "
        "the build has weights of shape (4, 3, 3, 1)",
    )
    refused(
        changed("fc", codes=replace(codes, values=Array(codes.values.data * 2))),
        f"fc: codes up to 8 of {codes.format}; "
        "the build holds those up to 4, one α an output channel",
    )
    refused(
        changed("fc_requant", m=Array(np.array([1, 1024, 1, 1]))),
        f"fc_requant: channel 1: multiplier 1024, the build holds 1 to 1023; {rebuild}",
    )
    refused(
        changed("fc_requant", m=Array(np.ones(5, np.int64))),
        "fc_requant: 5 multipliers and 4 offsets; the build has 4 channels",
    )
    refused(
        changed("fc_requant", offset=Array(np.array([0, 0, 1, 0]))),
        f"fc_requant: channel 2: offset 1, the build holds 0 to 0; {rebuild}",
    )
    refused(changed("fc_requant", shift=3), "fc_requant: shift 3; the build has 0")


def test_refuses_missing_and_unknown_layers() -> None:
    made = weights()
    few = {name: layer for name, layer in made.layers.items() if name != "dw"}
    refused(replace(made, layers=few), "dw: is missing; all weights are loaded together")
    refused(
        replace(made, layers={**few, "dww": made.layers["dw"]}),
        "dww: cannot be loaded in this build; did you mean 'dw'? known: conv, dw, fc",
    )


def test_refuses_another_network() -> None:
    qgraph = build().quantized.qgraph
    conv = units(qgraph)["conv"]
    other = replace(conv, pad_value=1)
    nodes = tuple(replace(n, unit=other) if n.name == "conv" else n for n in qgraph.nodes)
    with refuses(
        "conv: is another unit than that of the build, and cannot be loaded; "
        "change reloadable layers only, give the --config of the build, or build again"
    ):
        reloading.onto(qgraph, replace(qgraph, nodes=nodes), "")
    with refuses("tiny: is another network than that of the build; build again"):
        reloading.onto(qgraph, replace(qgraph, nodes=qgraph.nodes[:-1]), "")


def test_refuses_weights_that_the_build_has_no_room_for() -> None:
    made = nets.build(phi=1)
    with refuses(
        "conv: a weight of magnitude 4, the build holds those up to 1; use phi: 1, or build again"
    ):
        nets.other(made, phi=4)


def test_refuses_multipliers_beyond_the_width() -> None:
    known = Requantization(Array(np.array([3, 5])), 2, 3, IntType(8, False), 0, 255)
    fitted = refit("requant", np.array([0.5, 1.76]), known)
    assert fitted.m.data.tolist() == [2, 7]
    with refuses(
        "requant: channel 1: multiplier 8, the build holds those up to 7; "
        "build again with these weights"
    ):
        refit("requant", np.array([0.5, 1.9]), known)


def test_refuses_a_build_of_constant_memories() -> None:
    qgraph = nets.build(weights="rom").quantized.qgraph
    with refuses("tiny: has no weights to load; build with weights: ram in a layer"):
        reloading.weights_of(qgraph, "")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            {"pe": "dsp"},
            "defaults.weights: 'ram' means nothing with pe: dsp; "
            "leave it out, or use pe: auto or shift",
        ),
        (
            {"requant": "thresholds"},
            "defaults.requant: 'thresholds' means nothing with weights: ram; "
            "leave it out, or use weights: rom",
        ),
    ],
)
def test_refuses_settings_of_other_hardware(layer: dict[str, object], message: str) -> None:
    with refuses(f"configuration: {message}"):
        parse({"defaults": {"weights": "ram", **layer}})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"target": {"dataflow": "pipeline"}},
            "conv: weights: ram, and dataflow: pipeline; use dataflow: streaming, or weights: rom",
        ),
        (
            {"defaults": {"weights": "ram"}, "layers": {"conv": {"pe": "dsp"}}},
            "conv: weights: ram, and pe: dsp; use pe: auto or shift, or weights: rom",
        ),
        (
            {"defaults": {"requant": "thresholds"}, "layers": {"conv": {"weights": "ram"}}},
            "conv: weights: ram, and requant: thresholds; use requant: mult_shift, or weights: rom",
        ),
        (
            {"layers": {"conv": {"weights": "ram", "format": "int"}}},
            "conv: weights: ram, and its weights are "
            "Int(bits=8, granularity='channel', signed=True); "
            "use 3-bit codes with one α an output channel, as qsq, or build it with weights: rom",
        ),
        (
            {"layers": {"conv": {"weights": "ram", "axis": "channel"}}},
            "conv: weights: ram, and its weights are Qsq(phi=4, vector=None, axis='channel'); "
            "use 3-bit codes with one α an output channel, as qsq, or build it with weights: rom",
        ),
    ],
)
def test_refuses_layers_without_codes(settings: dict[str, Any], message: str) -> None:
    defaults = {"weights": "ram"} if "target" in settings else {}
    with refuses(message):
        quantize(nets.network(0), nets.frames(1), parse({"defaults": defaults, **settings}))


def test_refuses_signs_of_loaded_sums() -> None:
    rng = np.random.default_rng(1)
    graph = chain(conv(rng, (1, 4)), conv(rng, (4, 2)), source=GraphInput((6, 6, 1), 8, 1 / 255, 0))
    config = parse({"defaults": {"weights": "ram", "activation_bits": 1}})
    with refuses(
        "conv2d0_requant: weights: ram, and activations of one bit; "
        "use activation_bits: 2 or more, or build it with weights: rom"
    ):
        quantize(graph, nets.frames(1), config)


def _design(*roms: Rom) -> Design:
    made = build().design
    load = Load("codes", (1,), (0,), (1,))
    ports = tuple(RomPort(f"p{i}", rom, "w", load) for i, rom in enumerate(roms))
    return replace(made, instances=(replace(made.instances[0], roms=ports),))


def test_refuses_memories_beyond_the_load_port() -> None:
    name = build().design.instances[0].name
    word = Rom("m", Array(np.zeros((1, 1), np.int64)), 1)
    assert len(loading.loadable(_design(*[word] * 255))) == 255
    with refuses(
        f"{name}: 256 memories that can be loaded, the limit is 255; give some layers weights: rom"
    ):
        loading.loadable(_design(*[word] * 256))
    deep = Rom("m", Array(np.zeros((1 << 20, 1), np.int8)), 1)
    with refuses(
        f"{name}: 1,048,576 words to load, the limit is 1,048,575; "
        "use a larger folding, or weights: rom"
    ):
        loading.loadable(_design(deep))
    wide = Rom("m", Array(np.zeros((1, 4096), np.int8)), 32)
    with refuses(
        f"{name}: 4,096 pieces a word to load, the limit is 4,095; "
        "use a smaller folding, or weights: rom"
    ):
        loading.loadable(_design(wide))


def test_a_reloadable_network_is_stored_and_read_back() -> None:
    qgraph = build().quantized.qgraph
    assert store.load(*store.save(qgraph), "test") == qgraph
