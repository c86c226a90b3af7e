"""The command `shiftloom paper`: repeats the experiments of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shiftloom.codegen import fileset, tables
from shiftloom.codegen.cli.options import Data, Images, Json
from shiftloom.codegen.cli.terminal import console, progress, write_json


def paper(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXPERIMENT]...",
            help="savings, digits, table3, levels, vectors; default: all.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the results, replaced as a whole.")
    ] = Path("out/paper"),
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="For digits: .npz, .onnx or .pt; default: SqueezeNet of --data."
        ),
    ] = None,
    data: Data = None,
    images: Images = None,
    tuning: Annotated[
        bool, typer.Option(help="Train the classifiers, which takes most of the time.")
    ] = True,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the training.")] = 1,
    json: Json = None,
) -> None:
    """Repeat the paper's experiments in integers, and show ours beside the published."""
    from shiftloom.paper import run
    from shiftloom.paper.result import claims_grid

    request = run.Request(data, images, weights, tuning)
    run.check(experiments or (), request)
    fileset.check_target(output)
    if tuning:
        import torch

        torch.set_num_threads(threads)
    results = run.run(experiments or (), request, progress)
    for result in results:
        for grid in result.grids:
            console.print(tables.grid_table(grid))
        for line in result.absent:
            console.print(f"Not measured: {line}", markup=False)
    claims = [each for result in results for each in result.claims]
    console.print(tables.grid_table(claims_grid(claims)))
    fileset.write(run.files(results), output)
    console.print(f"Written: {output / run.PAGE}", markup=False)
    write_json(json, run.data(results))
