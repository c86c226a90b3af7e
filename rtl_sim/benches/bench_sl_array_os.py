"""sl_array_os: tiles of up to R pixels, sums that stay until their last step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shiftloom.rtl_sim.benches.array import Shape, Slot, Tile, check_array
from shiftloom.rtl_sim.benches.streams import bench_test


def _slots(shape: Shape, tiles: list[Tile]) -> Iterator[Slot]:
    """R slots a step; R clocks more before a tile of one step."""
    for _ in range(2 * shape.rows):
        yield Slot()
    for tile in tiles:
        steps, pixels, _ = tile.x.shape
        for _ in range(shape.rows * (steps == 1)):
            yield Slot()
        for step in range(steps):
            first, last = step == 0, step == steps - 1
            for slot in range(shape.rows):
                x = tile.x[step, slot] if slot < pixels else None
                yield Slot(x, slot == 0, first, last, slot, tile.row)
            for _ in range(int(tile.pauses[step])):
                yield Slot()


@bench_test
async def sums_the_products_of_every_pixel(dut: Any) -> None:
    """Tiles of 1 to R pixels and 1 to 5 steps, with and without pauses."""
    shape = Shape(dut, 2)
    sizes = shape.rng.integers(1, [6, shape.rows + 1], (12, 2))
    whole = [(2, shape.rows), (1, 1), (1, shape.rows), (1, shape.rows)]
    tiles = [shape.tile(int(steps), int(pixels)) for steps, pixels in [*whole, *sizes]]
    await check_array(dut, shape, tiles, _slots(shape, tiles))
