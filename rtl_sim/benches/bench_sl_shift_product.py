"""sl_shift_product: every activation with every code."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import Timer

from shiftloom.rtl_sim.benches.streams import bench_test, parameters

BETA = (0, 1, 2, 4, -1, -2, -4, 0)


@bench_test
async def is_exact_for_every_input(dut: Any) -> None:
    """The product of the module's header: ones-complement when negative, an offset for signed x."""
    p = parameters(dut, "X_BITS", "X_SIGNED")
    span = 1 << p["X_BITS"]
    for bits in range(span):
        x = bits - span if p["X_SIGNED"] and 2 * bits >= span else bits
        for code, beta in enumerate(BETA):
            dut.x.value, dut.code.value = bits, code
            await Timer(1, "ns")
            offset = 2 * span if p["X_SIGNED"] else 0
            expected = (beta * x - (beta < 0) + offset) % (4 * span)
            assert int(dut.product.value) == expected, f"x {x}, code {code:03b}"
