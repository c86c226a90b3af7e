"""Engines with one illegal parameter each, as explicit instantiations without `template void`."""

from __future__ import annotations

ALIASES = """
template <int N> using prow = const std::uint32_t (&)[1][N];
using steps = const std::uint16_t (&)[1][4];
template <int N> using bytes = const std::int8_t (&)[1][N];
template <int N> using wide = const std::int64_t (&)[1][N];
using port = ap_uint<64>*;
using cport = const ap_uint<64>*;
using two_loads = const std::uint32_t (&)[2][7];
"""
_ARITHMETIC = "0, 3, 1, 20, 8, 0, 9, 9"


def _dadiannao(r: int = 4, x: int = 8, e: int = 4, beats: int = 1, blocks: int = 1) -> str:
    parameters = f"{r}, 8, {x}, {_ARITHMETIC}, 16, 1, 1, 1, 1, {e}, {beats}, 4, 0, {blocks}"
    arrays = f"prow<32>, steps, bytes<{r * r}>, wide<{r}>, wide<{r}>"
    return f"dadiannao<{parameters}>(st<{8 * e}>, st<{20 * r}>, {arrays})"


def _systolic(
    r: int = 8, c: int = 8, x: int = 8, loads: int = 1, ports: int = 1, pointers: int = 1,
    e: int = 8, beats: int = 1, blocks: int = 1,
) -> str:  # fmt: skip
    sizes = f"4, 16, 1, {loads}, 1, 0, 0, 1, 1, {ports}, {e}, {beats}, 4, 0, 0, {blocks}"
    memory = ", ".join(["port", "port", *["cport"] * pointers])
    load = "prow<7>" if loads == 1 else "two_loads"
    programs = f"prow<32>, {load}, prow<{2 + ports}>, prow<6>, prow<5>"
    streams = f"st<{8 * e}>, st<{20 * c}>"
    constants = f"steps, wide<{c}>, wide<{c}>"
    parameters = f"{r}, {c}, 0, {x}, {_ARITHMETIC}, {sizes}"
    return f"systolic<{parameters}>({streams}, {memory}, {programs}, {constants})"


ENGINES = (
    "engine_check<17, 3, 1, 20, 8, 0, 9, 9>()",
    "engine_check<8, 9, 0, 20, 8, 0, 9, 9>()",
    "engine_check<8, 4, 1, 20, 8, 0, 9, 9>()",
    "engine_check<8, 3, 1, 40, 21, 0, 9, 9>()",
    "engine_check<8, 3, 1, 20, 8, 61, 9, 9>()",
    "engine_check<8, 3, 1, 20, 8, 0, 33, 9>()",
    _dadiannao(r=6),
    _dadiannao(x=10),
    _dadiannao(e=3, beats=4, blocks=3),
    _dadiannao(blocks=2),
    _systolic(r=4, c=4, e=4),
    _systolic(c=12),
    _systolic(x=10),
    _systolic(loads=2),
    _systolic(ports=3, pointers=2),
    _systolic(e=3, beats=4, blocks=2),
    _systolic(blocks=2),
    _systolic(ports=2, pointers=1),
)
