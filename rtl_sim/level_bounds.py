"""Bounds on the logic levels of every library module, at parameters as LeNet-5 has them.

A level is a LUT, a CARRY4 of four bits, a MUXF7 or MUXF8, or a read of LUT memory, from register
or port to register or port. `docs/timing.md` lists the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shiftloom.rtl_sim import synth
from shiftloom.rtl_sim.cache import Cache


@dataclass(frozen=True, slots=True)
class LevelBound:
    """At most `levels` in a row in `module` with these parameters."""

    module: str
    levels: int
    parameters: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """The parameters in a row."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters.items()) or "none"

    def measure(self, library: Path, cache: Cache) -> int:
        """The levels that Yosys makes of it."""
        sources = sorted(library.glob("*.sv"))
        return synth.logic_levels(sources, self.module, cache=cache, parameters=self.parameters)


_FRAME = {"H": 14, "W": 14, "KH": 5, "KW": 5, "SH": 1, "SW": 1}
_OUTPUT = {"PT": 0, "PL": 0, "OH": 10, "OW": 10, "ROWS": 6}
_DSP = {"SIMD": 16, "PE": 4}
_ALPHA = {"ROWS": 5, "PIXELS": 100}
_MAP = {"H": 32, "W": 32, "KH": 3, "KW": 3, "PT": 1, "PL": 1, "OH": 32, "OW": 32}

