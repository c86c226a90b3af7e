"""The decoder of QSQ weights in HLS C++: every code with every α, and the mark of code 111."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hls_build import LIBRARY, copy_library

from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.hls_engine import CXX_FLAGS, compile_cpp

PROGRAM = """\
#include <cstdio>
#include "sl_qsq_decode.hpp"

int main() {
  for (unsigned code = 0; code < 8; code++) {
    bool bad_code = false;
    for (int alpha = 0; alpha < 256; alpha++) {
      sl::sword<11> weight;
      sl::qsq_decode<8, 0>(code, sl::uword<8>(alpha), weight, bad_code);
      sl::sword<11> unused;
      sl::qsq_decode<8, 0>(0, sl::uword<8>(alpha), unused, bad_code);
      std::printf("%d %d\\n", int(weight), int(bad_code));
    }
  }
}
"""
BETA = np.array([0, 1, 2, 4, -1, -2, -4, 0])


def decoded(library: Path, folder: Path, cache: Cache, *flags: str) -> bool:
    """Whether all weights and marks are right."""
    source = folder / "decode.cpp"
    source.write_text(PROGRAM, encoding="utf-8")
    program = compile_cpp("decode", [source], [library], cache, (*flags, *CXX_FLAGS))
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    found = np.array(done.stdout.split(), dtype=np.int64).reshape(8, 256, 2)
    weights = BETA[:, None] * np.arange(256)
    bad = np.repeat(np.arange(8) == 7, 256).reshape(8, 256)
    return np.array_equal(found[..., 0], weights) and np.array_equal(found[..., 1], bad)


@pytest.mark.parametrize("flags", [(), ("-DSL_EXACT_WORDS",)], ids=["native", "exact"])
def test_every_weight_is_decoded(cache: Cache, tmp_path: Path, flags: tuple[str, ...]) -> None:
    assert decoded(LIBRARY, tmp_path, cache, *flags)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("negative ? -a : a", "a"),
        ("code == 7", "code == 6"),
        ("if (code == 7) bad_code = true", "bad_code = code == 7"),
    ],
)
def test_a_fault_is_noticed(cache: Cache, tmp_path: Path, old: str, new: str) -> None:
    library = copy_library(tmp_path / "lib", [("sl_qsq_decode.hpp", old, new)])
    assert not decoded(library, tmp_path, cache)
