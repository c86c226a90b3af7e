"""Commands about this installation: tools, boards, fitted cost models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from shiftloom import simulation
from shiftloom.codegen import boards as board_list
from shiftloom.codegen import fileset, tables
from shiftloom.codegen.cli.options import CacheFolder, Json
from shiftloom.codegen.cli.terminal import console, progress, write_json


def boards(json: Json = None) -> None:
    """List the known boards."""
    known = [board_list.get(name) for name in board_list.known()]
    console.print(tables.boards_table(known))
    write_json(json, [asdict(board) for board in known])


def doctor(json: Json = None) -> None:
    """Say which tools are found, in which version, and what to install for the missing ones."""
    from shiftloom.rtl_sim import tools

    found = tools.find_all()
    console.print(tables.tools_table(found))
    write_json(json, [asdict(status) for status in found])
    if not all(status.found for status in found):
        raise typer.Exit(2)


def calibrate(
    cache: CacheFolder = None,
    output: Annotated[Path, typer.Option(help="Where the fitted models go.")] = Path("cost.json"),
    json: Json = None,
) -> None:
    """Fit the resource models anew to Yosys runs of sample units."""
    from shiftloom import fitting

    with progress("Yosys runs") as advance:
        fitted = fitting.fit(simulation.default_cache(cache), advance)
    fileset.write_file(output, fileset.json_bytes(fitted.data()))
    console.print(fitted.table())
    write_json(json, fitted.data())
