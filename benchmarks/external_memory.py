"""ResNet-18 at 224x224 on the systolic engine: clocks, rate, traffic, and what slow memory costs.

Run as `python benchmarks/external_memory.py [--network NAME] [--array R C] [--frames N]
[--memory fixed|random ...] [--synth] [--json FILE]`. It builds the network with 3-bit weights for
the xc7z020, simulates frames through the RTL with each memory, compares every output integer with
the golden model, and counts clocks and beats. `fixed` answers after 40 clocks; `random` after 20 to
200, with pauses of every channel in one clock of five. Rates assume 125 MHz. GOPS count two
operations a multiply-accumulate of the convolutions, over all clocks of a frame.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from shiftloom import flow, open_build, parse_config, quantize, synthesize_units
from shiftloom.beats import decode, encode
from shiftloom.codegen import cost, golden
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim import engine
from shiftloom.rtl_sim.memory import MemoryModel
from shiftloom.simulation import default_cache

MEMORIES = {"fixed": MemoryModel(), "random": MemoryModel((20, 200), 0.2, seed=1)}
BEAT_BYTES = 8
PATIENCE = 4
"""Times the plan's latency without a handshake that are a deadlock with random memory."""


@dataclass(frozen=True)
class Run:
    """A simulation with one memory; rates at the clock of the plan."""

    memory: str
    mismatches: int
    latency: int
    interval: float
    gops: float
    read_bytes: int
    written_bytes: int


def macs(qgraph: QGraph) -> int:
    """Multiply-accumulates of a frame in all convolutions; fully connected layers do not count."""
    total = 0
    for node in qgraph.nodes:
        if isinstance(node.unit, Mac) and node.out.shape[:2] != (1, 1):
            height, width, channels = node.out.shape
            total += height * width * channels * node.unit.lanes
    return total


def simulate(opened: OpenedBuild, name: str, frames: Any, operations: int) -> Run:
    """All frames back to back through the RTL."""
    top = opened.sim_top()
    top = replace(top, patience=PATIENCE * top.patience)
    memory, given = MEMORIES[name], encode(opened.qgraph, frames)
    result = engine.run(top, given, cache=default_cache(), jobs=1, memory=memory)
    wrong = decode(opened.qgraph, result.outputs) != golden.run(opened.qgraph, frames)
    clocks = result.last_out
    latency = int(clocks[0] - result.first_in[0]) + 1
    interval = float(clocks[-1] - clocks[0]) / (len(frames) - 1) if len(frames) > 1 else latency
    beats = [sum(getattr(port, kind) for port in result.ports) for kind in _KINDS]
    per_frame = [BEAT_BYTES * count // len(frames) for count in beats]
    gops = 2 * operations * opened.plan.clock_mhz / interval / 1000
    return Run(name, int(wrong.sum()), latency, interval, round(gops, 1), *per_frame)


_KINDS = ("read_beats", "written_beats")


def main() -> None:
    """Build, simulate with each memory, print and write the figures."""
    arguments = _arguments()
    array = {} if arguments.array is None else {"array": arguments.array}
    target = {"board": "pynq-z2", "dataflow": "systolic", **array}
    config = parse_config({"target": target, "calibration": {"frames": 4}})
    graph = flow.load_network(arguments.network, data=arguments.data)
    quantized = quantize(graph, flow.calibration_frames(arguments.network, arguments.data), config)
    frames, _ = flow.evaluation_set(arguments.network, arguments.data)
    operations = macs(quantized.qgraph)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / arguments.network
        built = flow.build(quantized, config, folder)
        opened = open_build(folder)
        plan = built.plan.engines[0]
        found: dict[str, Any] = {
            "network": arguments.network,
            "conv_macs": operations,
            "array": [plan.rows, plan.columns],
            "clock_mhz": built.plan.clock_mhz,
            "ports": built.design.masters,
            "planned_interval": built.plan.interval,
            "planned_latency": built.plan.latency,
            "predicted": _cells(cost.total(built.units)),
            "synthesized": _synthesize(folder) if arguments.synth else None,
        }
        few = frames[: arguments.frames]
        runs = [simulate(opened, name, few, operations) for name in arguments.memory]
    found["runs"] = [asdict(run) for run in runs]
    found["utilization"] = round(operations / plan.rows / plan.columns / runs[0].interval, 4)
    text = json.dumps(found, indent=1)
    Console().print_json(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    if any(run.mismatches for run in runs):
        raise SystemExit(1)


def _cells(found: Resources) -> dict[str, float]:
    return {name: round(value, 1) for name, value in asdict(found).items()}


def _synthesize(folder: Path) -> dict[str, float]:
    cells = synthesize_units(open_build(folder), default_cache()).values()
    found = (Resources(each.lut, each.ff, each.dsp, each.bram36) for each in cells)
    return _cells(sum(found, Resources()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Networks in external memory")
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--array", type=int, nargs=2, default=[32, 32])
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--memory", nargs="+", choices=list(MEMORIES), default=["fixed"])
    parser.add_argument("--synth", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
