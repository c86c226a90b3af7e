"""Commands about compressed files: weights into one, out of one, and what is in one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from shiftloom import compression, opened
from shiftloom.codegen import files, fileset, tables
from shiftloom.codegen.cli import steps
from shiftloom.codegen.cli.options import (
    Calibration,
    Checkpoint,
    ConfigFile,
    Data,
    FrameFile,
    Images,
    Json,
    Model,
    NetworkName,
)
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.codegen.coding import container
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.host.container import VERSION
from shiftloom.subject import Subject

File = Annotated[Path, typer.Argument(metavar="FILE", help="A file of shiftloom pack.")]


def pack(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: out/NETWORK.slw.")
    ] = None,
    build: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For this build: its own weights, or those of NETWORK."
        ),
    ] = None,
    prune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LAYER=]SHARE", help="Of the float weights, the share to make 0; repeatable."
        ),
    ] = None,
    share_bits: Annotated[
        list[str] | None,
        typer.Option(metavar="[LAYER=]BITS", help="Give a layer 2^BITS values; repeatable."),
    ] = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    data: Data = None,
    images: Images = None,
    json: Json = None,
) -> None:
    """Write the quantized weights to one Huffman coded file; with --prune, Deep Compression's."""
    files.check_suffix("--output", output, (".slw",), "compressed files are written")
    subject = Subject(network, model, checkpoint, data)
    made: compression.Compressed | compression.PackedBuild
    if build is None:
        made = _alone(subject, calibration, config, prune or [], share_bits or [])
    elif prune or share_bits:
        problem = "compress a float network"
        raise ShiftloomError("--prune and --share-bits", problem, "leave out --build")
    else:
        made = _for_build(opened.open_build(build), subject, calibration, config)
    path = output or Path("out") / f"{made.name}.slw"
    fileset.write_file(path, made.data)
    _show_file(path, made.expanded, made.ratio)
    accuracy = _accuracy(made, subject, frame_file, images)
    write_json(json, {**made.figures(), "accuracy": accuracy})


def _alone(
    subject: Subject,
    calibration: Path | None,
    config: Path | None,
    prune: list[str],
    share_bits: list[str],
) -> compression.Compressed:
    """A network as a file that no build is needed for."""
    if prune or share_bits:
        if config or calibration:
            raise ShiftloomError(
                "--prune and --share-bits",
                "compress a float network",
                "leave out --config and --calibration",
            )
        return compression.compress_shared(subject.untuned_graph(), prune, share_bits)
    settings = steps.settings(subject, config)
    quantized = steps.quantize(subject, calibration, settings)
    return compression.compress_quantized(quantized, settings, subject.graph())


def _for_build(
    build: opened.OpenedBuild, subject: Subject, calibration: Path | None, config: Path | None
) -> compression.PackedBuild:
    """The weights of a build, or those of the subject for it."""
    if subject == Subject(data=subject.data) and config is None:
        if calibration is not None:
            raise ShiftloomError(
                "--build and --calibration",
                "the build's own weights take no frames",
                "name a network, or leave out --calibration",
            )
        return compression.pack_build(build, None, Config())
    settings = steps.settings(subject, config)
    quantized = steps.quantize(subject, calibration, settings)
    return compression.pack_build(build, quantized, settings)


def _accuracy(
    made: compression.Compressed | compression.PackedBuild,
    subject: Subject,
    file: Path | None,
    images: int | None,
) -> dict[str, Any] | float | None:
    """On labelled test frames, printed, as plain data; None without them."""
    with console.status("Accuracy"):
        found = compression.accuracy(made, subject, file, images)
    if found is None:
        return None
    if isinstance(found, float):
        console.print(f"The build with these weights: {found:.2%}")
        return found
    console.print(
        f"{found.images:,} images: float {found.real:.2%}, "
        f"read back from the file {found.quantized:.2%}"
    )
    return asdict(found)


def unpack(
    file: File,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the real weights here, .npz.")
    ] = None,
    json: Json = None,
) -> None:
    """Decode a compressed file, say what is in it, and write the weights as real numbers."""
    files.check_suffix("--output", output, (".npz",), "weights are written")
    expanded = compression.expand(compression.read(file), str(file))
    _show_file(file, expanded, expanded.ratio)
    if output is not None:
        fileset.write_file(output, expanded.arrays())
    write_json(json, expanded.figures())


def inspect(file: File, json: Json = None) -> None:
    """List the records of a compressed file, their sizes, entropy, and whether they are whole."""
    data = compression.read(file)
    records = container.survey(data, str(file))
    try:
        expanded = compression.expand(data, str(file))
    except ShiftloomError:
        console.print(tables.records_table(records, ()))
        raise
    console.print(tables.records_table(records, expanded.layers))
    console.print(
        f"{file}: version {VERSION}, {expanded.content}, {len(records)} records, "
        f"{expanded.size:,} bytes"
    )
    if expanded.digest is not None:
        console.print(f"Design digest: {expanded.digest}", soft_wrap=True)
    write_json(json, {**expanded.figures(), "records": [asdict(record) for record in records]})


def _show_file(path: Path, expanded: compression.Expanded, ratio: float) -> None:
    console.print(tables.sizes_table(expanded.layers))
    console.print(
        f"{path}: {expanded.content}, {expanded.parameters:,} parameters in {expanded.size:,} bytes"
    )
    console.print(
        f"float32 takes {ratio:.2f} times as many bytes; "
        f"the codes take {expanded.over_entropy:.3f} times their entropy"
    )
