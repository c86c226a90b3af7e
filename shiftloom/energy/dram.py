"""DRAM traffic: of weights by the equations of the paper, and of all data by counted beats."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from shiftloom import flow
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.quantize import Quantized, weight_traffic
from shiftloom.energy.constants import DRAM_WORD, nanojoule
from shiftloom.opened import open_build
from shiftloom.rtl_sim.cache import Cache
from shiftloom.simulation import simulate_rtl

WORD_BYTES = 4


@dataclass(frozen=True, slots=True)
class Dram:
    """Bytes of one load of all weights (eq. 11, float; eq. 12), and bytes counted a frame."""

    name: str
    float_bytes: float
    weight_bytes: float
    counted_bytes: float

    def nanojoule(self, picojoule_per_word: float = DRAM_WORD.picojoule) -> float:
        """Energy of the counted bytes of a frame."""
        return nanojoule(self.counted_bytes / WORD_BYTES, picojoule_per_word)


def counted(name: str, quantized: Quantized, config: Config, frames: Frames, cache: Cache) -> Dram:
    """The traffic of a network whose configuration keeps weights and maps in external memory.

    Frames run back to back in RTL, and every beat of the memory ports counts, those of maps too.
    Raises ShiftloomError where an output is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="shiftloom-dram-") as parent:
        folder = Path(parent) / quantized.qgraph.name
        flow.build(quantized, config, folder)
        run = simulate_rtl(open_build(folder), frames, None, cache)
    if run.mismatches:
        raise ShiftloomError(name, f"{run.mismatches} wrong outputs. {run.first}")
    weights = weight_traffic(quantized.qgraph)
    sizes = weights.float_bits / 8, weights.quantized_bits / 8
    return Dram(name, *sizes, run.dram_bytes)
