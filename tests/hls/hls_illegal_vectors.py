"""Units of short vectors with one illegal parameter each, as explicit instantiations."""

from __future__ import annotations


def _filter(
    x: int = 8, af: int = 1, z: int = 16, acc: int = 20, gate: int = 1, pixels: int = 1
) -> str:
    parameters = f"1, 1, 1, 1, {x}, 0, 4, {af}, {z}, {acc}, {gate}, 0, {pixels}"
    arrays = f"codes<1, 1, 1>, const sl::uword<12> (&)[{af}][1], row<{acc}, 1>"
    return f"mvu_filter_csd<{parameters}>(st<{x}>, st<{acc}>, {arrays}, ap_uint<4>)"


def _channel(
    x: int = 8, vf: int = 1, v: int = 11, z: int = 19, acc: int = 22, gate: int = 1, pixels: int = 1
) -> str:
    parameters = f"1, 1, 1, {vf}, {x}, 0, {vf}, 1, {v}, 4, {z}, {acc}, {gate}, 0, {pixels}"
    memories = f"codes<{vf}, 1, 1>, ucube<{vf.bit_length()}, 1>, ucube<12, 1>"
    bias = f"const sl::sword<{acc}> (&)[{vf}][1]"
    return f"mvu_channel_csd<{parameters}>(st<{x}>, st<{acc}>, {memories}, {bias}, ap_uint<4>)"


VECTORS = (
    *(_filter(pixels=0), _filter(af=2), _filter(x=17)),
    *(_filter(z=49), _filter(acc=64), _filter(gate=4)),
    *(_channel(pixels=0), _channel(vf=2), _channel(x=17), _channel(v=20)),
    *(_channel(z=63), _channel(acc=64), _channel(gate=4)),
)
