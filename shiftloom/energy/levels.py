"""Coarser weights in a build whose weights can be loaded: its network at every smaller φ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shiftloom.codegen.config import Config
from shiftloom.codegen.fileset import write_file
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quantize import Quantized
from shiftloom.codegen.reloading import PHIS, Phi
from shiftloom.compression import pack_build
from shiftloom.energy.sweep import Variant
from shiftloom.opened import OpenedBuild


def largest(qgraph: QGraph) -> int:
    """The largest φ that can be loaded into a network; 0 where no weights can."""
    return max((n.unit.limit for n in qgraph.nodes if isinstance(n.unit, Mac)), default=0)


def coarser(
    build: OpenedBuild, quantize: Callable[[Config], Quantized], settings: Config
) -> tuple[Variant, ...]:
    """The build with weights of each φ that its memories hold, the largest first.

    `quantize` quantizes the network by `settings`, in which φ is that of the layers that are
    loaded. Each is packed into a file in the results folder of the build, and read back as a host
    would. Raises ShiftloomError where what comes is not the network of the build in all else.
    """
    return tuple(
        _loaded(build, quantize, with_phi(settings, build.qgraph, phi), phi)
        for phi in PHIS[::-1]
        if phi <= largest(build.qgraph)
    )


def with_phi(settings: Config, qgraph: QGraph, phi: Phi) -> Config:
    """Settings with φ in each layer that is loaded, or with the largest that its memory holds."""
    layers = dict(settings.layers)
    for node in qgraph.nodes:
        if isinstance(node.unit, Mac) and node.unit.limit:
            held = max(p for p in PHIS if p <= min(phi, node.unit.limit))
            layers[node.layer] = replace(settings.layer(node.layer), phi=held)
    return replace(settings, layers=layers)


def _loaded(
    build: OpenedBuild, quantize: Callable[[Config], Quantized], settings: Config, phi: int
) -> Variant:
    path = build.results / f"phi{phi}.slw"
    write_file(path, pack_build(build, quantize(settings), settings).data)
    loaded = build.loaded(path)
    return Variant(f"φ = {phi}", loaded.qgraph, {}, loaded)