BOUNDS = (
    LevelBound("sl_width", 1, {"IN_ELEMS": 4, "OUT_ELEMS": 1, "BITS": 16}),
    LevelBound("sl_extend", 1, {"LANES": 1, "BITS": 12, "OUT_BITS": 16}),
    LevelBound("sl_fifo", 3, {"WIDTH": 24, "DEPTH": 32}),
    LevelBound("sl_window", 5, {**_FRAME, **_OUTPUT, "C": 2, "BITS": 8, "SIMD": 10, "NF": 2}),
    LevelBound("sl_digits", 1, {"ELEMS": 6, "BITS": 8, "DIGIT": 2}),
    LevelBound("sl_window_serial", 5, {**_MAP, "C": 64, "BITS": 8, "SIMD": 16, "GROUPS": 4}),
    LevelBound("sl_vector_buffer", 4, {"LENGTH": 400, "SIMD": 16, "BITS": 8, "NF": 30}),
    LevelBound("sl_mvu_shift", 6, {"SIMD": 8, "PE": 2, "SF": 15, "NF": 12, "ACC_BITS": 18}),
    LevelBound("sl_mvu_filter_csd", 8, {"SIMD": 8, "PE": 2, "SF": 15, "NF": 12, **_ALPHA}),
    LevelBound("sl_mvu_channel_csd", 8, {**_DSP, "SF": 15, "NF": 12, "VECTORS": 8, **_ALPHA}),
    LevelBound("sl_mvu_dsp", 6, {**_DSP, "SF": 9, "NF": 4, "W_BITS": 8, "FIELD": 17, "GROUP": 4}),
    LevelBound("sl_mvu_csd", 7, {"SIMD": 8, "PE": 2, "SF": 9, "NF": 4, "PIXELS": 100}),
    LevelBound("sl_mvu_xnor", 4, {"SIMD": 72, "PE": 2, "SF": 8, "NF": 8}),
    LevelBound("sl_taps", 7, {**_MAP, "FOLDS": 4, "LANES": 2, "BITS": 14, "ACC_BITS": 17}),
    LevelBound("sl_dw_shift", 6, {"LANES": 4, "TAPS": 9, "FOLDS": 8, "ACC_BITS": 16}),
    LevelBound("sl_dw_dsp", 2, {"LANES": 4, "TAPS": 9, "FOLDS": 8, "ACC_BITS": 20}),
    LevelBound(
        "sl_pool",
        5,
        {"H": 28, "W": 28, "FOLDS": 1, "LANES": 6, "BITS": 15, "OUT_BITS": 15, "KH": 2, "KW": 2},
    ),
    LevelBound("sl_window_reduce", 4, {"TAPS": 9, "LANES": 2, "BITS": 16, "OUT_BITS": 16}),
    LevelBound("sl_reduce", 5, {"LANES": 2, "TAPS": 64, "BITS": 8, "OUT_BITS": 14, "IS_SUM": 1}),
    LevelBound("sl_requant", 8, {"LANES": 2, "FOLDS": 8, "IN_BITS": 20, "SHIFT": 14}),
    LevelBound("sl_requant_csd", 11, {"LANES": 2, "FOLDS": 8, "IN_BITS": 20, "SHIFT": 14}),
    LevelBound("sl_add", 4, {"M_BITS": 20, "C_BITS": 28, "SHIFT": 20, "USE_DSP": 1}),
    LevelBound("sl_thresholds", 3, {"LANES": 2, "FOLDS": 8, "IN_BITS": 20, "OUT_BITS": 4}),
    LevelBound("sl_fork", 1, {"WIDTH": 32}),
    LevelBound("sl_concat", 2, {"WIDTH": 32, "A_BEATS": 16, "B_BEATS": 8}),
    LevelBound("sl_frame_split", 4, {"WIDTH": 32, "A_BEATS": 784, "B_BEATS": 100}),
    LevelBound("sl_insert", 4, {"H": 14, "W": 14, "FOLDS": 4, "LANES": 4, "GAP_Y": 1, "GAP_X": 1}),
    LevelBound("sl_crop", 3, {"H": 28, "W": 28, "FOLDS": 4, "WIDTH": 32, "OH": 24, "OW": 24}),
    LevelBound("sl_gather", 3, {"WIDTH": 8, "IN_WORDS": 64, "OUT_WORDS": 64}),
    LevelBound("sl_table", 1, {"LANES": 4, "FOLDS": 8, "PER_CHANNEL": 1}),
    LevelBound("sl_argmax", 4, {"LANES": 2, "FOLDS": 5, "BITS": 20, "OUT_BITS": 4}),
    LevelBound("sl_axis_framer", 4, {"WIDTH": 8, "BEATS": 784}),
    LevelBound("sl_axis_last", 2, {"WIDTH": 32, "BEATS": 10}),
    LevelBound("sl_frame_counters", 16),
    LevelBound("sl_axil_slave", 1),
    LevelBound("sl_axil_split", 2),
    LevelBound("sl_frame_close", 1, {"WIDTH": 8}),
    LevelBound("sl_word_unpack", 8, {"BITS": 24, "BEATS": 1024}),
    LevelBound("sl_word_pack", 3, {"BITS": 32, "BEATS": 10}),
    LevelBound("sl_batch_end", 9),
    LevelBound("sl_batch_queue", 11),
    LevelBound("sl_stall_counter", 8),
    LevelBound("sl_uart_rx", 3, {"CLOCKS": 100}),
    LevelBound("sl_uart_tx", 3, {"CLOCKS": 100}),
    LevelBound("sl_crc16", 2),
    LevelBound("sl_serial_commands", 7, {"FRAME": 784}),
    LevelBound("sl_serial_store", 4, {"FRAME": 784}),
    LevelBound("sl_serial_master", 3),
    LevelBound("sl_serial_answers", 4, {"FRAME": 40}),
    LevelBound("sl_serial_bridge", 8),
    LevelBound("sl_memory_gate", 4, {"WIDTH": 64, "BEATS": 784}),
    LevelBound("sl_axi_bursts", 11),
    LevelBound("sl_axi_read", 11),
    LevelBound("sl_axi_write", 11),
    LevelBound("sl_ram", 3, {"WIDTH": 16, "DEPTH": 512}),
    LevelBound("sl_pad_ram", 3, {"ELEMS": 2, "DEPTH": 512}),
    LevelBound("sl_load_port", 6),
    LevelBound("sl_shift_product", 1, {"X_BITS": 8}),
    LevelBound("sl_adder_tree", 5, {"N": 25, "BITS": 11}),
    LevelBound("sl_mvu_address", 4, {"SF": 25, "NF": 30}),
    LevelBound("sl_mvu_control", 3, {"SF": 15, "NF": 12, "DELAY": 6}),
    LevelBound("sl_dsp_chain", 0, {"GROUP": 8}),
    LevelBound("sl_popcount", 3, {"N": 72}),
    LevelBound("sl_delay", 0, {"BITS": 8, "CLOCKS": 5}),
    LevelBound("sl_delay_line", 3, {"BITS": 34, "CLOCKS": 120}),
    LevelBound("sl_code_check", 3, {"CODES": 400}),
    LevelBound("sl_any_of", 3, {"N": 100, "GROUP": 16}),
    LevelBound("sl_multiply", 8, {"A_BITS": 20, "B_BITS": 8}),
    LevelBound("sl_multiply_dsp", 0, {"A_BITS": 20, "B_BITS": 17, "P_BITS": 40}),
    LevelBound("sl_scale", 1, {"X_BITS": 2, "M_BITS": 8, "LEVELS": 0}),
    LevelBound("sl_shift_add", 8, {"A_BITS": 20, "B_BITS": 8, "LEVELS": 2}),
    LevelBound("sl_csd_multiply", 5, {"X_BITS": 8, "ROWS": 4, "GATE": 1}),
    LevelBound("sl_csd_row", 1, {"X_BITS": 9}),
    LevelBound("sl_csd_operand", 1, {"X_BITS": 9, "GRAIN": 2}),
    LevelBound("sl_csd_sum", 5, {"ROWS": 4, "X_BITS": 8}),
    LevelBound("sl_csd_keep", 3, {"ROWS": 4}),
    LevelBound("sl_csd_recode", 4, {"W": 8}),
    LevelBound("sl_quality_hold", 4, {"BEATS": 784}),
    LevelBound("sl_qsq_decode", 4, {"A_BITS": 8}),
    LevelBound("sl_clock_gate", 0),
    LevelBound("sl_round_clip", 5, {"P_BITS": 28, "SHIFT": 14}),
    LevelBound("sl_window_scan", 4, {**_FRAME, **_OUTPUT}),
    LevelBound("sl_window_rows", 2, {"W": 14, "C": 2, "BITS": 8, "KH": 5, "ROWS": 6}),
    LevelBound("sl_window_slice", 3, {"BITS": 80, "SF": 5, "NF": 2}),
    LevelBound("sl_window_walk", 3, {**_MAP, "PIXEL": 4, "GROUPS": 4, "BITS": 12}),
    LevelBound("sl_taps_walk", 4, {**_MAP, "FOLDS": 4}),
    LevelBound("sl_insert_axis", 2, {"N": 14, "BEFORE": 1, "AFTER": 2, "GAP": 1}),
    LevelBound("sl_wrap_counter", 4, {"COUNT": 784}),
    LevelBound("sl_dadiannao", 9, {"R": 4, "ACC_BITS": 20, "DEPTH": 256}),
    LevelBound("sl_engine_walk", 6),
    LevelBound("sl_engine_place", 5),
    LevelBound("sl_engine_ingest", 2),
    LevelBound("sl_neurons", 7, {"R": 8, "C": 1}),
    LevelBound("sl_dot", 5, {"N": 8}),
    LevelBound("sl_max_reduce", 3, {"LANES": 2}),
    LevelBound("sl_engine_post", 9, {"LANES": 1, "ACC_BITS": 20, "F_BITS": 9, "K_BITS": 16}),
    LevelBound("sl_round_setup", 4),
    LevelBound("sl_round_shift", 9),
    LevelBound("sl_weighted_pair", 0),
    LevelBound("sl_weight_product", 1),
    LevelBound("sl_triangle", 0),
    LevelBound("sl_array_ws", 7),
    LevelBound("sl_array_ws_row", 5),
    LevelBound("sl_array_os", 8),
    LevelBound("sl_array_os_row", 8),
    LevelBound("sl_systolic_control", 9),
    LevelBound("sl_walk_pixels", 7),
    LevelBound("sl_systolic_queues", 8),
    LevelBound("sl_program", 1),
    LevelBound("sl_segments", 10),
    LevelBound("sl_tile_load", 12),
    LevelBound("sl_tile_store", 10),
    LevelBound("sl_residual_load", 10),
    LevelBound("sl_weight_rows", 9),
    LevelBound("sl_weight_unpack", 4),
    LevelBound("sl_map_ingest", 2),
    LevelBound("sl_memory_ports", 11),
    LevelBound("sl_systolic", 13),
)
