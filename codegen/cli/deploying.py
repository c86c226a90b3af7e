"""Commands from a build folder to a board: one archive, and its way there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shiftloom import opened, packaging
from shiftloom.codegen import files, fileset, grids, tables
from shiftloom.codegen.cli.options import Data, Folder, FrameFile, Json
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.packaging import Package


def package(
    folder: Folder,
    bitfile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Bitstream, .bit, with its .hwh beside it."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights to load on the board, .slw; default: its own."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: out/NAME.zip, beside FOLDER.")
    ] = None,
    frame_file: FrameFile = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Write one archive of a build for the board: files, driver, self-test, notebook, installer."""
    files.check_suffix("--output", output, (".zip",), "packages are written")
    build = opened.open_build(folder)
    with console.status("Packaging"):
        made = packaging.package(build, bitfile, weights, frame_file, data)
    path = output or build.folder.with_name(f"{made.name}.zip")
    fileset.write_file(path, made.data)
    console.print(tables.grid_table(_content(made)))
    console.print(f"Package: {path}, version {made.version}", soft_wrap=True)
    write_json(json, {**made.figures(), "path": str(path)})


def _content(made: Package) -> grids.Grid:
    """What is in a package, part by part."""
    sizes = {name: entry["bytes"] for name, entry in made.manifest["files"].items()}
    overlay = f"overlay/{made.name}.bit and .hwh"
    absent = f"put {made.name}.bit and {made.name}.hwh into its folder overlay/ on the board"
    rows = (
        ("Build", "registers.json, host/", f"design {made.manifest['digest'][:16]}"),
        ("Driver", made.manifest["driver"], "imports as shiftloom.host"),
        ("Self-test", "selftest/", f"{made.samples.count} frames: {made.samples.origin}"),
        ("Weights", "weights/", made.weights or "in hardware, or in the memory's image"),
        ("Overlay", overlay if made.overlay else grids.NONE, "" if made.overlay else absent),
        ("Notebook", f"{made.name}.ipynb", "the same on every board"),
        ("All", f"{len(sizes)} files", f"{sum(sizes.values()):,} bytes"),
    )
    return grids.grid(f"Package of {made.name}", "Part|Files|Note", rows)
