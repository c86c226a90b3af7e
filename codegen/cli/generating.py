"""Commands from a network to checked hardware."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from shiftloom import flow, opened, results
from shiftloom.codegen import tables
from shiftloom.codegen.cli import external_memory, quality_option, steps
from shiftloom.codegen.cli.options import (
    BoardName,
    CacheFolder,
    Calibration,
    Checkpoint,
    ConfigFile,
    Data,
    Folder,
    Fps,
    FrameFile,
    Images,
    Json,
    Model,
    NetworkName,
)
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.codegen.config import Config, TargetConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.models import registry
from shiftloom.rtl_sim.engine import Stall
from shiftloom.subject import Subject, count, part


def build(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Parent of the build.")] = Path(
        "out"
    ),
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    target_fps: Fps = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Generate the accelerator: SystemVerilog, HLS C++, weights, plan and golden model."""
    subject = Subject(network, model, checkpoint, data)
    settings = steps.settings(subject, config, board, target_fps)
    quantized = steps.quantize(subject, calibration, settings)
    result = steps.build(quantized, settings, output / quantized.qgraph.name)
    console.print(tables.units_table(results.unit_rows(result)))
    console.print(tables.fifos_table(results.fifo_rows(result)))
    console.print(tables.figures_table(results.figure_rows(results.figures(result), result)))
    if result.plan.engines:
        console.print(tables.nests_table(results.loop_nests(result)))
    console.print(f"Build: {result.folder}")
    write_json(json, results.figures(result))


def simulate(
    folder: Folder,
    backend: Annotated[str, typer.Option(help="rtl, hls or both.")] = "both",
    images: Images = None,
    first: Annotated[int, typer.Option(min=0, help="First test image.")] = 0,
    stall_seed: Annotated[
        int | None, typer.Option(help="Random stalls on both ends of the RTL, with this seed.")
    ] = None,
    memory_latency: Annotated[
        str | None,
        typer.Option(
            metavar="LOW[:HIGH]", help="Clocks to an answer of the external memory; default: 40."
        ),
    ] = None,
    memory_stall: Annotated[
        float | None,
        typer.Option(metavar="P", help="Probability of a pause of each memory channel a clock."),
    ] = None,
    quality: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NODE=]K", help="Signed digits that every unit, or one, keeps; default: all."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Load these weights before the first image, .slw."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="Whose test set; default: the build's.")
    ] = None,
    frame_file: FrameFile = None,
    data: Data = None,
    cache: CacheFolder = None,
    json: Json = None,
) -> None:
    """Run test images through HLS C++ and RTL and compare every output integer."""
    if backend not in ("rtl", "hls", "both"):
        raise ShiftloomError("--backend", f"unknown backend {backend!r}", "use rtl, hls or both")
    target = opened.open_build(folder)
    if weights is not None:
        if backend != "rtl":
            raise ShiftloomError(
                "--weights", "HLS C++ has the weights of the build", "use --backend rtl"
            )
        target = target.loaded(weights)
    memory = external_memory.model(target.design, backend, memory_latency, memory_stall)
    digits = quality_option.chosen(target.design, quality or ())
    subject = Subject(network or registry.known(target.design.name), data=data)
    frames, labels = subject.test(target.qgraph, frame_file)
    last = None if images is None else first + images
    stall = None if stall_seed is None else Stall(stall_seed)
    if first >= count(frames):
        raise ShiftloomError("--first", f"{first}", f"the test set has {count(frames)} images")
    labels = None if labels is None else labels[first:last]
    given = part(frames, first, last)
    runs = steps.simulate(target, backend, given, labels, cache, stall, first, memory, digits)
    console.print(tables.accuracy_table([results.run_row(run) for run in runs]))
    if digits:
        kept = ", ".join(f"{node} {k}" for node, k in digits.items())
        console.print(f"Signed digits kept: {kept}", markup=False)
    write_json(json, {run.backend: asdict(run) for run in runs})
    steps.fail_on_mismatch(runs)


def report(folder: Folder, cache: CacheFolder = None, json: Json = None) -> None:
    """Synthesize with Yosys and write report.html with all results so far."""
    target = opened.open_build(folder)
    steps.synthesize(target, cache)
    path = results.write_report(target)
    found = results.figures(target)
    console.print(tables.figures_table(results.figure_rows(found, target)))
    console.print(f"Report: {path}")
    write_json(json, found)


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Parent of the build.")] = Path(
        "out"
    ),
    images: Images = None,
    cache: CacheFolder = None,
    json: Annotated[Path | None, typer.Option("--json", help="Default: out/demo.json.")] = None,
) -> None:
    """LeNet-5 without a DSP block, from the checkpoint to bit-exact RTL and HLS on all of MNIST."""
    network, settings = "lenet5", Config(target=TargetConfig(dsp_share=0))
    quantized = steps.quantize(Subject(network), None, settings)
    target = steps.build(quantized, settings, output / network)
    frames, labels = flow.evaluation_set(network)
    assert labels is not None
    frames, labels = frames[:images], labels[:images]
    with console.status("Golden model"):
        results.save_quantization(
            target,
            flow.accuracy(quantized, frames, labels),
            flow.layer_profile(quantized, frames),
        )
    runs = steps.simulate(target, "both", frames, labels, cache)
    steps.synthesize(target, cache)
    path = results.write_report(target)
    found = results.figures(target)
    console.print(tables.accuracy_table(results.accuracy_rows(target)))
    console.print(tables.figures_table(results.figure_rows(found, target)))
    console.print(f"Report: {path}")
    write_json(json or output / "demo.json", found)
    steps.fail_on_mismatch(runs)
