"""What the size measures of the systolic engine count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shiftloom.codegen.dataflows.engine import roms
from shiftloom.codegen.dataflows.engine.arithmetic import Arithmetic
from shiftloom.codegen.dataflows.engine.program import Store
from shiftloom.codegen.dataflows.systolic import costs
from shiftloom.codegen.dataflows.systolic.costs import Rom, Sizes
from shiftloom.codegen.plan import EnginePlan
from shiftloom.codegen.values import Array

WIDTHS = Arithmetic(8, 8, False, 3, True, 21, 12, 0, 10, 1)
PLAN = EnginePlan("systolic", (), "out", 32, 32, (), weight_ports=2, pixels=1024, buffer=4096)
SIZES = Sizes((Rom(),), has_residual=True, has_pool=True)


ALONE = Sizes((Rom(),), has_residual=False, has_pool=True)


def measured(
    plan: EnginePlan, widths: Arithmetic = WIDTHS, sizes: Sizes = SIZES
) -> dict[str, float]:
    return dict(costs.measures(plan, widths, sizes))


def test_block_rams_are_those_of_all_memories() -> None:
    ports, tiles, accumulators, results, residuals = 4, 58, 19, 14.5, 7.5
    assert measured(PLAN)["block_rams"] == ports + tiles + accumulators + results + residuals
    output = replace(PLAN, stationary="output", pixels=32)
    assert measured(output)["block_rams"] == ports + tiles


def test_dsp_blocks() -> None:
    assert measured(PLAN)["dsp"] == 3 * 32
    assert measured(PLAN, WIDTHS, ALONE)["dsp"] == 32
    assert measured(PLAN, replace(WIDTHS, acc_bits=26), ALONE)["dsp"] == 2 * 32
    assert measured(PLAN, replace(WIDTHS, shift_w=False))["dsp"] == 3 * 32 + 1024


def test_partial_sums_grow_row_by_row() -> None:
    low, high = (measured(replace(PLAN, rows=rows))["counted_registers"] for rows in (16, 32))
    growth = 32 * sum(10 + row.bit_length() for row in range(16, 32))
    cells, words = 16 * 32 * (8 + 3 + 3 + 1), 16 * (8 * 6 + 8)
    assert high - low == growth + cells + words


def test_columns_of_a_program_that_never_change_cost_nothing() -> None:
    assert Rom.program([]) == Rom.program([None]) == Rom()
    like = [Store(0, 7, 7, 1, 9)] * 20
    assert Rom.program(like) == Rom()
    counted = [Store(0, index, index, 1, 9) for index in range(32)]
    assert Rom.program(counted) == Rom(5, 5)  # the same five bits twice


def test_deep_memories_go_to_block_ram() -> None:
    assert Rom.auto(20, 1226).luts == 0
    assert Rom.auto(20, 1226).rams == 1
    assert Rom.auto(80, 158).rams == 0
    assert Rom.constants(672, 64) == Rom(672, 672)
    assert Rom.constants(672, 65) == Rom(rams=9.5)


def test_constants_lie_where_they_are_counted() -> None:
    for depth, style in ((64, "auto"), (65, "block")):
        rows = Array(np.ones((depth, 4), np.int64))
        ports = roms.constants("engine", rows, rows, rows, WIDTHS)
        assert [port.rom.style for port in ports] == [style, style]
