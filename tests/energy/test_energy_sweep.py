"""The sweep of the quality: what is counted, what is drawn, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shiftloom.codegen import cli, golden
from shiftloom.codegen.config import parse
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph, GraphInput, Node
from shiftloom.codegen.ops import Conv2d, Flatten, Linear, Relu
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quality import reduced, scalable
from shiftloom.codegen.quantize import quantize
from shiftloom.codegen.signed_digits import digits_of, kept
from shiftloom.codegen.values import Array
from shiftloom.codegen.windows import Window
from shiftloom.energy import operands, sweep, sweep_table
from shiftloom.energy.products import Products, mean, products
from shiftloom.energy.sweep import Hardware, Point, Variant

CSD = {"format": "int", "pe": "csd"}
FRAMES = np.random.default_rng(2).integers(0, 256, (12, 5, 5, 4)) * (np.arange(4) > 1)
"""The first two channels are 0."""


def network(**layers: object) -> QGraph:
    """A convolution of two groups and a fully connected layer, on maps of 5 × 5 × 4."""
    rng = np.random.default_rng(1)
    kernel, last = rng.normal(size=(4, 3, 3, 2)), rng.normal(size=(5, 3 * 3 * 4))
    zero = Array(np.zeros(5, np.float32))
    nodes = (
        Node(
            "conv",
            Conv2d(Array(kernel.astype(np.float32)), Array(zero.data[:4]), Window((3, 3)), 2),
            ("input",),
        ),
        Node("relu", Relu(), ("conv",)),
        Node("flat", Flatten(), ("relu",)),
        Node("fc", Linear(Array(last.astype(np.float32)), zero), ("flat",)),
    )
    graph = Graph("net", (GraphInput((5, 5, 4), 8, 1 / 255, 0),), nodes, ("fc",))
    return quantize(graph, FRAMES, parse({"layers": layers})).qgraph


def mac_of(qgraph: QGraph, name: str) -> Mac:
    unit = next(node.unit for node in qgraph.nodes if node.name == name)
    assert isinstance(unit, Mac)
    return unit


def test_digits_are_counted_with_and_without_zero_activations() -> None:
    qgraph = network(conv=CSD, fc=CSD)
    conv, fc = products(qgraph, {"conv": 2}, FRAMES)
    digits = digits_of(kept(mac_of(qgraph, "conv").weights.data, 2))
    assert (conv.node, conv.operand, conv.products) == ("conv", "weight", 9 * 4 * 9 * 2)
    assert conv.digits == pytest.approx(digits.mean())
    share = float((FRAMES[..., 2:] != 0).mean())
    assert conv.active == pytest.approx(digits[2:].mean() * share / 2, rel=0.05)
    x = golden.trace(qgraph, FRAMES)["relu_requant"].reshape(len(FRAMES), -1)
    digits = digits_of(mac_of(qgraph, "fc").weights.data).reshape(5, -1)
    assert fc.digits == pytest.approx(digits.mean())
    cut = golden.trace(reduced(qgraph, {"conv": 2}), FRAMES)["relu_requant"].reshape(x.shape)
    assert fc.active == pytest.approx((digits[None] * (cut != 0)[:, None]).mean())
    assert (cut != x).any()


def test_the_mean_weighs_by_products() -> None:
    parts = (Products("a", "weight", 30, 2.0, 1.0), Products("b", "m", 10, 4.0, 4.0))
    assert mean(parts, "digits") == 2.5
    assert mean(parts, "active") == 1.75


def test_alpha_and_m_count_a_product_for_each_output_or_vector() -> None:
    short = {"axis": "channel", "vector": 2, "pe": "csd", "alpha_bits": 8}
    qgraph = network(conv={"requant": "csd"}, fc=short)
    m, alpha = products(qgraph, {}, FRAMES)
    assert (m.operand, m.products, m.active) == ("m", 9 * 4, m.digits)
    assert (alpha.operand, alpha.products) == ("alpha", 5 * 36 // 2)


def test_all_nodes_are_swept_or_one() -> None:
    qgraph = network(conv=CSD, fc=CSD)
    most = {unit.node: unit.most for unit in scalable(qgraph)}
    every = sweep.qualities(qgraph)
    assert [v.label for v in every] == [f"K = {k}" for k in range(max(most.values()), 0, -1)]
    assert every[-1].quality == {"conv": 1, "fc": 1}
    assert sweep.qualities(qgraph, "fc")[-1].quality == {"fc": 1}
    with pytest.raises(ShiftloomError, match=r"^--node 'fx': has no quality; did you mean 'fc'"):
        sweep.qualities(qgraph, "fx")
    message = r"^net: has no quality to choose; build it with pe: csd or requant: csd$"
    with pytest.raises(ShiftloomError, match=message):
        sweep.qualities(network())
    message = r"^net: .*; to sweep φ of weights: ram, give the folder of its build, without --node$"
    with pytest.raises(ShiftloomError, match=message):
        sweep.qualities(network(fc={"weights": "ram"}))


def test_a_sweep_has_the_accuracy_of_the_golden_model() -> None:
    qgraph = network(conv=CSD, fc=CSD)
    labels = golden.run(qgraph, FRAMES).argmax(axis=1).astype(np.uint8)
    hardware = Hardware(3, 0, 0, {"u_conv": 60.0, "net": 40.0})
    seen: list[str] = []

    def measured(variant: Variant) -> Hardware:
        return replace(hardware, rtl_mismatches=int(variant.label == "K = 1"))

    points = sweep.sweep(sweep.qualities(qgraph), FRAMES, labels, measured, seen.append, 50.0)
    assert seen == [point.label for point in points]
    assert points[0].accuracy == 1
    cut = golden.run(qgraph, FRAMES, quality={"conv": 1, "fc": 1}).argmax(axis=1)
    assert points[-1].accuracy == (cut == labels).mean()
    digits = [point.digits for point in points]
    assert digits == sorted(digits, reverse=True)
    assert digits[-1] <= 1
    assert points[0].nanojoule == 100 * 50 / 1000
    rows = sweep_table.sweep_grid(points).rows
    assert rows[-1] == ("K = 1", *rows[-1][1:4], "100", "5", "0", "1")
    assert rows[0][1] == "100.00 %"
    assert [row[0] for row in sweep_table.layer_grid(points).rows] == ["conv", "fc"]
    plain = json.loads(json.dumps(sweep_table.data(points)))
    assert plain[0]["nanojoule"] == 5
    assert plain[0]["all_toggles"] == 100
    assert sweep_table.points_of(plain) == points


def test_variants_of_several_networks_share_a_table() -> None:
    variants = (
        Variant("int", network(conv=CSD, fc=CSD), {}),
        Variant("conv alone", network(conv=CSD), {"conv": 1}),
    )
    points = sweep.sweep(variants, FRAMES, None, None, str)
    assert points[0].accuracy is points[0].nanojoule is None
    assert sweep_table.sweep_grid(points).rows[0][1] == "–"
    assert sweep_table.layer_grid(points).rows[1][-1] == "–"
    assert sweep_table.points_of(sweep_table.data(points)) == points


POINT = Point("K = 1", {"fc": 1}, 0.5, (), 1.0, 0.5)


def test_only_what_is_known_is_drawn() -> None:
    pytest.importorskip("altair")
    assert list(sweep_table.plots([POINT])) == ["products"]
    measured = replace(POINT, hardware=Hardware(1, 0, 0, {"net": 5.0}))
    drawn = sweep_table.plots([POINT, measured])
    assert list(drawn) == ["products", "toggles", "energy"]
    assert "nJ a frame" in drawn["energy"]
    assert sweep_table.plots([replace(POINT, accuracy=None)]) == {}


def test_operands_are_those_of_consecutive_beats() -> None:
    qgraph = network(fc=CSD)
    (found,) = operands.of_network(qgraph, FRAMES, lanes=6, clocks=30)
    mac, x = mac_of(qgraph, "fc"), golden.trace(qgraph, FRAMES)["relu_requant"].reshape(12, 36)
    weights, terms = mac.weights.data.reshape(5, 36), operands.folded(mac).simd
    assert terms == 6
    stream = [
        (x[n, beat * terms : (beat + 1) * terms], weights[k, beat * terms : (beat + 1) * terms])
        for n in range(12)
        for k in range(5)
        for beat in range(6)
    ]
    for lane in range(6):
        matches = [
            (start, place)
            for start in range(len(stream) - 29)
            for place in range(terms)
            if all(
                found.x[lane, clock] == stream[start + clock][0][place]
                and found.weights[lane, clock] == stream[start + clock][1][place]
                for clock in range(30)
            )
        ]
        assert matches
    zeros = (found.x == 0) | (found.weights == 0)
    assert found.zero_share == zeros.mean()


def said(*arguments: object) -> str:
    """What the command prints, or its refusal."""
    run = CliRunner().invoke(cli.app, ["quality", *map(str, arguments)])
    return str(run.exception) if run.exception else run.output


def test_the_command_sweeps_the_golden_model(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    text = said("lenet5", "--golden", "--images", 50, "--node", "fc3", "--json", path)
    found = json.loads(path.read_text())
    assert [point["quality"] for point in found] == [{"fc3": k} for k in (4, 3, 2, 1)]
    assert all(point["accuracy"] > 0.9 for point in found)
    assert "K = 1" in text
    assert "conv1" in text
