"""Commands that look at a model or learn its weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from shiftloom.codegen.cli.options import Data, Json
from shiftloom.codegen.cli.terminal import console, progress, write_json


def check(
    model: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX, QONNX or TFLite model.")],
    json: Json = None,
) -> None:
    """List every node of a model that cannot be built, the reason, and what would help."""
    from shiftloom.codegen import checking
    from shiftloom.codegen.frontends.files import survey_file

    findings = survey_file(model)
    console.print(checking.findings_table(model, findings))
    write_json(json, [asdict(finding) for finding in findings])
    if findings:
        raise typer.Exit(2)


def train(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="Name of a network or recipe.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an older run goes on.")],
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe, .yaml or .toml; default: shipped.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights that a tuning starts from; default: shipped.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Weights of the recipe's teacher; default: shipped.")
    ] = None,
    data: Data = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    json: Json = None,
) -> None:
    """Train a network by its recipe, or tune one with quantized weights and activations."""
    import torch

    from shiftloom.models.recipe import load_recipe
    from shiftloom.models.training.loop import Epoch
    from shiftloom.training import Job

    torch.set_num_threads(threads)
    job = Job(network, load_recipe(network, recipe), data, checkpoint, teacher)
    with progress(network) as advance:

        def on_epoch(epoch: Epoch) -> None:
            console.print(
                f"epoch {epoch.number:3}  loss {epoch.loss:.4f}  held-out {epoch.validation:.2%}"
            )

        found = job.run(out, on_epoch, advance)
    console.print(f"{found.path}: {found.test:.2%} of {found.images:,} test images")
    write_json(json, {**asdict(found), "path": str(found.path)})
