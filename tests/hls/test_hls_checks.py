"""Illegal parameters of the HLS library: each static_assert fires, with its message."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hls_build import LIBRARY
from hls_illegal_engines import ALIASES, ENGINES
from hls_illegal_vectors import VECTORS

from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache

PREAMBLE = """
template <int W> using st = hls::stream<ap_uint<W>>&;
template <int W> using ax = hls::stream<sl::axis<W>>&;
template <int SF, int PE, int SIMD> using codes = const sl::uword<3> (&)[SF][PE][SIMD];
template <int BITS, int N> using row = const sl::sword<BITS> (&)[1][N];
template <int BITS, int N> using urow = const sl::uword<BITS> (&)[1][N];
template <int BITS, int N> using cube = const sl::sword<BITS> (&)[1][1][N];
template <int BITS, int N> using ucube = const sl::uword<BITS> (&)[1][1][N];
template <int BITS, int N> using array1 = const sl::uword<BITS> (&)[N];
template <int BITS> using pair = const sl::sword<BITS> (&)[2];
template <int BITS> using one = const sl::sword<BITS> (&)[1];
template <int N> using array = int (&)[N];
using k4 = ap_uint<4>;
"""

ILLEGAL = """
width<1, 1, 8, 0>(st<8>, st<8>)
width<3, 2, 8, 2>(st<24>, st<16>)
width<1, 2, 8, 3>(st<8>, st<16>)
vector_buffer<4, 2, 8, 0, 1>(st<16>, st<16>)
vector_buffer<5, 2, 8, 1, 1>(st<16>, st<16>)
window<8, 8, 1, 8, 3, 3, 1, 0, 1, 1, 8, 8, 3, 1, 4, 0, 1>(st<8>, st<24>)
window<8, 8, 1, 8, 3, 3, 1, 1, 1, 1, 8, 8, 3, 0, 4, 0, 1>(st<8>, st<24>)
window<8, 8, 1, 33, 3, 3, 1, 1, 1, 1, 8, 8, 3, 1, 4, 0, 1>(st<33>, st<99>)
window<8, 8, 1, 8, 3, 3, 1, 1, 1, 1, 8, 8, 2, 1, 4, 0, 1>(st<8>, st<16>)
window<8, 8, 1, 8, 3, 3, 1, 1, 1, 3, 8, 8, 3, 1, 4, 0, 1>(st<8>, st<24>)
window<8, 8, 1, 8, 3, 3, 1, 1, 1, 1, 10, 8, 3, 1, 4, 0, 1>(st<8>, st<24>)
window<8, 8, 1, 8, 3, 3, 1, 1, 1, 1, 8, 8, 3, 1, 2, 0, 1>(st<8>, st<24>)
digits<1, 8, 2, 0, 0>(st<8>, st<2>)
digits<1, 33, 2, 0, 1>(st<33>, st<2>)
digits<1, 4, 8, 0, 1>(st<4>, st<8>)
extend<1, 8, 16, 0, 0>(st<8>, st<16>)
extend<1, 8, 8, 0, 1>(st<8>, st<8>)
mvu_shift<1, 1, 1, 1, 8, 0, 20, 0>(st<8>, st<20>, codes<1, 1, 1>, row<20, 1>)
mvu_shift<1, 1, 1, 1, 17, 0, 20, 1>(st<17>, st<20>, codes<1, 1, 1>, row<20, 1>)
mvu_shift<4097, 1, 1, 1, 1, 0, 20, 1>(st<4097>, st<20>, codes<1, 1, 4097>, row<20, 1>)
mvu_shift<1, 1, 1, 1, 8, 0, 64, 1>(st<8>, st<64>, codes<1, 1, 1>, row<64, 1>)
pool<4, 4, 1, 1, 8, 8, 2, 0, 0, 1>(st<8>, st<8>)
pool<4, 4, 1, 1, 8, 8, 5, 2, 0, 1>(st<8>, st<8>)
pool<4, 1, 1, 1, 8, 8, 2, 1, 0, 1>(st<8>, st<8>)
pool<4, 4, 1, 1, 8, 49, 2, 2, 0, 1>(st<8>, st<49>)
pool<4, 4, 1, 1, 8, 7, 2, 2, 0, 1>(st<8>, st<7>)
window_reduce<4, 1, 8, 8, 0, 1, 0>(st<32>, st<8>)
window_reduce<4, 1, 8, 49, 0, 1, 1>(st<32>, st<49>)
window_reduce<4, 1, 8, 7, 0, 1, 1>(st<32>, st<7>)
requant<1, 1, 20, 1, 8, 0, 12, 8, 0, 255, 0, 0, 0>(st<20>, st<8>, urow<8, 1>)
requant<1, 1, 40, 1, 21, 0, 12, 8, 0, 255, 0, 0, 1>(st<40>, st<8>, urow<21, 1>)
requant<1, 1, 20, 1, 8, 9, 12, 8, 0, 255, 0, 0, 1>(st<20>, st<8>, urow<8, 1>)
requant<1, 1, 20, 1, 8, 61, 12, 8, 0, 255, 0, 0, 1>(st<20>, st<8>, urow<8, 1>, row<61, 1>)
requant<1, 1, 20, 1, 8, 0, 61, 8, 0, 255, 0, 0, 1>(st<20>, st<8>, urow<8, 1>)
requant<1, 1, 20, 1, 8, 0, 12, 33, 0, 255, 0, 0, 1>(st<20>, st<33>, urow<8, 1>)
requant<1, 1, 20, 1, 8, 0, 12, 8, 1, 0, 0, 0, 1>(st<20>, st<8>, urow<8, 1>)
requant_csd<1, 1, 20, 1, 5, 0, 12, 8, 0, 255, 0, 1, 0>(st<20>, st<8>, urow<15, 1>, k4)
requant_csd<1, 1, 51, 1, 5, 0, 12, 8, 0, 255, 0, 1, 1>(st<51>, st<8>, urow<15, 1>, k4)
requant_csd<1, 1, 20, 1, 5, 9, 12, 8, 0, 255, 0, 1, 1>(st<20>, st<8>, urow<15, 1>, k4)
requant_csd<1, 1, 9, 1, 5, 61, 9, 8, 0, 9, 0, 1, 1>(st<9>, st<8>, urow<15, 1>, row<61, 1>, k4)
requant_csd<1, 1, 20, 1, 5, 0, 61, 8, 0, 255, 0, 1, 1>(st<20>, st<8>, urow<15, 1>, k4)
requant_csd<1, 1, 20, 1, 5, 0, 12, 33, 0, 255, 0, 1, 1>(st<20>, st<33>, urow<15, 1>, k4)
requant_csd<1, 1, 20, 1, 5, 0, 12, 8, 1, 0, 0, 1, 1>(st<20>, st<8>, urow<15, 1>, k4)
requant_csd<1, 1, 20, 1, 5, 0, 12, 8, 0, 255, 0, 4, 1>(st<20>, st<8>, urow<15, 1>, k4)
add<1, 8, 0, 8, 0, 16, 20, 14, 8, 0, 255, 0, 0, 0>(st<8>, st<8>, st<8>, pair<16>, one<20>)
add<1, 17, 0, 8, 0, 16, 20, 14, 8, 0, 255, 0, 0, 1>(st<17>, st<8>, st<8>, pair<16>, one<20>)
add<1, 8, 0, 8, 0, 41, 20, 14, 8, 0, 255, 0, 0, 1>(st<8>, st<8>, st<8>, pair<41>, one<20>)
add<1, 8, 0, 8, 0, 16, 61, 14, 8, 0, 255, 0, 0, 1>(st<8>, st<8>, st<8>, pair<16>, one<61>)
add<1, 8, 0, 8, 0, 16, 20, 61, 8, 0, 255, 0, 0, 1>(st<8>, st<8>, st<8>, pair<16>, one<20>)
add<1, 8, 0, 8, 0, 16, 20, 14, 33, 0, 255, 0, 0, 1>(st<8>, st<8>, st<33>, pair<16>, one<20>)
add<1, 8, 0, 8, 0, 16, 20, 14, 8, 1, 0, 0, 0, 1>(st<8>, st<8>, st<8>, pair<16>, one<20>)
mvu_dsp<1, 1, 1, 1, 8, 0, 4, 2, 20, 1, 20, 0>(st<8>, st<20>, cube<24, 1>, row<20, 1>)
mvu_dsp<1, 1, 1, 1, 18, 0, 4, 2, 20, 1, 20, 1>(st<18>, st<20>, cube<24, 1>, row<20, 1>)
mvu_dsp<1, 1, 1, 1, 8, 0, 6, 2, 20, 1, 20, 1>(st<8>, st<20>, cube<26, 1>, row<20, 1>)
mvu_dsp<1, 1, 1, 1, 8, 0, 25, 1, 49, 1, 20, 1>(st<8>, st<20>, cube<25, 1>, row<20, 1>)
mvu_dsp<3, 1, 1, 1, 8, 0, 4, 2, 20, 2, 20, 1>(st<24>, st<20>, cube<24, 3>, row<20, 1>)
mvu_dsp<1, 1, 1, 1, 8, 0, 4, 2, 20, 1, 64, 1>(st<8>, st<64>, cube<24, 1>, row<64, 1>)
mvu_csd<1, 1, 1, 1, 8, 0, 4, 20, 0, 0, 0>(st<8>, st<20>, ucube<12, 1>, row<20, 1>, ap_uint<4>)
mvu_csd<1, 1, 1, 1, 25, 0, 4, 20, 0, 0, 1>(st<25>, st<20>, ucube<12, 1>, row<20, 1>, ap_uint<4>)
mvu_csd<1, 1, 1, 1, 8, 0, 14, 20, 0, 0, 1>(st<8>, st<20>, ucube<42, 1>, row<20, 1>, ap_uint<4>)
mvu_csd<1, 1, 1, 1, 8, 0, 4, 64, 0, 0, 1>(st<8>, st<64>, ucube<12, 1>, row<64, 1>, ap_uint<4>)
qsq_decode<61, 0>(unsigned, const sl::uword<61>&, sl::sword<64>&, bool&)
mvu_xnor<1, 1, 1, 1, 3, 0>(st<1>, st<3>, ucube<1, 1>, row<3, 1>)
mvu_xnor<1, 1, 1, 1, 64, 1>(st<1>, st<64>, ucube<1, 1>, row<64, 1>)
thresholds<1, 1, 20, 2, 0, 0>(st<20>, st<2>, cube<20, 3>)
thresholds<1, 1, 64, 2, 0, 1>(st<64>, st<2>, cube<64, 3>)
thresholds<1, 1, 20, 13, 0, 1>(st<20>, st<13>, cube<20, 8191>)
reduce<1, 4, 8, 8, 0, 1, 0>(st<8>, st<8>)
reduce<1, 4, 8, 49, 0, 1, 1>(st<8>, st<49>)
reduce<1, 4, 8, 7, 0, 1, 1>(st<8>, st<7>)
window_serial<8, 8, 2, 8, 3, 3, 0, 1, 1, 1, 1, 1, 8, 8, 1, 1, 1, 4, 0>(st<8>, st<8>)
window_serial<8, 8, 2, 8, 3, 3, 1, 1, 1, 0, 1, 0, 8, 6, 1, 1, 1, 4, 0>(st<8>, st<8>)
window_serial<8, 8, 2, 33, 3, 3, 1, 1, 1, 1, 1, 1, 8, 8, 1, 1, 1, 4, 0>(st<33>, st<33>)
window_serial<8, 8, 2, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8, 8, 2, 2, 1, 4, 0>(st<16>, st<16>)
window_serial<8, 8, 2, 8, 3, 3, 1, 1, 1, 1, 3, 1, 8, 8, 1, 1, 1, 4, 0>(st<8>, st<8>)
window_serial<8, 8, 2, 8, 3, 3, 1, 1, 1, 1, 1, 1, 10, 8, 1, 1, 1, 4, 0>(st<8>, st<8>)
taps<8, 8, 3, 3, 0, 1, 1, 1, 1, 1, 8, 8, 1, 1, 8, 12>(st<72>, st<12>, row<12, 1>)
taps<8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 0, 8, 1, 1, 8, 12>(st<72>, st<12>, row<12, 1>)
taps<8, 8, 3, 3, 1, 1, 1, 1, 3, 1, 8, 8, 1, 1, 8, 12>(st<72>, st<12>, row<12, 1>)
dw_shift<1, 1, 1, 8, 0, 20, 0>(st<8>, st<20>, urow<3, 1>, row<20, 1>)
dw_shift<1, 1, 1, 17, 0, 20, 1>(st<17>, st<20>, urow<3, 1>, row<20, 1>)
dw_shift<1, 1, 1, 8, 0, 64, 1>(st<8>, st<64>, urow<3, 1>, row<64, 1>)
dw_dsp<1, 1, 1, 8, 0, 8, 20, 0>(st<8>, st<20>, row<8, 1>, row<20, 1>)
dw_dsp<1, 1, 1, 8, 0, 19, 20, 1>(st<8>, st<20>, row<19, 1>, row<20, 1>)
dw_dsp<1, 1, 1, 8, 0, 8, 49, 1>(st<8>, st<49>, row<8, 1>, row<49, 1>)
fork<8, 0>(st<8>, st<8>, st<8>)
concat<8, 1, 0, 1>(st<8>, st<8>, st<8>)
frame_split<8, 0, 1, 1>(st<8>, st<8>, st<8>)
insert<2, 2, 0, 1, 8, 1, 1, 1, 1, 0, 0, 0>(st<8>, st<8>)
insert<2, 2, 1, 1, 8, 1, 1, 1, 1, -1, 0, 0>(st<8>, st<8>)
crop<4, 4, 1, 8, 1, 1, 0, 2>(st<8>, st<8>)
crop<4, 4, 1, 8, 1, 1, 4, 2>(st<8>, st<8>)
gather<8, 2, 1, 0>(st<8>, st<8>, array1<1, 1>)
table<1, 1, 8, 8, 0, 0>(st<8>, st<8>, ucube<8, 256>)
table<1, 1, 13, 8, 0, 1>(st<13>, st<8>, ucube<8, 8192>)
table<1, 1, 8, 64, 0, 1>(st<8>, st<64>, ucube<64, 256>)
argmax<1, 10, 8, 4, 1, 0>(st<8>, st<4>)
argmax<1, 10, 49, 4, 1, 1>(st<49>, st<4>)
argmax<1, 10, 8, 3, 1, 1>(st<8>, st<3>)
axis_framer<12, 4, 8>(ax<12>, st<8>)
axis_framer<8, 4, 9>(ax<8>, st<9>)
axis_framer<8, 0, 8>(ax<8>, st<8>)
axis_last<12, 4, 8>(st<8>, ax<12>)
axis_last<8, 4, 9>(st<9>, ax<8>)
axis_last<8, 0, 8>(st<8>, ax<8>)
unpack<1, 64, 0, int>(const ap_uint<64>&, array<1>)
"""
LINES = (*ILLEGAL.strip().splitlines(), *ENGINES, *VECTORS)
PACK = "template ap_uint<64> sl::pack<1, 64, int>(const int (&)[1]);\n"


def messages() -> list[str]:
    """The message of every static_assert of the library."""
    texts = (header.read_text(encoding="utf-8") for header in sorted(LIBRARY.glob("*.hpp")))
    return [m for text in texts for m in re.findall(r'static_assert\([^"]*"(sl::[^"]*)"', text)]


@pytest.fixture(scope="module")
def complaints(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What g++ says to all the illegal instantiations at once."""
    assert cache
    folder = tmp_path_factory.mktemp("illegal")
    headers = "".join(f'#include "{h.name}"\n' for h in sorted(LIBRARY.glob("*.hpp")))
    uses = "".join(f"template void sl::{line};\n" for line in LINES)
    source = folder / "illegal.cpp"
    source.write_text(headers + PREAMBLE + ALIASES + uses + PACK, encoding="utf-8")
    call = [tools.require("g++").path, "-std=c++17", "-fsyntax-only", f"-I{LIBRARY}"]
    call += ["-isystem", tools.require("hls4ml").path, str(source)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode != 0
    return re.findall(r"static assertion failed: (.*)", done.stderr)


def test_the_library_has_checks() -> None:
    assert len(messages()) == len(LINES) + 1


@pytest.mark.parametrize("message", messages())
def test_illegal_parameters_are_refused(complaints: list[str], message: str) -> None:
    assert message in complaints


def test_a_line_of_the_list_fails_each_check_once(complaints: list[str]) -> None:
    assert len(complaints) >= len(LINES)


def test_every_header_stands_alone(cache: Cache, tmp_path: Path) -> None:
    """Each compiles by itself, with all warnings as errors."""
    assert cache
    for header in sorted(LIBRARY.glob("*.hpp")):
        call = [tools.require("g++").path, "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra"]
        call += ["-Werror", "-Wno-unknown-pragmas", "-isystem", tools.require("hls4ml").path]
        source = tmp_path / "alone.cpp"
        source.write_text(f'#include "{header}"\n', encoding="utf-8")
        done = subprocess.run([*call, source], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
