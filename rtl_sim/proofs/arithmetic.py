"""Proofs about sums and products: the shift array, the multiplier, the requantization."""

from __future__ import annotations

from collections.abc import Mapping

from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.lowering.layers import largest_sum
from shiftloom.codegen.values import IntType
from shiftloom.rtl_sim.proofs.proof import Mutant, Proof, bind


def _named(stem: str, parameters: Mapping[str, int]) -> str:
    return "-".join([stem, *map(str, parameters.values())])


_TIES_UP = Mutant("sl_round_clip", "(odd || below_guard)", "1'b1")
_CLIPS_LATE = Mutant("sl_round_clip", "(D_BITS-1)'(RANGE + 1)", "(D_BITS-1)'(RANGE + 2)")


def _round(p_bits: int, shift: int, lo: int, hi: int, zero: int) -> Proof:
    parameters = {"P_BITS": p_bits, "SHIFT": shift, "OUT_BITS": 8, "LO": lo, "HI": hi, "ZERO": zero}
    return Proof(
        name=_named("sl_round_clip", parameters),
        claim=f"sl_round_clip: nearest, ties to even, then clipped, all inputs of {p_bits} bits",
        top="sl_round_clip",
        properties="round_half_even",
        depth=6,
        start="any state",
        mutant=_TIES_UP if shift else _CLIPS_LATE,
        parameters=parameters,
        beside=bind("sl_round_clip", "round_half_even", parameters),
    )


def _requant(in_bits: int, m_bits: int, c_bits: int, shift: int, is_long: bool = False) -> Proof:
    clip = {"OUT_BITS": 4, "LO": -7, "HI": 7, "ZERO": 1}
    widths = {"IN_BITS": in_bits, "M_BITS": m_bits, "C_BITS": c_bits, "SHIFT": shift}
    levels = ((m_bits + 1) // 2 - 1).bit_length() + (c_bits > 0)
    return Proof(
        name=_named("sl_requant", widths),
        claim=f"sl_requant: its formula, every x of {in_bits} bits, M of {m_bits}, C of {c_bits}",
        top="sl_requant",
        properties="requantized",
        depth=4 + levels + 1,
        start="any state",
        mutant=Mutant("sl_multiply", "(a_wide <<< 1)", "(a_wide <<< 2)"),
        parameters={**widths, **clip, "LANES": 1},
        beside=bind("sl_requant", "requantized", {**widths, **clip, "CLOCKS": 3 + levels}),
        is_long=is_long,
    )


def _multiply(a_bits: int, b_bits: int, c_bits: int, is_long: bool = False) -> Proof:
    parameters = {"A_BITS": a_bits, "B_BITS": b_bits, "C_BITS": c_bits}
    levels = ((b_bits + 1) // 2 - 1).bit_length() + (c_bits > 0)
    inside: dict[str, int | str] = {"C_PORT": "C_PORT", "P_BITS": "P_BITS", "CLOCKS": levels}
    return Proof(
        name=_named("sl_multiply", parameters),
        claim=f"sl_multiply: a * b + c, widths {a_bits}, {b_bits} and {c_bits}",
        top="sl_multiply",
        properties="product",
        depth=levels + 3,
        start="any state",
        mutant=Mutant("sl_shift_add", "high + (P_BITS-LOW)'(carried)", "high"),
        parameters=parameters,
        beside=bind("sl_multiply", "product", {**parameters, **inside}),
        is_long=is_long,
    )


def _exact_sum(x_signed: int) -> Proof:
    """Biases are as large as the compiler's bound of the products leaves room for."""
    terms, x, acc_bits = 4, IntType(3, bool(x_signed)), 8
    widths = {"TERMS": terms, "X_BITS": x.bits, "X_SIGNED": x_signed, "ACC_BITS": acc_bits}
    room = (1 << (acc_bits - 1)) - largest_sum(max(Qsq().levels), terms, x)
    return Proof(
        name=_named("exact_sum", widths),
        claim="sl_shift_product: an accumulator of the stated width holds every dot product",
        top="exact_sum",
        properties="exact_sum",
        depth=1,
        start="any state",
        mutant=Mutant("sl_shift_product", "value = ~x_wide[1 +: P]", "value = -x_wide[1 +: P]"),
        parameters={**widths, "BIAS": room},
    )


_SHIFT_ARRAY = {"SIMD": 2, "SF": 2, "NF": 2, "X_BITS": 2, "X_SIGNED": 0, "ACC_BITS": 6}
ARITHMETIC_PROOFS = (
    _round(28, 12, 0, 255, 0),
    _round(24, 9, -127, 120, -3),
    _round(10, 0, -128, 127, 5),
    _requant(6, 4, 0, 4),
    _requant(6, 5, 8, 6),
    _requant(10, 6, 0, 7, is_long=True),
    _multiply(6, 6, 0),
    _multiply(7, 5, 8),
    _multiply(8, 8, 0, is_long=True),
    _exact_sum(0),
    _exact_sum(1),
    Proof(
        name=_named("sl_mvu_shift", _SHIFT_ARRAY),
        claim="sl_mvu_shift: bias plus the products of every row, in order, each once",
        top="sl_mvu_shift",
        properties="dot_product",
        depth=10,
        mutant=Mutant("sl_mvu_control", "first_q <= sum_last", "first_q <= m_tvalid"),
        parameters={**_SHIFT_ARRAY, "PE": 1},
        beside=bind("sl_mvu_shift", "dot_product", _SHIFT_ARRAY),
    ),
)
