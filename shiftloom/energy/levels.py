"""Coarser weights in a build whose weights can be loaded: its network at every smaller φ."""

from __future__ import annotations

from collections.abc import Callable

from shiftloom.codegen.config import Config, parse
from shiftloom.codegen.fileset import write_file
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import Quantized
from shiftloom.compression import pack_build
from shiftloom.energy.sweep import Variant
from shiftloom.opened import OpenedBuild

LEVELS = (4, 2, 1)
"""Every φ of QSQ."""


def largest(qgraph: QGraph) -> int:
    """The largest φ that can be loaded into a network; 0 where no weights can."""
    return max((n.unit.limit for n in qgraph.nodes if isinstance(n.unit, Mac)), default=0)


def coarser(build: OpenedBuild, quantize: Callable[[Config], Quantized]) -> tuple[Variant, ...]:
    """The build with weights of each φ that its memories hold, the largest first.

    `quantize` quantizes the network by settings. Each is packed into a file in the results folder
    of the build, and read back as a host would.
    """
    return tuple(_loaded(build, quantize, phi) for phi in LEVELS if phi <= largest(build.qgraph))


def _loaded(build: OpenedBuild, quantize: Callable[[Config], Quantized], phi: int) -> Variant:
    settings, path = parse({"defaults": {"phi": phi}}), build.results / f"phi{phi}.slw"
    write_file(path, pack_build(build, quantize(settings), settings).data)
    loaded = build.loaded(path)
    return Variant(f"φ = {phi}", loaded.qgraph, {}, loaded)
