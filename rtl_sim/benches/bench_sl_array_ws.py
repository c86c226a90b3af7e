"""sl_array_ws: tiles of many pixels, weights that change behind every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shiftloom.rtl_sim.benches.array import Shape, Slot, Tile, check_array
from shiftloom.rtl_sim.benches.streams import bench_test, parameters


def _slots(shape: Shape, tiles: list[Tile]) -> Iterator[Slot]:
    """The slots of tiles back to back, a step max(pixels, R) clocks and its pauses."""
    for _ in range(2 * shape.rows):  # the first tile of weights must have come
        yield Slot()
    for tile in tiles:
        steps, pixels, _ = tile.x.shape
        for step in range(steps):
            first, last = step == 0, step == steps - 1
            for slot in range(max(pixels, shape.rows)):
                x = tile.x[step, slot] if slot < pixels else None
                yield Slot(x, slot == 0, first, last, slot, tile.row)
            for _ in range(int(tile.pauses[step])):
                yield Slot()


@bench_test
async def sums_the_products_of_every_pixel(dut: Any) -> None:
    """Tiles of 1 to all pixels and 1 to 5 steps, with and without pauses."""
    shape = Shape(dut, 1)
    most = parameters(dut, "PIXELS")["PIXELS"]
    sizes = shape.rng.integers(1, [6, most + 1], (12, 2))
    tiles = [shape.tile(int(steps), int(pixels)) for steps, pixels in [(3, most), (1, 1), *sizes]]
    await check_array(dut, shape, tiles, _slots(shape, tiles))
