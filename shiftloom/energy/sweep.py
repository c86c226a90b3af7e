"""The quality of a network, swept: accuracy, partial products, toggles, and bit-exactness at each.

A `Variant` is a network at a quality. Those of one network at every K come from `qualities`; a
caller may add others, such as the same layers with coarser weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shiftloom import flow, simulation
from shiftloom.beats import encode
from shiftloom.codegen import golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.qgraph import Mac, QGraph
from shiftloom.codegen.quality import Quality, of_units, scalable
from shiftloom.codegen.values import nearest
from shiftloom.energy.constants import TOGGLE, nanojoule
from shiftloom.energy.products import Products, mean, products
from shiftloom.flow import Labels
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.toggles import toggles
from shiftloom.subject import part

TRACED_FRAMES = 32
"""Frames in which the zeros of activations are counted."""
TOGGLED_FRAMES = 2
"""Frames in which toggles are counted."""
Status = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """A network at a quality, and what it is called; `build` where its weights are loaded."""

    label: str
    qgraph: QGraph
    quality: Quality
    build: OpenedBuild | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the generated hardware did: wrong outputs, and the toggles of each unit a frame.

    HLS C++ has the weights of its build as constants, so it runs no others: None.
    """

    images: int
    hls_mismatches: int | None
    rtl_mismatches: int
    toggles: dict[str, float]
    first: str = ""

    @property
    def all_toggles(self) -> float:
        """Bits that change in the whole design a frame."""
        return sum(self.toggles.values())


@dataclass(frozen=True, slots=True)
class Point:
    """A variant measured. `accuracy` is None without labels, `hardware` where none was run.

    `digits` are kept digits a product of the scalable nodes, `active` those of products whose
    activation is not zero.
    """

    label: str
    quality: dict[str, int]
    accuracy: float | None
    layers: tuple[Products, ...]
    digits: float
    active: float
    hardware: Hardware | None = None
    picojoule_per_toggle: float = TOGGLE.picojoule

    @property
    def nanojoule(self) -> float | None:
        """Energy of the toggles of a frame, a proxy."""
        if self.hardware is None:
            return None
        return nanojoule(self.hardware.all_toggles, self.picojoule_per_toggle)


def qualities(qgraph: QGraph, node: str | None = None) -> tuple[Variant, ...]:
    """The network at every K, from exact down to 1: of all scalable nodes, or of one alone.

    Raises ShiftloomError where no node has a quality, and for one that has none.
    """
    units = scalable(qgraph)
    if not units:
        hint = "build it with pe: csd or requant: csd"
        if any(isinstance(each.unit, Mac) and each.unit.limit for each in qgraph.nodes):
            hint = "to sweep φ of weights: ram, give the folder of its build, without --node"
        raise ShiftloomError(qgraph.name, "has no quality to choose", hint)
    if node is not None:
        names = tuple(unit.node for unit in units)
        units = tuple(unit for unit in units if unit.node == node)
        if not units:
            raise ShiftloomError(f"--node {node!r}", "has no quality", nearest(node, names))
    top = max(unit.most for unit in units)
    return tuple(
        Variant(f"K = {k}", qgraph, {unit.node: k for unit in units}) for k in range(top, 0, -1)
    )


def sweep(
    variants: Sequence[Variant],
    frames: Frames,
    labels: Labels | None,
    hardware: Callable[[Variant], Hardware] | None,
    status: Status,
    picojoule: float = TOGGLE.picojoule,
) -> tuple[Point, ...]:
    """Every variant on the test frames; `hardware` measures what was built, where it was.

    `picojoule` is the energy of a toggle.
    """
    points = []
    for variant in variants:
        status(variant.label)
        accuracy = None
        if labels is not None:
            outputs = golden.run(variant.qgraph, frames, quality=variant.quality)
            accuracy = flow.share_right(variant.qgraph, outputs, labels)
        few = part(frames, 0, TRACED_FRAMES)
        layers = products(variant.qgraph, variant.quality, few)
        found = hardware(variant) if hardware else None
        digits, active = mean(layers, "digits"), mean(layers, "active")
        known = variant.label, dict(variant.quality), accuracy, layers, digits, active
        points.append(Point(*known, found, picojoule))
    return tuple(points)


def measured(opened: OpenedBuild, frames: Frames, cache: Cache, variant: Variant) -> Hardware:
    """A build at a quality: every output of `frames` by HLS C++ and RTL, and toggles of a few."""
    quality, target = variant.quality, variant.build or opened
    hls = None
    if variant.build is None:
        hls = simulation.simulate_hls(target, frames, None, cache, quality=quality).mismatches
    rtl = simulation.simulate_rtl(target, frames, None, cache, quality=quality)
    counted = toggles(
        target.sim_top(),
        encode(target.qgraph, part(frames, 0, TOGGLED_FRAMES)),
        cache=cache,
        quality=of_units(target.design.quality, quality),
    )
    return Hardware(rtl.images, hls, rtl.mismatches, counted, rtl.first)
