"""Toggles of each multiplier block on the operands of each layer, products checked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.energy import blocks
from shiftloom.energy.blocks import Block
from shiftloom.energy.operands import Operands
from shiftloom.rtl_sim import glitches, synth
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.netlist import Netlist

SKIP = 8
"""Clocks at the beginning of each lane that do not count: registers start from 0."""

NO_QUALITY = 0

Status = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A block on a layer's operands at a quality; toggles are those of a product.

    `settled` without glitches, `toggles` with them, `pins` weighted by the pins of each net;
    `enabled` is the share of register bits that take a value in a clock.
    """

    layer: str
    block: str
    quality: int
    lut: int
    ff: int
    settled: float
    toggles: float
    pins: float
    enabled: float


def measure(
    operands: Sequence[Operands],
    chosen: Iterable[Block],
    qualities: Sequence[int],
    cache: Cache,
    status: Status,
) -> tuple[Row, ...]:
    """A row for each layer, block and quality; 0 stands for that of blocks that have none.

    Raises ShiftloomError where a netlist gives a wrong product.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="shiftloom-blocks-") as name:
        files = blocks.sources(Path(name))
        for block in chosen:
            status(block.name)
            net, cells = _synthesized(files, block, cache)
            for each in operands:
                for quality in qualities if block.is_scalable else (NO_QUALITY,):
                    found = run(block, net, each, quality)
                    rows.append(
                        Row(
                            each.layer,
                            block.name,
                            quality,
                            cells.lut,
                            cells.ff,
                            found.settled_toggles,
                            found.toggles,
                            found.pin_toggles,
                            found.enabled_share,
                        )
                    )
    return tuple(rows)


def _synthesized(
    files: Sequence[Path], block: Block, cache: Cache
) -> tuple[Netlist, synth.Resources]:
    """The netlist of a block, without DSP blocks, and its cells."""
    family, parameters = "xc7_nodsp", dict(block.parameters)
    net = synth.netlist(files, block.module, cache=cache, family=family, parameters=parameters)
    return net, synth.synthesize(
        files, block.module, cache=cache, family=family, parameters=parameters
    )


def run(block: Block, net: Netlist, operands: Operands, quality: int) -> glitches.Activity:
    """The activity of a block; raises ShiftloomError where a product is wrong."""
    ports, products = block.feed(operands, quality)
    found = glitches.activity(net, ports, SKIP)
    late, bits = block.latency, len(net.outputs["p"])
    got = found.outputs["p"][:, late:]
    wrong = int((got != products[:, :-late] % (1 << bits)).sum())
    if wrong:
        raise ShiftloomError(block.name, f"{wrong} of {got.size} products are wrong")
    return found
