"""Commands that make a network smaller, and say what it costs in accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from shiftloom import comparison, flow
from shiftloom.codegen import fileset, tables
from shiftloom.codegen.cli import steps
from shiftloom.codegen.cli.options import (
    BoardName,
    Calibration,
    Checkpoint,
    ConfigFile,
    Data,
    Fps,
    FrameFile,
    Images,
    Json,
    Model,
    NetworkName,
)
from shiftloom.codegen.cli.terminal import console, progress, write_json
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.quantize import weight_traffic
from shiftloom.subject import Subject


def quantize(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Quantize a network and compare float with integer, layer by layer."""
    subject = Subject(network, model, checkpoint, data)
    quantized = steps.quantize(subject, calibration, steps.settings(subject, config))
    frames, labels = subject.test(quantized.graph, frame_file)
    if isinstance(frames, Mapping):
        raise ShiftloomError(
            quantized.graph.name,
            f"has {len(frames)} inputs, a profile compares networks of one",
            "build it and simulate it",
        )
    profile = flow.layer_profile(quantized, frames)
    traffic = weight_traffic(quantized.qgraph)
    console.print(tables.profile_table(profile))
    accuracy = None if labels is None else flow.accuracy(quantized, frames, labels)
    console.print(
        f"{len(frames):,} images: "
        + (f"float {accuracy.real:.2%}, integer {accuracy.quantized:.2%}; " if accuracy else "")
        + f"weights {traffic.quantized_bits:,} bits, {traffic.saving:.2%} DRAM energy saved"
    )
    write_json(
        json,
        {
            "accuracy": {"float": accuracy.real, "quantized": accuracy.quantized}
            if accuracy
            else None,
            "images": len(frames),
            "profile": [{**asdict(row), "sqnr_db": repr(row.sqnr_db)} for row in profile],
            "weight_bits": traffic.quantized_bits,
            "dram_energy_saving": traffic.saving,
        },
    )


def prune(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    target_fps: Fps = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Prune a network and compare it with the whole one: weights, hardware, accuracy."""
    subject = Subject(network, model, checkpoint, data)
    settings = steps.settings(subject, config, board, target_fps)
    with console.status("Pruning, quantizing and scheduling"):
        graph = subject.untuned_graph()
        has_test = network is not None or frame_file is not None
        test = subject.test(graph, frame_file) if has_test else None
        frames = subject.calibration(graph, calibration)
        sides = comparison.compare(graph, frames, settings, test)
    console.print(tables.layer_changes_table(comparison.layer_rows(*sides)))
    console.print(tables.changes_table(comparison.figure_rows(*sides)))
    for note in comparison.notes(*sides):
        console.print(note, markup=False)
    write_json(json, comparison.figures(*sides))


def search(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Settings; default: out/NETWORK.yaml.")
    ] = None,
    budget_bits: Annotated[
        float | None, typer.Option(min=0, help="Bits of all weights, α included.")
    ] = None,
    budget_luts: Annotated[
        float | None, typer.Option(min=0, help="Predicted LUTs at the rate of --target-fps.")
    ] = None,
    budget_energy: Annotated[
        float | None, typer.Option(min=0, help="Picojoules to load all weights from DRAM.")
    ] = None,
    front: Annotated[
        int | None,
        typer.Option(min=2, max=100, help="Show the best at so many budgets as well."),
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="Settings to choose from, .yaml; default: φ of 1, 2, 4.")
    ] = None,
    by: Annotated[str, typer.Option(help="divergence, loss or hessian.")] = "divergence",
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    target_fps: Fps = None,
    data: Data = None,
    images: Images = None,
    json: Json = None,
) -> None:
    """Choose settings layer by layer: the least damage within a budget."""
    from shiftloom import search as searching
    from shiftloom import search_results as found

    subject, measure = Subject(network, model, checkpoint, data), searching.measure(by)
    fps = steps.settings(subject, config, board, target_fps).target.fps
    budget = searching.budget(budget_bits, budget_luts, budget_energy, fps, front)
    plain = steps.plain_settings(config, board, target_fps)
    problem = searching.problem(subject, calibration, plain, candidates, budget.meter)
    targets = found.targets(output, budget, front, problem.network.name)
    with progress("Damage and cost") as advance:
        space = searching.explore(problem, measure, advance)
    test = found.test_set(subject, problem.graph, frame_file, images)
    with progress("Networks") as advance:
        outcome = found.outcome(space, measure, budget, front, test, advance)
    console.print(tables.choices_table(outcome.layers, budget.meter.unit))
    console.print(tables.measured_table(outcome.rows, budget.meter.unit))
    for target, content in targets.files(outcome).items():
        fileset.write_file(target, content)
        console.print(f"Written: {target}")
    write_json(json, outcome.figures())
