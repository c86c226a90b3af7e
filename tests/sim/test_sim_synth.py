"""Synthesis counts by the stated rule, logic levels, and errors of a tool in a child process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import yosys
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.levels import longest_path
from shiftloom.rtl_sim.synth import (
    count_cells,
    logic_levels,
    synthesize,
    synthesize_units,
)

pytestmark = pytest.mark.usefixtures("synthesizer")

ADDER = """
module known #(parameter int W = 16) (
  input logic clk, input logic [W-1:0] a, input logic [W-1:0] b, output logic [W-1:0] q
);
  logic [W-1:0] x_q, y_q;
  always_ff @(posedge clk) begin
    x_q <= a;
    y_q <= b;
    q   <= x_q + y_q;
  end
endmodule
"""
PRODUCT = ADDER.replace("x_q + y_q", "W'(x_q * y_q)")
MEMORY = """
module known #(parameter int A = 6, parameter int W = 8) (
  input logic clk, input logic we, input logic [A-1:0] to, input logic [A-1:0] from,
  input logic [W-1:0] data, output logic [W-1:0] q
);
  logic [W-1:0] mem[2**A];
  always_ff @(posedge clk) begin
    if (we) mem[to] <= data;
    q <= mem[from];
  end
endmodule
"""
DELAY = """
module known (input logic clk, input logic [7:0] a, output logic [7:0] q);
  logic [7:0] mem[21];
  always_ff @(posedge clk) mem[0] <= a;
  for (genvar i = 1; i < 21; i++) begin : gen_tap
    always_ff @(posedge clk) mem[i] <= mem[i-1];
  end
  assign q = mem[20];
