"""The command `shiftloom compare`: one layer or network through every dataflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shiftloom.codegen import fileset, tables
from shiftloom.codegen.cli import steps
from shiftloom.codegen.cli.options import (
    CacheFolder,
    Calibration,
    Checkpoint,
    ConfigFile,
    Data,
    FrameFile,
    Json,
    Model,
    NetworkName,
)
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.codegen.dataflows.registry import DATAFLOWS
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.comparing import layers, run, table
from shiftloom.comparing.layers import Sizes
from shiftloom.comparing.run import Row
from shiftloom.simulation import default_cache
from shiftloom.subject import Subject, part


def compare(
    network: NetworkName = None,
    model: Model = None,
    layer: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="A built-in layer: conv3x3, conv1x1, depthwise, conv5x5s2, linear, or all.",
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Rows and columns of the layer's map.")] = None,
    inputs: Annotated[int | None, typer.Option(help="Input channels of the layer.")] = None,
    outputs: Annotated[int | None, typer.Option(help="Output channels of the layer.")] = None,
    dataflow: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated. Default: all.")
    ] = None,
    multipliers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Multipliers to come near to; default: 256 for a layer, else the planner's."
        ),
    ] = None,
    synthesize: Annotated[bool, typer.Option(help="Count cells with Yosys.")] = True,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the data and the plots.")
    ] = None,
    checkpoint: Checkpoint = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    config: ConfigFile = None,
    data: Data = None,
    cache: CacheFolder = None,
    json: Json = None,
) -> None:
    """Run a layer or a network through all dataflows, simulated and synthesized, side by side."""
    names = dataflow or [each.name for each in DATAFLOWS]
    compiled, sizes = default_cache(cache), layers.Sizes(size, inputs, outputs)
    if output is not None:
        fileset.check_target(output)
    subject = Subject(network, model, checkpoint, data)
    _check(layer, subject, config, sizes)
    rows: list[Row] = []
    with console.status("Comparing") as status:
        if layer is not None:
            options = run.Options(multipliers or run.MULTIPLIERS, synthesize)
            for kind in layers.kinds(layer, sizes):
                rows += run.compare_layer(kind, names, options, compiled, status.update)
        else:
            settings = steps.settings(subject, config)
            quantized = steps.quantize(subject, calibration, settings)
            frames = part(subject.test(quantized.qgraph, frame_file)[0], 0, run.FRAMES)
            options = run.Options(multipliers, synthesize)
            rows += run.compare(
                quantized, settings, frames, names, options, compiled, status.update
            )
    _show(rows, output)
    write_json(json, table.data(rows))
    _fail_on_mismatch(rows)


def _check(layer: str | None, subject: Subject, config: Path | None, sizes: Sizes) -> None:
    """Refuse a layer beside a network, and sizes without a layer."""
    if layer is None and sizes != Sizes():
        raise ShiftloomError("--size, --inputs, --outputs", "are of a layer", "name one in --layer")
    if layer is not None and (subject != Subject(data=subject.data) or config is not None):
        raise ShiftloomError(
            f"--layer {layer}",
            "is a network of its own",
            "leave out all other networks, and --config",
        )


def _show(rows: Sequence[Row], output: Path | None) -> None:
    for grid in table.grids(rows):
        console.print(tables.grid_table(grid))
    if output is not None:
        fileset.write(table.files(rows), output)
        console.print(f"Written: {output / table.DATA}", markup=False)


def _fail_on_mismatch(rows: Sequence[Row]) -> None:
    wrong = [(row, row.found) for row in rows if row.found and row.found.mismatches]
    steps.fail(
        f"{row.network}, {row.dataflow}: {found.mismatches} wrong outputs. {found.first}"
        for row, found in wrong
    )
