"""Proofs about signed digits and the decoder of QSQ weights."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.signed_digits import kept
from shiftloom.rtl_sim.proofs.proof import Mutant, Proof, bind

_KINDS = ("unsigned", "signed")
_MARK = Mutant("sl_csd_multiply", ".d(is_zero)", ".d(1'b0)")
_ROW_CARRY = Mutant("sl_csd_sum", "{UPPER'(high), high_lack}", "{UPPER'(high), 1'b0}")
_GATE_MUTANTS = (
    _ROW_CARRY,
    _MARK,
    Mutant("sl_csd_operand", "if (en && |digits) x1", "if (en && digits[0]) x1"),
    Mutant("sl_csd_operand", "digits[1]) x2", "digits[0]) x2"),
)


def _golden(width: int, is_signed: int) -> str:
    """The function `golden(value, k)` in SystemVerilog: csd_K by the golden model, K of 0 to 15."""
    values = np.arange(1 << width)
    numbers = np.where(values >> (width - 1) != 0, values - (1 << width), values)
    reduced = [kept(numbers if is_signed else values, k) for k in range(16)]
    cases = (
        f"    {{4'd{k}, {width}'d{value}}}: golden = {result};\n"
        for k, row in enumerate(reduced)
        for value, result in enumerate(row.tolist())
    )
    ports = f"input logic [{width - 1}:0] value, input logic [3:0] k"
    head = f"function automatic logic signed [31:0] golden({ports});\n  case ({{k, value}})\n"
    body = f"{head}{''.join(cases)}    default: golden = 0;\n  endcase\nendfunction\n"
    return f"package csd_table;\n{body}endpackage\n"


def _canonic(width: int, is_signed: int, mutant: Mutant) -> Proof:
    return Proof(
        name=f"sl_csd_keep-{width}-{is_signed}",
        claim=f"sl_csd_recode exact and canonic, sl_csd_keep = golden csd_K, {width} bits "
        f"{_KINDS[is_signed]}, every K",
        top="canonic",
        properties="canonic",
        depth=1,
        start="any state",
        mutant=mutant,
        parameters={"W": width, "IS_SIGNED": is_signed},
        beside=_golden(width, is_signed),
    )


def _product(x_bits: int, x_signed: int, rows: int, gate: int) -> Proof:
    parameters = {"X_BITS": x_bits, "X_SIGNED": x_signed, "ROWS": rows}
    return Proof(
        name=f"sl_csd_multiply-{x_bits}-{x_signed}-{rows}-{gate}",
        claim=f"sl_csd_multiply, GATE = {gate}: x of {x_bits} bits {_KINDS[x_signed]} times "
        f"the sum of any {rows} rows",
        top="sl_csd_multiply",
        properties="csd_product",
        depth=3 + (rows - 1).bit_length(),
        start="any state",
        mutant=_GATE_MUTANTS[gate],
        parameters={**parameters, "GATE": gate},
        beside=bind("sl_csd_multiply", "csd_product", parameters),
    )


def _same(x_bits: int, x_signed: int, rows: int, mutant: Mutant) -> Proof:
    return Proof(
        name=f"same_product-{x_bits}-{x_signed}-{rows}",
        claim=f"sl_csd_multiply: the same product with GATE = 0, 1, 2 and 3, x of {x_bits} bits "
        f"{_KINDS[x_signed]}, {rows} rows",
        top="same_product",
        properties="same_product",
        depth=2 + (rows - 1).bit_length(),
        start="any state",
        mutant=mutant,
        parameters={"X_BITS": x_bits, "X_SIGNED": x_signed, "ROWS": rows},
    )


def _times(bits: int, x_signed: int, a_signed: int, is_long: bool = False) -> Proof:
    kinds = {"X_SIGNED": x_signed, "IS_SIGNED": a_signed}
    return Proof(
        name=f"csd_times-{bits}-{x_signed}-{a_signed}",
        claim=f"sl_csd_recode and sl_csd_multiply: x * a, x {_KINDS[x_signed]}, a "
        f"{_KINDS[a_signed]}, {bits} bits each",
        top="csd_times",
        properties="csd_times",
        depth=5 if bits < 8 else 4,
        start="any state",
        mutant=_ROW_CARRY,
        parameters={"X_BITS": bits, "W": bits, **kinds},
        is_long=is_long,
    )


def _decoder(registered: int) -> Proof:
    parameters = {"A_BITS": 8, "REGISTERED": registered}
    return Proof(
        name=f"sl_qsq_decode-8-{registered}",
        claim="sl_qsq_decode: the weight of every code and α of 8 bits; 111 is remembered",
        top="sl_qsq_decode",
        properties="decoder",
        depth=4,
        start="any state",
        mutant=Mutant("sl_qsq_decode", "3'b011:  ones = wide[0", "3'b011:  ones = wide[1"),
        parameters=parameters,
        beside=bind("sl_qsq_decode", "decoder", parameters),
    )


_THRICE = Mutant("sl_csd_recode", "once + (once << 1)", "once + (once << 2)")
_KEEPS_ALL = Mutant("sl_csd_keep", "left = left >> 1", "left = left")
DIGIT_PROOFS = (
    _decoder(0),
    _decoder(1),
    _canonic(8, 0, _KEEPS_ALL),
    _canonic(8, 1, _THRICE),
    _canonic(5, 1, _KEEPS_ALL),
    *(_product(4, 0, 2, gate) for gate in range(4)),
    _product(4, 1, 3, 1),
    _product(3, 0, 4, 0),
    _same(4, 0, 4, _MARK),
    _same(5, 1, 2, _GATE_MUTANTS[2]),
    _same(4, 1, 3, _GATE_MUTANTS[3]),
    _times(5, 1, 0),
    _times(6, 0, 1),
    _times(8, 0, 1, is_long=True),
    Proof(
        name="sl_quality_hold-3",
        claim="sl_quality_hold: one K for all beats of a frame, that of its first beat",
        top="sl_quality_hold",
        properties="held_quality",
        depth=12,
        mutant=Mutant("sl_quality_hold", "BITS'(BEATS - 1)", "BITS'(BEATS - 2)"),
        parameters={"BEATS": 3},
        beside=bind("sl_quality_hold", "held_quality", {"BEATS": 3}),
    ),
)
