"""A build for an ECP5: words read ahead from banks of block RAM; golden outputs, planned clocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from network_runs import CACHE, check_rtl, compiled
from networks import frames, small_network

import shiftloom
from shiftloom.codegen import ecp5
from shiftloom.rtl_sim.cache import Cache

TARGET = {"target": {"board": "ulx3s-85f", "clock_mhz": 100, "fps": 5000}}
ROM = "net_linear6_matrix_weights.sv"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> shiftloom.OpenedBuild:
    """The small network: 1,280 weights of its last layer one a clock, in three banks."""
    monkeypatch.setattr(ecp5, "BANK", 512)
    rng = np.random.default_rng(1)
    return compiled(small_network(), frames(rng, (12, 12, 1), 32), TARGET, tmp_path)


def _frames() -> npt.NDArray[np.uint8]:
    return frames(np.random.default_rng(2), (12, 12, 1), 24).astype(np.uint8)


def test_outputs_are_golden_at_the_planned_clocks(built: shiftloom.OpenedBuild) -> None:
    rtl = {path.name: path.read_text("utf-8") for path in built.sources()}
    assert rtl[ROM].count('(* rom_style = "block" *)') == 3
    assert ".AHEAD(1)" in rtl["net_linear6_matrix.sv"]
    check_rtl(built, _frames())


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (ROM, "2'd1: data = word1_q", "2'd1: data = word0_q"),
        ("sl_mvu_control.sv", "(AHEAD != 0 && turn)", "(AHEAD != 0 && en)"),
    ],
)
def test_a_fault_is_noticed(built: shiftloom.OpenedBuild, file: str, old: str, new: str) -> None:
    path = next(path for path in built.sources() if path.name == file)
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    assert shiftloom.simulate_rtl(built, _frames(), None, Cache(CACHE)).mismatches > 0
