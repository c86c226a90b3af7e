"""Resource models: each kind of unit is a weighted sum of its features, fitted to Yosys runs.

The weights ship in `cost.json`; `shiftloom calibrate` fits them anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources as package_resources
from typing import Protocol

import numpy as np

from shiftloom.codegen.boards import Board
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import IntArray


@dataclass(frozen=True, slots=True)
class Resources:
    """FPGA cells: LUTs (those used as memory included), flip-flops, DSP blocks, 36-kbit RAMs."""

    lut: float = 0
    ff: float = 0
    dsp: float = 0
    bram36: float = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram36 + other.bram36,
        )

    def share(self, board: Board) -> Resources:
        """Fraction of the board's cells."""
        return Resources(
            self.lut / board.lut,
            self.ff / board.ff,
            self.dsp / board.dsp,
            self.bram36 / board.bram36,
        )


_HALF = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))
"""Widths and depths of an 18-kbit block RAM of the 7 series; one of 36 kbit is twice as deep."""
_SHAPES = (
    *((width, depth, 0.5) for width, depth in _HALF),
    *((width, 2 * depth, 1.0) for width, depth in _HALF),
    (72, 512, 1.0),
)


def block_rams(width: int, depth: int) -> float:
    """36-kbit block RAMs of a memory, halves counted, at the best aspect ratio of the 7 series.

    Narrow words lie side by side in a wider one, as Yosys puts them.
    """
    return min(
        -(-width // w) * -(-depth // (d * max(1, w // width))) * size for w, d, size in _SHAPES
    )


def ram(width: int, depth: int) -> dict[str, float]:
    """Measures of `sl_ram` and of the memory in `sl_fifo`: LUT memory up to a size, else block RAM.

    A LUT memory takes 4 LUTs for 6 bits × 32 or 3 bits × 64 words; deeper ones a multiplexer too.
    """
    if depth > 64 and width * depth > 8192:
        return {"ram_luts": 0, "ram_mux": 0, "block_rams": block_rams(width, depth)}
    banks = -(-depth // 64)
    luts = 4 * -(-width // 6) if depth <= 32 else 4 * -(-width // 3) * banks
    return {"ram_luts": luts, "ram_mux": width * (banks - 1), "block_rams": 0}


def mux_luts(inputs: int) -> int:
    """LUTs of a one-bit multiplexer, with the wide multiplexers of a slice."""
    return max(1, (1 << (inputs - 1).bit_length()) // 4) if inputs > 1 else 0


LUT_DEPTH = 64
"""Words of a constant memory that one LUT a bit holds."""


def rom_luts(depth: int) -> float:
    """LUTs of one bit of a constant memory.

    Two words are the address or its inverse. Beyond one LUT, Yosys spends one for every 20 words.
    """
    if depth <= 2:
        return 0
    return 1 if depth <= LUT_DEPTH else depth / 20


def distinct_tables(bits: int, depth: int) -> float:
    """How many of that many random bits of words differ; like ones are made once."""
    tables = float((1 << min(depth, 30)) - 2)
    return -tables * math.expm1(-bits / tables) if tables else 0.0


def changing_bits(fields: IntArray, bits: int) -> int:
    """Bits of a word of a memory [depth, lanes] of `bits` bits a field that not all words share."""
    found = (fields[..., None] >> np.arange(bits)) & 1
    return int((found != found[:1]).any(axis=0).sum())


def count_bits(*counts: int) -> int:
    """Bits of counters to these numbers."""
    return sum((count - 1).bit_length() for count in counts)


class Costed(Protocol):
    """A unit as the cost model sees it."""

    @property
    def kind(self) -> str:
        """Key of its model."""

    def features(self) -> Mapping[str, float]:
        """Its size measures."""


Model = Mapping[str, Mapping[str, float]]
"""Weights of the features for each of lut, ff, dsp, bram36."""


@lru_cache(maxsize=1)
def fitted() -> Mapping[str, Model]:
    """The shipped models by kind."""
    text = (package_resources.files("shiftloom.codegen") / "cost.json").read_text("utf-8")
    models: Mapping[str, Model] = json.loads(text)["models"]
    return models


def predict(unit: Costed, models: Mapping[str, Model] | None = None) -> Resources:
    """Predicted resources of one unit; raises ShiftloomError for a kind that was never fitted."""
    model = (models or fitted()).get(unit.kind)
    if model is None:
        raise ShiftloomError(unit.kind, "has no cost model", "run shiftloom calibrate")
    features = unit.features()

    def total(resource: str) -> float:
        weights = model.get(resource, {})
        return sum(weights.get(name, 0.0) * value for name, value in features.items())

    return Resources(total("lut"), total("ff"), total("dsp"), total("bram36"))


def total(units: Iterable[Costed]) -> Resources:
    """Predicted resources of many units."""
    return sum((predict(unit) for unit in units), Resources())