endmodule
"""


def _file(folder: Path, text: str) -> tuple[Path, ...]:
    path = folder / "a known module.sv"
    path.write_text(text, encoding="utf-8")
    return (path,)


@pytest.mark.parametrize(
    ("text", "parameters", "expected", "levels"),
    [
        (ADDER, {}, {"lut": 16, "ff": 48, "carry": 4}, 5),
        (ADDER, {"W": 8}, {"lut": 8, "ff": 24, "carry": 2}, 3),
        (PRODUCT, {}, {"dsp": 1}, 0),
        (MEMORY, {}, {"lut": 12, "lutram": 12, "ff": 8}, 1),
        (MEMORY, {"A": 10, "W": 18}, {"bram36": 0.5}, 0),
        (DELAY, {}, {"lut": 8, "lutram": 8}, 0),
    ],
    ids=["adder", "parameter", "dsp", "lutram", "bram", "srl"],
)
def test_known_modules(
    tmp_path: Path,
    cache: Cache,
    text: str,
    parameters: dict[str, int],
    expected: dict[str, float],
    levels: int,
) -> None:
    sources = _file(tmp_path, text)
    found = synthesize(sources, "known", cache=cache, parameters=parameters)
    names = ("lut", "ff", "dsp", "bram36", "lutram", "carry")
    assert {name: getattr(found, name) for name in names} == dict.fromkeys(names, 0) | expected
    assert logic_levels(sources, "known", cache=cache, parameters=parameters) == levels


def test_units_are_told_apart(source: Path, cache: Cache) -> None:
    units = synthesize_units((source,), "plus_two", cache=cache)
    assert list(units) == ["plus_two", "u_first", "u_queue", "u_second"]
    assert units["u_first"] == units["u_second"]
    assert units["u_queue"].cells["RAM32M"] == 3
    assert units["u_queue"].lutram == 12
    assert not any(kind.startswith("$") for unit in units.values() for kind in unit.cells)
    whole = synthesize((source,), "plus_two", cache=cache)
    assert sum(unit.ff for unit in units.values()) == whole.ff == 46
    assert whole.lut <= sum(unit.lut for unit in units.values()) <= whole.lut + 8


def test_a_second_synthesis_runs_nothing(
    source: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = synthesize((source,), "plus_two", cache=cache)

    def refuse(*_: object) -> None:
        raise AssertionError("ran again")

    monkeypatch.setattr(yosys, "call", refuse)
    assert synthesize((source,), "plus_two", cache=cache) == first


def test_the_counting_rule() -> None:
    found = count_cells(
        {"LUT1": 1, "LUT6": 2, "INV": 9, "MUXF7": 3, "RAM32M": 1, "RAM64X1D": 2, "SRL16E": 3}
        | {"RAMB18E1": 3, "RAMB36E1": 2, "FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1, "DSP48E1": 4}
    )
    assert (found.lut, found.lutram, found.ff, found.dsp, found.bram36) == (14, 11, 4, 4, 3.5)


def test_errors_of_yosys_name_the_file(tmp_path: Path, cache: Cache) -> None:
    sources = _file(tmp_path, ADDER.replace("x_q + y_q", "x_q +"))
    with pytest.raises(ShiftloomError, match=r"^known: a known module\.sv:\d+: ERROR: syntax"):
        synthesize(sources, "known", cache=cache)
    with pytest.raises(ShiftloomError, match=r"^other: ERROR: Module `\\?other' not found"):
        synthesize(_file(tmp_path, ADDER), "other", cache=cache)


def test_a_hang_is_an_error(source: Path, tmp_path: Path) -> None:
    message = "no result after 0.01 s; allow more time or a smaller top"
    with pytest.raises(ShiftloomError, match=message):
        synthesize((source,), "plus_two", cache=Cache(tmp_path), timeout=0.01)


def test_a_crash_is_an_error(tmp_path: Path) -> None:
    program = "import os; os.abort()"
    with pytest.raises(ShiftloomError, match=r"^known: killed by signal 6$"):
        yosys.call("known", [sys.executable, "-c", program], tmp_path, 10)


def test_an_unknown_family_is_refused(source: Path, cache: Cache) -> None:
    with pytest.raises(
        ShiftloomError, match="no synthesis for the family 'ice40'; use xc7, xc7_nodsp"
    ):
        synthesize((source,), "plus_two", cache=cache, family="ice40")


@pytest.mark.parametrize("value", [-7, 5])
def test_parameters_of_either_sign_arrive(tmp_path: Path, cache: Cache, value: int) -> None:
    """A parity takes a LUT; where the parameter is the expected value, a wire takes its place."""
    source = tmp_path / "known.sv"
    source.write_text(
        "module known #(parameter int V = 3) (input wire [3:0] a, output wire q);\n"
        f"  assign q = (V == {value}) ? a[0] : ^a;\nendmodule\n"
    )
    assert synthesize((source,), "known", cache=cache, parameters={"V": value}).lut == 0


def test_odd_names_do_not_reach_a_script(source: Path, cache: Cache) -> None:
    with pytest.raises(ShiftloomError, match="'a; b' is no plain identifier of Verilog"):
        synthesize((source,), "a; b", cache=cache)
    with pytest.raises(ShiftloomError, match="'W 1' is no plain identifier of Verilog"):
        synthesize((source,), "plus_two", cache=cache, parameters={"W 1": 1})


def test_sources_that_the_top_does_not_reach_are_left_out(tmp_path: Path) -> None:
    bodies = {"a": "c i_c ();", "b": "", "c": "endmodule\nmodule d;", "e": "c i_c ();"}
    for name, inside in bodies.items():
        (tmp_path / name).write_text(f"module {name};\n  {inside}\nendmodule\n")
    sources = sorted(tmp_path.iterdir())
    for top, names in (("a", "ac"), ("b", "b"), ("d", "c"), ("e", "ce"), ("f", "abce")):
        assert "".join(file.name for file in yosys.reached(top, sources)) == names


def test_levels_count_carries_by_bit_and_find_loops() -> None:
    """Bit 1 of a carry slice may feed bit 3 of the same slice through a LUT: that is no loop."""
    carry: dict[str, list[int | str]] = {
        "CI": [2],
        "CYINIT": ["0"],
        "S": [3, 4, 5, 6],
        "DI": ["0"] * 4,
        "O": [7, 8, 9, 10],
    }
    cells: dict[str, dict[str, Any]] = {
        "carry": {"type": "CARRY4", "connections": carry},
        "lut": {"type": "LUT1", "connections": {"I0": [8], "O": [6]}},
    }
    assert longest_path("top", cells) == 3
    cells["lut"]["connections"] = {"I0": [10], "O": [6]}
    with pytest.raises(ShiftloomError, match=r"^top: a combinational loop through 2 nets$"):
        longest_path("top", cells)
