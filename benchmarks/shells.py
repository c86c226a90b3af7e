"""What the shells of boards cost around LeNet-5, and the clocks of its frames with the shell `mm`.

Run as `python benchmarks/shells.py [--latency CLOCKS ...] [--json FILE]`. It builds LeNet-5 with
the default settings and each shell. Yosys synthesizes the top of the board for the 7 series, the
core a black box. The RTL of the board with `mm` takes frames from a memory that answers after so
many clocks: one alone, then two batches queued one behind the other. Clocks count from START to
the interrupt. Every output must be that of the golden model, and the interval that of the plan.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
from _lenet import lenet
from rich import box
from rich.console import Console
from rich.table import Table

from shiftloom import build, flow, open_build, parse_config
from shiftloom.beats import decode, encode
from shiftloom.codegen import golden
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.emit_board import board_module
from shiftloom.codegen.shell_registers import shell_registers
from shiftloom.host.frames import Bytes, filled_up
from shiftloom.host.simulated_rtl import MEMORY_BASE as BASE
from shiftloom.host.simulated_rtl import Rtl
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim import synth
from shiftloom.rtl_sim.board import compile_board
from shiftloom.simulated_board import board_top
from shiftloom.simulation import default_cache

LATENCIES = (40, 200)
FRAMES = 16
"""Of a batch."""
MOST_CLOCKS = 1_000_000
"""Until a batch is done."""
SIZE = 1 << 24
"""Of the memory, in bytes; the outputs are in its upper half."""
REGISTERS = {register.name: register.offset for register in shell_registers("mm")}


@dataclass(frozen=True)
class Cells:
    """Of a shell, core not included."""

    shell: str
    lut: int
    ff: int
    bram36: float


@dataclass(frozen=True)
class Clocks:
    """Of a frame alone, of one among others in a batch, and of one of a batch behind another."""

    latency: int
    single: int
    interval: float
    queued: float
    mismatches: int


class Board:
    """The compiled board, its memory answering after `latency` clocks."""

    def __init__(self, library: Path, latency: int) -> None:
        self.rtl = Rtl(library.read_bytes())
        self.rtl.behave(latency, latency, 0, 0)
        start = (ctypes.c_uint8 * SIZE).from_address(self.rtl.memory)
        self.memory: Bytes = np.ctypeslib.as_array(start)

    def start(self, frames: int, given: int = BASE, taken: int = BASE + SIZE // 2) -> int:
        """Queue a batch between two addresses; the clock then."""
        words = {"BATCH": frames, "IN_ADDRESS": given, "OUT_ADDRESS": taken, "START": 1}
        for register, word in words.items():
            self.rtl.write(REGISTERS[register], word)
        return self.rtl.cycles

    def done(self) -> int:
        """Let clocks pass up to the next interrupt; the clock then."""
        for _ in range(MOST_CLOCKS):
            if self.rtl.interrupt():
                clock = self.rtl.cycles
                self.rtl.write(REGISTERS["INTERRUPT"], 1)
                return clock
            self.rtl.run(1)
        raise SystemExit(f"no batch is done after {MOST_CLOCKS} clocks")


def cells(opened: OpenedBuild) -> Cells:
    """The board's top around a core of ports alone."""
    top, shell = board_module(opened.design), opened.plan.board.shell
    core = opened.folder / "rtl" / f"{opened.design.name}.sv"
    head, _, _ = core.read_text("utf-8").partition("\n);\n")
    hollow = opened.results / core.name
    hollow.parent.mkdir(exist_ok=True)
    text = head.replace("\nmodule ", "\n(* blackbox *)\nmodule ")
    hollow.write_text(f"{text}\n);\nendmodule\n\n`default_nettype wire\n", "utf-8")
    sources = [hollow if path == core else path for path in opened.board_sources()]
    found = synth.synthesize(sources, top, cache=default_cache())
    return Cells(shell, found.lut, found.ff, found.bram36)


def clocks(opened: OpenedBuild, latency: int, frames: npt.NDArray[np.uint8]) -> Clocks:
    """A batch of one frame, then all frames in two batches, both queued at once."""
    given, sink = encode(opened.qgraph, frames), opened.design.sink
    size = sink.beats * sink.width // 8
    fed, made = filled_up(given.shape[1]), filled_up(size)
    board = Board(compile_board(board_top(opened), default_cache()), latency)
    board.rtl.write(REGISTERS["INTERRUPT_ENABLE"], 1)
    board.memory[: len(frames) * fed].reshape(-1, fed)[:, : given.shape[1]] = given
    begun = board.start(1)
    single = board.done() - begun
    batch = len(frames) // 2
    begun = board.start(batch)
    board.start(batch, BASE + batch * fed, BASE + SIZE // 2 + batch * made)
    first, second = board.done(), board.done()
    out = board.memory[SIZE // 2 :][: len(frames) * made].reshape(-1, made)[:, :size].copy()
    board.rtl.close()
    got = decode(opened.qgraph, out.reshape(len(frames), sink.beats, -1))
    wrong = int((got != golden.run(opened.qgraph, frames)).sum())
    interval = (first - begun - single) / (batch - 1)
    return Clocks(latency, single, interval, (second - first) / batch, wrong)


def main() -> None:
    """Build, synthesize, simulate and print."""
    arguments = _arguments()
    frames, _ = flow.evaluation_set("lenet5")
    network, costs, runs = lenet(), [], []
    with tempfile.TemporaryDirectory() as folder:
        for shell in get_args(Shell):
            target = Path(folder) / shell
            build(network, parse_config({"target": {"shell": shell}}), target)
            opened = open_build(target)
            costs.append(cells(opened))
            if shell == "mm":
                few = frames[: 2 * FRAMES]
                runs = [clocks(opened, latency, few) for latency in arguments.latency]
                planned = opened.plan.interval
    _print(costs, runs, planned)
    if arguments.json:
        found = {"planned_interval": planned, "cells": [asdict(each) for each in costs]}
        text = json.dumps({**found, "mm": [asdict(run) for run in runs]}, indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    if any(run.mismatches or {run.interval, run.queued} != {planned} for run in runs):
        raise SystemExit(1)


def _print(costs: list[Cells], runs: list[Clocks], planned: int) -> None:
    rows = [[each.shell, f"{each.lut:,}", f"{each.ff:,}", f"{each.bram36:g}"] for each in costs]
    _table("Cells without the core", ("Shell", "LUT", "FF", "BRAM"), rows)
    columns = ("Latency", "One frame", "In a batch", "Behind a batch", "Wrong outputs")
    rows = [
        [f"{r.latency}", f"{r.single:,}", f"{r.interval:g}", f"{r.queued:g}", f"{r.mismatches}"]
        for r in runs
    ]
    _table(f"Clocks a frame with mm, {planned} in the plan", columns, rows)


def _table(title: str, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in columns:
        table.add_column(name, justify="left" if name == "Shell" else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Shells of boards around LeNet-5")
    parser.add_argument("--latency", type=int, nargs="+", default=list(LATENCIES))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
