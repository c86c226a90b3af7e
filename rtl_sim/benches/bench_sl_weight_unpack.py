"""sl_weight_unpack: the rows of every tile, whatever their width."""

from __future__ import annotations

from typing import Any

import numpy as np

from shiftloom.rtl_sim.benches.streams import (
    check_stream,
    draw,
    paced_test,
    parameters,
)

TILES = 9


@paced_test
async def gives_the_rows_of_every_tile(dut: Any, idle: str, stall: str) -> None:
    """Rows packed without gaps, each tile from a new beat on, random bits in what is left."""
    in_bits, row_bits, rows = parameters(dut, "IN_BITS", "ROW_BITS", "ROWS").values()
    beats_a_tile = -(-rows * row_bits // in_bits)
    rng = np.random.default_rng(3)
    beats, expected = [], []
    for _ in range(TILES):
        bits = draw(rng, (beats_a_tile * in_bits,), 1)
        tile = sum(int(bit) << at for at, bit in enumerate(bits))
        beats += [tile >> (i * in_bits) & ((1 << in_bits) - 1) for i in range(beats_a_tile)]
        expected += [tile >> (i * row_bits) & ((1 << row_bits) - 1) for i in range(rows)]
    source, sink = await check_stream(dut, beats, expected, idle, stall)
    if idle == stall == "full":
        clocks = max(len(beats), len(expected))
        assert sink.clocks[-1] - source.clocks[0] <= clocks + 2 * TILES + 4
