"""The multipliers that are compared: modules with registers before and behind, and their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np

from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.signed_digits import kept, row_words
from shiftloom.codegen.values import IntArray
from shiftloom.energy.operands import Operands

ROWS = 4
"""Pairs of signed digits of an 8-bit weight."""
ALL = 4
"""The quality at which an 8-bit weight is exact."""

WRAPPERS = """
// x * w as Yosys makes it of `*`, between registers; GATE 1: they hold where the product is zero.
module plain_multiply #(parameter int GATE = 0) (
  input wire clk, input wire [7:0] x, input wire signed [7:0] w, output logic signed [16:0] p
);
  wire is_zero = (GATE != 0) && ((x == 0) || (w == 0));
  logic [7:0] x_q;
  logic signed [7:0] w_q;
  logic zero_q;
  always_ff @(posedge clk) begin
    if (!is_zero) x_q <= x;
    if (!is_zero) w_q <= w;
    zero_q <= is_zero;
    p <= zero_q ? 17'sd0 : $signed({1'b0, x_q}) * w_q;
  end
endmodule

// The multiplier of `sl_requant`: rows of base-4 digits of x in registered levels.
module rows_multiply (
  input wire clk, input wire [7:0] x, input wire signed [7:0] w, output logic signed [15:0] p
);
  logic [7:0] x_q;
  always_ff @(posedge clk) x_q <= x;
  sl_multiply #(.A_BITS(8), .B_BITS(8)) i_multiply (
    .clk(clk), .en(1'b1), .a(w), .b(x_q), .c(1'b0), .p(p)
  );
endmodule

// x * csd_k(w), from the rows of w; KEEP 0: all of them, whatever k is.
module csd_multiply #(parameter int GATE = 1, parameter int KEEP = 1) (
  input wire clk, input wire [7:0] x, input wire [11:0] w, input wire [3:0] k,
  output logic signed [16:0] p
);
  wire [11:0] kept;
  sl_csd_keep #(.ROWS(4)) i_keep (.rows(w), .k(k), .kept(kept));
  sl_csd_multiply #(.X_BITS(8), .ROWS(4), .GATE(GATE)) i_multiply (
    .clk(clk), .en(1'b1), .x(x), .rows((KEEP != 0) ? kept : w), .p(p)
  );
endmodule

// x times a 3-bit code, as in the shift PE, between registers.
module shift_multiply (
  input wire clk, input wire [7:0] x, input wire [2:0] w, output logic [9:0] p
);
  logic [7:0] x_q;
  logic [2:0] w_q;
  wire [9:0] product;
  sl_shift_product #(.X_BITS(8)) i_product (.x(x_q), .code(w_q), .product(product));
  always_ff @(posedge clk) begin
    x_q <= x;
    w_q <= w;
    p <= product;
  end
endmodule
"""

Ports = Mapping[str, IntArray]
Feed = Callable[[Operands, int], tuple[Ports, IntArray]]
"""The inputs of a module at a quality, and the products it must give, [lanes, clocks]."""
LIBRARY = (
    "sl_csd_keep",
    "sl_csd_multiply",
    "sl_csd_operand",
    "sl_csd_row",
    "sl_csd_sum",
    "sl_delay",
    "sl_multiply",
    "sl_multiply_dsp",
    "sl_shift_add",
    "sl_shift_product",
)


@dataclass(frozen=True, slots=True)
class Block:
    """A multiplier: a module, its latency, and whether quality cuts its weights."""

    name: str
    module: str
    parameters: tuple[tuple[str, int], ...]
    latency: int
    feed: Feed
    is_scalable: bool = False


def sources(folder: Path) -> tuple[Path, ...]:
    """The files that every block is made of; the wrappers are written to `folder`."""
    library = resources.files("shiftloom.templates") / "rtl" / "lib"
    own = folder / "blocks.sv"
    own.write_text(WRAPPERS, encoding="utf-8")
    return (*(Path(str(library / f"{name}.sv")) for name in LIBRARY), own)


def _plain(operands: Operands, quality: int) -> tuple[Ports, IntArray]:
    return {"x": operands.x, "w": operands.weights}, operands.x * operands.weights


def _csd(operands: Operands, quality: int) -> tuple[Ports, IntArray]:
    ports = {
        "x": operands.x,
        "w": row_words(operands.weights, ROWS),
        "k": np.full_like(operands.x, quality),
    }
    return ports, operands.x * kept(operands.weights, quality)


def _cut(operands: Operands, quality: int) -> tuple[Ports, IntArray]:
    weights = kept(operands.weights, quality)
    return _csd(replace(operands, weights=weights), ALL)


def _shift(operands: Operands, quality: int) -> tuple[Ports, IntArray]:
    """The product of `sl_shift_product`: only inverted where the weight is negative."""
    product = operands.x * operands.weights - (operands.weights < 0)
    return {"x": operands.x, "w": Qsq().encode(operands.weights).astype(np.int64)}, product


PLAIN = Block("`*`", "plain_multiply", (("GATE", 0),), 2, _plain)
"""What all others are compared with."""
GATED = Block("`*`, gated", "plain_multiply", (("GATE", 1),), 2, _plain)
BEFORE = Block(
    "CSD, gate product, cut before", "csd_multiply", (("GATE", 1), ("KEEP", 0)), 3, _cut, True
)
"""Weights that were cut when they were stored: no K at run time."""
INT8 = (
    PLAIN,
    GATED,
    Block("`sl_multiply`", "rows_multiply", (), 3, _plain),
    *(
        Block(f"CSD, gate {grain}", "csd_multiply", (("GATE", gate), ("KEEP", 1)), 3, _csd, True)
        for gate, grain in enumerate(("none", "product", "row", "digit"))
    ),
    BEFORE,
)
"""8-bit activations without sign times 8-bit weights."""
SHIFT = Block("shift", "shift_multiply", (), 2, _shift)
"""8-bit activations times 3-bit codes of QSQ."""
