"""Commands from a build folder to a board: one archive, and its way there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import typer

from shiftloom import opened, packaging
from shiftloom.codegen import files, fileset, grids, tables
from shiftloom.codegen.cli import steps
from shiftloom.codegen.cli.options import Data, Folder, FrameFile, Json
from shiftloom.codegen.cli.terminal import console, write_json
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.host.install import DIRECTORY
from shiftloom.packaging import Deployed, Package, Remote
from shiftloom.packaging.samples import FRAMES

_UNTESTED = "deploy with a bitstream by --bitfile, and give the Python that has pynq by --python"

Bitfile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Bitstream, .bit, with its .hwh beside it.")
]
Weights = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Weights to load on the board, .slw; default: its own."),
]
Count = Annotated[
    int | None,
    typer.Option(
        "--images", min=1, help=f"Frames of the self-test and the notebook; default: {FRAMES}."
    ),
]


def package(
    folder: Folder,
    bitfile: Bitfile = None,
    weights: Weights = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: out/NAME.zip, beside FOLDER.")
    ] = None,
    frame_file: FrameFile = None,
    count: Count = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Write one archive of a build for the board: files, driver, self-test, notebook, installer."""
    files.check_suffix("--output", output, (".zip",), "packages are written")
    build = opened.open_build(folder)
    with console.status("Packaging"):
        made = packaging.package(build, bitfile, weights, frame_file, data, count or FRAMES)
    path = output or build.folder.with_name(f"{made.name}.zip")
    fileset.write_file(path, made.data)
    console.print(tables.grid_table(_content(made)))
    console.print(f"Package: {path}, version {made.version}", soft_wrap=True)
    write_json(json, {**made.figures(), "path": str(path)})


def _content(made: Package) -> grids.Grid:
    """What is in a package, part by part."""
    sizes = {name: entry["bytes"] for name, entry in made.manifest["files"].items()}
    overlay = f"overlay/{made.name}.bit and .hwh"
    weights = ", ".join(name for name in sizes if name.startswith("weights/"))
    elsewhere = "in the external memory" if weights else "in hardware"
    absent = f"put {made.name}.bit and {made.name}.hwh into its folder overlay/ on the board"
    rows = (
        ("Build", "registers.json, host/", f"design {made.manifest['digest'][:16]}"),
        ("Driver", made.manifest["driver"], "imports as shiftloom.host"),
        ("Self-test", "selftest/", f"{made.samples.count} frames: {made.samples.origin}"),
        ("Weights", weights or grids.NONE, made.weights or elsewhere),
        ("Overlay", overlay if made.overlay else grids.NONE, "" if made.overlay else absent),
        ("Notebook", f"{made.name}.ipynb", "the same on every board"),
        ("All", f"{len(sizes)} files", f"{sum(sizes.values()):,} bytes"),
    )
    return grids.grid(f"Package of {made.name}", "Part|Files|Note", rows)


def deploy(
    target: Annotated[str, typer.Argument(metavar="USER@BOARD", help="Where ssh leads to.")],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PACKAGE|FOLDER]",
            help="Default: the only package in out/.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Of SSH there.")] = None,
    identity: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Private key for ssh.")
    ] = None,
    directory: Annotated[str, typer.Option(help="Folder of all packages there.")] = DIRECTORY,
    python: Annotated[str, typer.Option(help="The Python there that has pynq.")] = "python3",
    bitfile: Bitfile = None,
    weights: Weights = None,
    frame_file: FrameFile = None,
    count: Count = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Copy a package to a board over SSH, install it there, and run its self-test.

    The options of `shiftloom package` are for a FOLDER, which is packaged first.
    """
    remote = Remote(target, port, identity, python)
    given = _Given(bitfile, weights, frame_file, data, count)
    with console.status("Packaging") as status, _archive(source, given) as path:
        done = packaging.deploy(
            path, remote, directory, lambda step: status.update(f"{target}: {step}")
        )
    console.print(tables.grid_table(_summary(done)))
    write_json(json, done.figures())
    if done.state == "failed" or not done.taken:
        kept = f"{done.current} stays in use" if done.current else "no version is in use"
        hint = "" if done.state == "failed" else f"; {_UNTESTED}"
        steps.fail([f"{target}: self-test {done.state}: {done.reason}; {kept}{hint}"])


class _Given(NamedTuple):
    """What else a package of a build folder is made of."""

    bitfile: Path | None
    weights: Path | None
    frames: Path | None
    data: Path | None
    images: int | None


@contextmanager
def _archive(source: Path | None, given: _Given) -> Iterator[Path]:
    """The package to deploy; that of a build folder is made as `shiftloom package` does."""
    named = [name for name, value in given._asdict().items() if value is not None]
    if named and (source is None or not source.is_dir()):
        hint = f"give the build folder, or --{named[0]} to shiftloom package"
        raise ShiftloomError(f"--{named[0]}", "is for a build folder, not for an archive", hint)
    if source is None:
        found = sorted(Path("out").glob("*.zip"))
        if len(found) != 1:
            names = ", ".join(map(str, found)) or "there is none in out/"
            hint = "give the archive, or a build folder"
            raise ShiftloomError("PACKAGE", f"is missing: {names}", hint)
        yield found[0]
    elif source.is_dir():
        made = packaging.package(opened.open_build(source), *given[:4], given.images or FRAMES)
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{made.name}.zip"
            path.write_bytes(made.data)
            yield path
    else:
        yield source


def _summary(done: Deployed) -> grids.Grid:
    """What is on the board now."""
    copied = f"{done.copied:,} bytes" if done.copied else "nothing: it is there, unchanged"
    before = done.before or grids.NONE
    rows = (
        ("Version", done.version, f"design {done.digest[:16]}"),
        ("Copied", copied, ""),
        ("In use before", before, ""),
        ("In use now", done.current or grids.NONE, f"{done.directory}/current"),
        ("Self-test", done.state, done.reason),
    )
    return grids.grid(f"{done.name} on {done.target}", "What|Is|Note", rows)
