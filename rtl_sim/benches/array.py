"""What the benches of the systolic arrays share: random tiles, their slots, what must leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import Bench, IntArray, Rom, Source, draw, pack, parameters

BETA = np.array([0, 1, 2, 4, -1, -2, -4])
NAMES = ("R", "C", "X_BITS", "X_SIGNED", "W_BITS", "SHIFT_W", "ACC_BITS", "ROW_BITS")


@dataclass(frozen=True)
class Tile:
    """Outputs of `x` [steps, pixels, R] and `weights` [steps, R, C] with the parameter row `row`.

    A step is followed by `pauses` [steps] empty clocks.
    """

    x: IntArray
    weights: IntArray
    row: int
    pauses: IntArray


class Shape:
    """The parameters of an array, its random tiles and what they give."""

    def __init__(self, dut: Any, seed: int) -> None:
        p = parameters(dut, *NAMES)
        self.rows, self.columns = p["R"], p["C"]
        self.x_bits, self.x_signed = p["X_BITS"], bool(p["X_SIGNED"])
        self.w_bits, self.shift = p["W_BITS"], bool(p["SHIFT_W"])
        self.acc_bits = p["ACC_BITS"]
        self.rng = np.random.default_rng(seed)
        self.bias = draw(self.rng, (1 << p["ROW_BITS"], self.columns), self.acc_bits, True)

    def tile(self, steps: int, pixels: int) -> Tile:
        """A random tile; every third is followed by pauses."""
        size = (steps, self.rows, self.columns)
        codes = (
            self.rng.choice(BETA, size) if self.shift else draw(self.rng, size, self.w_bits, True)
        )
        x = draw(self.rng, (steps, pixels, self.rows), self.x_bits, self.x_signed)
        pauses = self.rng.integers(0, 5, steps) * int(self.rng.random() < 0.3)
        return Tile(x, codes, int(self.rng.integers(len(self.bias))), pauses)

    def weight_rows(self, tiles: list[Tile]) -> list[int]:
        """The row stream: of every step R rows of C weights."""
        fields = np.concatenate([tile.weights for tile in tiles]).reshape(-1, self.columns)
        if self.shift:
            fields = np.array([[list(BETA).index(w) for w in row] for row in fields])
        return pack(fields, self.columns, self.w_bits)

    def sums(self, tile: Tile) -> IntArray:
        """Bias and products [pixels, C], with what `sl_shift_product` leaves out, wrapped."""
        total = np.einsum("spr,src->pc", tile.x, tile.weights) + self.bias[tile.row]
        if self.shift:
            negative = (tile.weights < 0).sum(axis=(0, 1))
            span = 1 << (self.x_bits + 2)
            lacking = span // 2 * tile.weights.shape[0] * self.rows - negative
            total = total + (lacking if self.x_signed else negative * (span - 1))
        wrapped: IntArray = total % (1 << self.acc_bits)
        return wrapped


@dataclass(frozen=True)
class Slot:
    """What the pins of a clock say; None where there is no slot."""

    x: IntArray | None = None
    swap: bool = False
    first: bool = False
    last: bool = False
    pixel: int = 0
    row: int = 0


class Slots:
    """Drives the slots; with `x` None the activations are whatever they were."""

    def __init__(self, dut: Any, shape: Shape, slots: Iterator[Slot]) -> None:
        self.dut, self.shape, self.slots, self.over = dut, shape, slots, False

    def drive(self) -> None:
        """The next slot."""
        slot = next(self.slots, None)
        self.over = slot is None
        slot = slot or Slot()
        self.dut.slot_valid.value = int(slot.x is not None)
        self.dut.slot_swap.value = int(slot.swap)
        self.dut.slot_first.value, self.dut.slot_last.value = int(slot.first), int(slot.last)
        self.dut.slot_row.value = slot.row
        if hasattr(self.dut, "slot_pixel"):
            self.dut.slot_pixel.value = slot.pixel
        if slot.x is not None:
            self.dut.x.value = pack(slot.x, self.shape.rows, self.shape.x_bits)[0]

    def look(self, _clock: int) -> None:
        """Nothing comes back."""


class Sums:
    """Notes the sums and the rows they belong to."""

    def __init__(self, dut: Any, shape: Shape) -> None:
        self.dut, self.shape = dut, shape
        self.got: list[tuple[int, int]] = []

    def drive(self) -> None:
        """Nothing to drive."""

    def look(self, _clock: int) -> None:
        """Take what is valid."""
        if int(self.dut.sums_valid.value):
            self.got.append((int(self.dut.sums_row.value), int(self.dut.sums.value)))


class Enabled:
    """A pin that is always high."""

    value = 1


async def check_array(dut: Any, shape: Shape, tiles: list[Tile], slots: Iterator[Slot]) -> None:
    """Run the slots and require the sums of every tile, pixel by pixel."""
    rows = Source(dut, shape.weight_rows(tiles), prefix="w")
    words = pack(shape.bias, shape.columns, shape.acc_bits)
    bias = Rom(Enabled(), dut.bias_row, dut.bias, words)
    driver, sums = Slots(dut, shape, slots), Sums(dut, shape)
    bench = Bench(dut, (rows, bias, driver, sums))
    await bench.start()
    await bench.run(lambda: driver.over, 100_000)
    for _ in range(4 * (shape.rows + shape.columns)):
        await bench.step()
    bench.stop()
    expected = [
        (tile.row, word)
        for tile in tiles
        for word in pack(shape.sums(tile), shape.columns, shape.acc_bits)
    ]
    assert len(sums.got) == len(expected)
    for index, (got, want) in enumerate(zip(sums.got, expected, strict=True)):
        assert got == want, f"result {index}: got {got}, expected {want}"
