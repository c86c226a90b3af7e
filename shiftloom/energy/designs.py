"""Toggles of whole designs by Verilator, those of their matrix units and of all the rest."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from shiftloom import flow
from shiftloom.beats import encode
from shiftloom.codegen.config import Config
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quality import Quality, of_units
from shiftloom.codegen.quantize import Quantized
from shiftloom.opened import OpenedBuild, open_build
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.toggles import toggles


@dataclass(frozen=True, slots=True)
class DesignRow:
    """Toggles a frame: of each layer's matrix unit by the layer's name, and of the whole design."""

    name: str
    matrices: dict[str, float]
    design: float


def measure(
    quantized: Quantized,
    config: Config,
    qualities: dict[str, Quality],
    frames: Frames,
    cache: Cache,
) -> tuple[DesignRow, ...]:
    """Build once, and count at every quality; `qualities` are by the name of their row."""
    with tempfile.TemporaryDirectory(prefix="shiftloom-toggles-") as parent:
        folder = Path(parent) / quantized.qgraph.name
        flow.build(quantized, config, folder)
        opened = open_build(folder)
        return tuple(
            _counted(opened, name, quality, frames, cache) for name, quality in qualities.items()
        )


def _counted(
    opened: OpenedBuild, name: str, quality: Quality, frames: Frames, cache: Cache
) -> DesignRow:
    layers = {node.name: node.layer for node in opened.qgraph.nodes if isinstance(node.unit, Mac)}
    found = toggles(
        opened.sim_top(),
        encode(opened.qgraph, frames),
        cache=cache,
        quality=of_units(opened.design.quality, quality),
    )
    units = {unit.name: unit.instance() for unit in opened.units}
    matrices = {
        layers[each.node]: found[f"u_{unit}"]
        for unit, each in units.items()
        if each.node in layers and "_mvu_" in each.module
    }
    return DesignRow(name, matrices, sum(found.values()))
