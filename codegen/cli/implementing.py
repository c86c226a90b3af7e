"""The command that makes a bitstream of a build: for an ECP5, or for the simulated board."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from shiftloom import opened
from shiftloom.codegen.cli.options import CacheFolder, Folder, Json
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.codegen.errors import ShiftloomError, shown
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.implement import Implementation, Pinout, implement_ecp5
from shiftloom.simulated_board import simulated_bitstream
from shiftloom.simulation import default_cache

OPEN, SIMULATED = "open", "simulated"


def implement(
    folder: Folder,
    flow_name: Annotated[
        str,
        typer.Option(
            "--flow", help="`open`: for an ECP5-85k; `simulated`: RTL for the simulated board."
        ),
    ] = OPEN,
    seed: Annotated[int, typer.Option(help="Of the placement, with `open`.")] = 1,
    cache: CacheFolder = None,
    json: Json = None,
) -> None:
    """Write a bitstream: by place and route with open tools, or of compiled RTL.

    That of a board with pins is to be loaded there; of another build `open` measures the clock.
    """
    if flow_name not in (OPEN, SIMULATED):
        hint = f"use {OPEN} or {SIMULATED}; Vivado runs vivado/build.tcl of the build"
        raise ShiftloomError("--flow", f"unknown flow {shown(flow_name)}", hint)
    target = opened.open_build(folder)
    if flow_name == OPEN:
        _place(target, seed, json)
        return
    with console.status("Compiling the RTL with its shell"):
        path = simulated_bitstream(target, default_cache(cache))
    console.print(f"Bitstream for the simulated board: {path}", soft_wrap=True)
    write_json(json, {"bitstream": str(path)})


def _place(target: OpenedBuild, seed: int, json: Json) -> None:
    """Place and route, then refuse a bitstream for a board that is too slow for its clock."""
    clock, pins = target.plan.clock_mhz, target.pinout()
    with console.status("Yosys, nextpnr and ecppack for ECP5-85k"):
        result = _implemented(target, seed)
    for name, fmax in result.fmax_mhz.items():
        console.print(f"Fmax of {name}: {fmax:.1f} MHz after place and route on ECP5-85k")
    console.print(f"Bitstream: {result.bitstream}")
    if pins is not None:
        console.print(f"Load it onto {target.plan.board.title}; its line has {pins.baud:,} baud.")
    else:
        serialised = ", with the ports serialised to fit the package" if result.wrapped else ""
        console.print(f"It measures the clock on an ECP5{serialised}; it is for no board.")
    write_json(json, {**asdict(result), "bitstream": str(result.bitstream)})
    slow = [name for name, fmax in result.fmax_mhz.items() if fmax < clock]
    if pins is not None and slow:
        hint = "try another --seed, or build with a lower target.clock_mhz"
        problem = f"{slow[0]} is slower than the {clock:g} MHz of the plan"
        raise ShiftloomError(pins.top.stem, problem, hint)


def _implemented(target: OpenedBuild, seed: int) -> Implementation:
    """The top at the pins of its board, or the accelerator alone."""
    pins, folder, clock = target.pinout(), target.results / "ecp5", target.plan.clock_mhz
    if pins is None:
        sources = target.sources()
        return implement_ecp5(sources, target.design.name, folder, target_mhz=clock, seed=seed)
    sources = (*target.board_sources(), pins.top)
    at_pins = Pinout(pins.package, pins.constraints)
    top = pins.top.stem
    return implement_ecp5(sources, top, folder, target_mhz=clock, seed=seed, pins=at_pins)
