"""What a package holds: files of a build, weights, driver, frames, overlay, notebook, installer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from shiftloom.codegen import files
from shiftloom.codegen.build import MEMORY_IMAGE, VERSION
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import json_bytes
from shiftloom.compression import pack_build
from shiftloom.host import bitstream, install
from shiftloom.host.bitstream import BitstreamError
from shiftloom.opened import OpenedBuild
from shiftloom.packaging import wheel
from shiftloom.packaging.archive import zipped
from shiftloom.packaging.notebook import notebook
from shiftloom.packaging.samples import FRAMES, Samples, samples

PROGRAM = "__main__.py"
"""The installer, which Python runs when it is given the archive."""
DRIVER = f"driver/{wheel.NAME}"


@dataclass(frozen=True, slots=True)
class Package:
    """An archive for the board: `data` are its bytes, `manifest` what package.json says."""

    name: str
    data: bytes
    manifest: Mapping[str, Any]
    samples: Samples
    overlay: bool
    weights: str
    """Whose weights are in it, in words; empty where they are hardware."""

    @property
    def version(self) -> str:
        """The name of its folder on the board."""
        manifest = hashlib.sha256(json_bytes(self.manifest)).hexdigest()
        return manifest[: install.VERSION_DIGITS]

    @property
    def sha256(self) -> str:
        """Of the archive."""
        return hashlib.sha256(self.data).hexdigest()

    def figures(self) -> dict[str, Any]:
        """What is in it as plain data."""
        return {
            **self.manifest,
            "version": self.version,
            "sha256": self.sha256,
            "bytes": len(self.data),
            "frames": self.samples.count,
            "frames_from": self.samples.origin,
            "weights": self.weights,
        }


def package(
    build: OpenedBuild,
    bitfile: Path | None = None,
    weights: Path | None = None,
    frames: Path | None = None,
    data: Path | None = None,
    count: int = FRAMES,
) -> Package:
    """Everything that a board needs of a build in one archive; the same input, the same bytes.

    `bitfile` is a .bit with its .hwh beside it. `weights` are loaded on the board; without it the
    build's own are, where they can be loaded. Of `frames`, by default the network's test set, the
    self-test takes the first `count`. Raises ShiftloomError naming what is damaged or does not fit.
    """
    if build.plan.board.shell == "serial":
        hint = "run the driver here, over the line, or build for the shell mm or axis"
        raise ShiftloomError(build.design.name, "no processor beside the shell serial", hint)
    described = json.loads((build.folder / "host/accelerator.json").read_text("utf-8"))
    found = _of_build(build)
    loads, whose = _weights(build, weights, "load" in described)
    found |= loads
    if bitfile is not None:
        found |= _overlay(build, bitfile)
    qgraph = build.qgraph if weights is None else build.loaded(weights).qgraph
    made = samples(qgraph, frames, data, count)
    found |= made.files()
    found[f"{build.design.name}.ipynb"] = notebook(described, made, bool(loads))
    found[DRIVER] = wheel.driver_wheel()
    found[PROGRAM] = (resources.files("shiftloom.host") / "install.py").read_bytes()
    manifest = _manifest(build, found)
    archive = zipped({**found, install.MANIFEST: json_bytes(manifest)})
    return Package(build.design.name, archive, manifest, made, bitfile is not None, whose)


def _of_build(build: OpenedBuild) -> dict[str, bytes]:
    """The files of the build that a driver reads."""
    names = ["registers.json", MEMORY_IMAGE] if build.design.memory else ["registers.json"]
    paths = [build.folder / name for name in names]
    paths += [path for path in (build.folder / "host").rglob("*") if path.is_file()]
    return {path.relative_to(build.folder).as_posix(): path.read_bytes() for path in paths}


def _weights(
    build: OpenedBuild, given: Path | None, loadable: bool
) -> tuple[dict[str, bytes], str]:
    """The file of weights to load, and whose they are."""
    path = f"weights/{build.design.name}.slw"
    if given is not None:
        build.loaded(given)  # refuses what is damaged, or for another build
        return {
            path: files.read(given, files.MAX_MODEL, "give a file of shiftloom pack")
        }, given.name
    if loadable:
        return {path: pack_build(build, None, Config()).data}, "those of the build"
    return {}, ""


def _overlay(build: OpenedBuild, bitfile: Path) -> dict[str, bytes]:
    """The bitstream and the .hwh beside it, named after the build."""
    board, name = build.plan.board, build.design.name
    files.check_suffix("--bitfile", bitfile, (".bit",), "bitstreams are named")
    beside = bitfile.with_suffix(".hwh")
    again = "export both anew, and build for the board that is there"
    bit = files.read(bitfile, bitstream.MAX_BIT, again)
    hwh = files.read(beside, bitstream.MAX_HWH, again)
    try:
        bitstream.check_part(bitstream.parse(bit).part, board.part)
    except BitstreamError as error:
        raise ShiftloomError(str(bitfile), str(error), again) from error
    try:
        bitstream.check_hwh(hwh)
    except BitstreamError as error:
        raise ShiftloomError(str(beside), str(error), again) from error
    return {f"overlay/{name}.bit": bit, f"overlay/{name}.hwh": hwh}


def _manifest(build: OpenedBuild, found: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "format": install.FORMAT,
        "name": build.design.name,
        "digest": build.design.digest,
        "shiftloom": VERSION,
        "board": build.plan.board.name,
        "part": build.plan.board.part,
        "shell": build.plan.board.shell,
        "driver": DRIVER,
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in found.items()
        },
    }
