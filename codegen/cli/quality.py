"""The command `shiftloom quality`: accuracy against what it costs, at every quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shiftloom import opened, results
from shiftloom.codegen import config as configuration
from shiftloom.codegen import fileset, tables
from shiftloom.codegen.cli import steps
from shiftloom.codegen.cli.options import (
    BoardName,
    CacheFolder,
    Calibration,
    Checkpoint,
    ConfigFile,
    Data,
    FrameFile,
    Images,
    Json,
    Model,
)
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.codegen.coding.fields import reading
from shiftloom.codegen.config import Config, TargetConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.quality import scalable
from shiftloom.energy import levels, sweep, sweep_table
from shiftloom.energy.constants import TOGGLE
from shiftloom.energy.sweep import Point, Variant
from shiftloom.models import registry
from shiftloom.opened import OpenedBuild
from shiftloom.simulation import default_cache
from shiftloom.subject import Subject, part

DEFAULTS = {"defaults": {"format": "int", "pe": "csd"}}
"""Settings of a network without a file of its own: 8-bit weights, cut by quality."""
SIMULATED = 100


def quality(
    network: Annotated[
        str | None,
        typer.Argument(metavar="NETWORK|FOLDER", help="A network in models/, or a build folder."),
    ] = None,
    model: Model = None,
    node: Annotated[
        str | None, typer.Option(help="Sweep this node alone; the others stay exact.")
    ] = None,
    simulated: Annotated[
        int, typer.Option(min=sweep.TOGGLED_FRAMES, help="Images through HLS C++ and RTL.")
    ] = SIMULATED,
    golden_only: Annotated[
        bool, typer.Option("--golden", help="Golden model only: build and simulate nothing.")
    ] = False,
    picojoule: Annotated[
        float, typer.Option(min=0, help="Energy of a toggle, for the proxy.")
    ] = TOGGLE.picojoule,
    images: Images = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Parent of the build.")] = Path(
        "out"
    ),
    data: Data = None,
    cache: CacheFolder = None,
    json: Json = None,
) -> None:
    """Sweep the signed digits that layers keep: accuracy, partial products, toggles, energy."""
    subject = Subject(network, model, checkpoint, data)
    if network is not None and Path(network).is_dir():
        built = opened.open_build(Path(network))
        known = None if model else registry.known(built.design.name)
        subject = Subject(known, model, checkpoint, data)
        if board or not _has_levels(built, node):
            _refuse_options(network, subject, board, config, calibration)
        target, qgraph = None if golden_only else built, built.qgraph
        variants = _of_build(built, subject, calibration, config, node)
    else:
        settings = _settings(subject, config, board)
        quantized = steps.quantize(subject, calibration, settings)
        qgraph = quantized.qgraph
        variants = sweep.qualities(qgraph, node)
        target = None if golden_only else steps.build(quantized, settings, output / qgraph.name)
    frames, labels = subject.test(qgraph, frame_file)
    given, few = part(frames, 0, images), part(frames, 0, simulated)
    labels = None if labels is None else labels[:images]
    hardware = partial(sweep.measured, target, few, default_cache(cache)) if target else None
    with console.status("Sweeping") as status:
        points = sweep.sweep(variants, given, labels, hardware, status.update, picojoule)
    _show(points, target)
    write_json(json, sweep_table.data(points))
    _fail_on_mismatch(points)


def _has_levels(built: OpenedBuild, node: str | None) -> bool:
    """Whether the network of a build is made again, at every φ that can be loaded."""
    return node is None and levels.largest(built.qgraph) > 0


def _refuse_options(folder: str, subject: Subject, *options: str | Path | None) -> None:
    """Refuse what makes a network, where that of a build is swept as it is."""
    if subject.model or subject.checkpoint or any(options):
        hint = "leave out the options that make a network"
        raise ShiftloomError(folder, "is a build, whose network is settled", hint)


def _of_build(
    built: OpenedBuild,
    subject: Subject,
    calibration: Path | None,
    config: Path | None,
    node: str | None,
) -> tuple[Variant, ...]:
    """A build at every K, and with loaded weights of every φ, where it can have them."""
    if not _has_levels(built, node):
        return sweep.qualities(built.qgraph, node)
    scaled = sweep.qualities(built.qgraph) if scalable(built.qgraph) else ()
    folder, name = str(built.folder), built.design.name
    if subject.network is None and subject.model is None:
        problem = f"{name!r} is no known network, and φ takes its float weights"
        raise ShiftloomError(folder, problem, "give its file by --model")
    if subject.network is not None and subject.tuned() is not None:
        problem = f"{name!r} was tuned at its own φ, and has no weights of another one"
        raise ShiftloomError(folder, problem, f"build {registry.base(subject.network).name!r}")
    settings = steps.settings(subject, config)
    with reading(folder, "give the network and the --config of the build"):
        made = levels.coarser(built, partial(steps.quantize, subject, calibration), settings)
    return (*scaled, *made)


def _settings(subject: Subject, config: Path | None, board: str | None) -> Config:
    """The user's settings or the tuned network's; else 8-bit weights on CSD multipliers."""
    if config is not None or subject.tuned() is not None:
        return steps.settings(subject, config, board)
    plain = configuration.parse(DEFAULTS)
    return plain if board is None else replace(plain, target=TargetConfig(board=board))


def _show(points: Sequence[Point], target: OpenedBuild | None) -> None:
    """Print the tables; what belongs to a build is kept beside it."""
    for grid in (sweep_table.sweep_grid(points), sweep_table.layer_grid(points)):
        console.print(tables.grid_table(grid))
    if target is None:
        return
    results.save(target, "quality", sweep_table.data(points))
    for name, drawn in sweep_table.plots(points).items():
        path = target.results / f"quality_{name}.svg"
        fileset.write_file(path, drawn.encode())
        console.print(f"Plot: {path}", markup=False)


def _fail_on_mismatch(points: Sequence[Point]) -> None:
    wrong = [
        (point.label, point.hardware)
        for point in points
        if point.hardware and (point.hardware.hls_mismatches or point.hardware.rtl_mismatches)
    ]
    steps.fail(
        f"{label}: {found.hls_mismatches or 0} wrong outputs of HLS, "
        f"{found.rtl_mismatches} of RTL. {found.first}"
        for label, found in wrong
    )
