"""Energy by proxies, measured on LeNet-5 and MNIST for docs/energy.md.

    python benchmarks/energy.py [PART ...] [--json docs/energy.json]

Parts, by default all: `accuracy` of the golden model at each quality; `multipliers`, whose netlists
by Yosys, without DSP blocks, are simulated with unit delays on the operands of LeNet-5; `designs`,
whose toggles Verilator counts; and `dram`, whose beats are counted in RTL. A wrong output of
multipliers or of `dram` is an error. What an earlier run left of other parts in the JSON stays. Run
`python docs/update_energy.py` behind it, which makes the tables of the page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from shiftloom import Quantized, flow, load_network, parse_config, quantize
from shiftloom.codegen import fileset, golden
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quality import scalable
from shiftloom.energy import blocks, designs, dram, multipliers, operands
from shiftloom.energy.operands import Operands
from shiftloom.simulation import default_cache

CONSOLE = Console(width=150)
QUALITIES = (4, 3, 2, 1)
INT8 = {"format": "int", "pe": "csd"}
KINDS = {"shift": {"pe": "shift"}, "dsp": {"format": "int", "pe": "dsp"}, "csd": INT8}
"""Settings of the designs, by the PE that they are on."""
RANDOM = "random"
FRAMES, LANES, CLOCKS = 64, 256, 128 + multipliers.SKIP
DRAM_FRAMES, TOGGLED_FRAMES = 8, 4
FOLDINGS = {"conv1": (6, 1), "conv2": (2, 6), "fc1": (1, 5), "fc2": (1, 1), "fc3": (1, 1)}
"""(PE, SIMD) of each layer, for about 20,000 clocks a frame."""


def network(layers: dict[str, Any], **target: object) -> Quantized:
    """LeNet-5 as shipped, quantized with these settings of every layer."""
    config = parse_config({"defaults": layers, "target": target})
    return quantize(load_network("lenet5"), flow.calibration_frames("lenet5"), config)


def accuracy() -> dict[str, float]:
    """Of the golden model on the test set: at each K with 8-bit weights, and with 3-bit ones."""
    images, labels = flow.evaluation_set("lenet5")
    assert labels is not None
    quantized, found = network(INT8), {}
    for k in QUALITIES:
        quality = {unit.node: k for unit in scalable(quantized.qgraph)}
        outputs = golden.run(quantized.qgraph, images, quality=quality)
        found[f"{k}"] = flow.share_right(quantized.qgraph, outputs, labels)
    return found | {"qsq": flow.integer_accuracy(network({}), images, labels)}


def products(quantized: Quantized) -> dict[str, int]:
    """Multiplications a frame, by layer."""
    return {
        node.layer: int(np.prod(node.out.shape[:2])) * node.unit.weights.data.size
        for node in quantized.qgraph.nodes
        if isinstance(node.unit, Mac)
    }


def random_operands() -> Operands:
    """Uniform operands, by which the energy of a toggle is set."""
    rng, size = np.random.default_rng(1), (LANES, CLOCKS)
    x, weights = rng.integers(0, 256, size), rng.integers(-128, 128, size)
    return Operands(RANDOM, x, weights)


def measured_multipliers() -> dict[str, Any]:
    """Every block on every layer's operands."""
    int8, few = network(INT8), flow.evaluation_set("lenet5")[0][:FRAMES]
    streams = operands.of_network(int8.qgraph, few, LANES, CLOCKS)
    codes = operands.of_network(network({}).qgraph, few, LANES, CLOCKS)
    cache, given = default_cache(), (*streams, random_operands())
    rows = multipliers.measure(given, blocks.INT8, QUALITIES, cache, CONSOLE.print)
    rows += multipliers.measure(codes, (blocks.SHIFT,), QUALITIES, cache, CONSOLE.print)
    return {
        "products": products(int8),
        "zeros": {each.layer: each.zero_share for each in streams},
        "rows": [asdict(row) for row in rows],
    }


def toggling_designs() -> list[dict[str, Any]]:
    """LeNet-5 on each kind of PE with the same folding, and at every K where there is one."""
    frames = flow.evaluation_set("lenet5")[0][:TOGGLED_FRAMES]
    rows = []
    for name, layers in KINDS.items():
        folded = {layer: layers | {"folding": fold} for layer, fold in FOLDINGS.items()}
        config = parse_config({"defaults": layers, "layers": folded})
        graph, calibration = load_network("lenet5"), flow.calibration_frames("lenet5")
        quantized = quantize(graph, calibration, config)
        nodes = [unit.node for unit in scalable(quantized.qgraph)]
        levels = {f"{name}, K = {k}": dict.fromkeys(nodes, k) for k in QUALITIES if nodes}
        found = designs.measure(quantized, config, levels or {name: {}}, frames, default_cache())
        rows += [asdict(row) for row in found]
    return rows


def counted_dram() -> list[dict[str, Any]]:
    """Weights of 3 and of 8 bits, out of external memory."""
    frames = flow.evaluation_set("lenet5")[0][:DRAM_FRAMES]
    rows = []
    for name, layers in (("3-bit", {}), ("int8", {"format": "int"})):
        config = parse_config({"defaults": layers, "target": {"dataflow": "systolic"}})
        quantized = network(layers, dataflow="systolic")
        found = dram.counted(name, quantized, config, frames, default_cache())
        rows.append(asdict(found))
    return rows


PARTS: dict[str, Callable[[], Any]] = {
    "accuracy": accuracy,
    "multipliers": measured_multipliers,
    "designs": toggling_designs,
    "dram": counted_dram,
}
"""What measures each part of the JSON."""


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    given = parser.parse_args()
    if unknown := [part for part in given.part if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    path = given.json
    found = json.loads(path.read_text("utf-8")) if path and path.exists() else {}
    for part in given.part:
        found[part] = PARTS[part]()
        if path:
            path.write_bytes(fileset.json_bytes(found))
    CONSOLE.print_json(data=found)


if __name__ == "__main__":
    main()
