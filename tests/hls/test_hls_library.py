"""Every HLS library unit against its numpy model, and a mutation of each that must be caught."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hls_build import LIBRARY, copy_library, from_bytes, to_bytes, write_harness
from hls_units import Case, cases

from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.hls_engine import CXX_FLAGS, compile_cpp

FRAMES = 4
CASES = cases()
UNITS = sorted({case.function for case in CASES})
FLAGS = tuple("-O1" if flag == "-O3" else flag for flag in CXX_FLAGS)

MUTATIONS = (
    ("sl_width.hpp", "if (part == 0) word = s.read();", "if (part == 0) word = s.read() ^ 1;"),
    ("sl_vector_buffer.hpp", "m.write(vector[sf]);", "m.write(vector[0]);"),
    ("sl_window.hpp", "left + kw < W;", "left + kw <= W;"),
    ("sl_mvu_shift.hpp", "negative && level != 0", "negative"),
    ("sl_pool.hpp", "if (kx > 0)", "if (kx > 1)"),
    ("sl_window_reduce.hpp", "int tap = 1;", "int tap = 2;"),
    ("sl_requant.hpp", "2 * rest + (floor & 1) > UNIT", "2 * rest >= UNIT"),
    ("sl_thresholds.hpp", "x[lane] >= t", "x[lane] > t"),
)


@pytest.fixture(scope="module")
def program(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases in one program."""
    folder = tmp_path_factory.mktemp("units")
    return compile_cpp("units", [write_harness(folder, CASES)], [folder, LIBRARY], cache, FLAGS)


@pytest.fixture(scope="module")
def exact(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with memories and tables of exactly the widths that synthesis sees."""
    folder = tmp_path_factory.mktemp("exact")
    flags = ("-DSL_EXACT_WORDS", *FLAGS)
    return compile_cpp("units", [write_harness(folder, CASES)], [folder, LIBRARY], cache, flags)


@pytest.fixture(scope="module")
def mutated(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one mutation in each unit."""
    folder = tmp_path_factory.mktemp("mutated")
    library = copy_library(folder / "lib", MUTATIONS)
    return compile_cpp("units", [write_harness(folder, CASES)], [folder, library], cache, FLAGS)


def agrees(program: Path, case: Case, folder: Path, among: tuple[Case, ...] = CASES) -> bool:
    """Whether a unit gives its model's outputs for random frames back to back."""
    rng = np.random.default_rng(CASES.index(case))
    x = case.source.draw(rng, FRAMES)
    given, made = folder / "input.bin", folder / "output.bin"
    to_bytes(x, case.source).tofile(given)
    command: list[str | Path] = [program, str(among.index(case)), str(FRAMES), given, made]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stdout:
        return False
    y = from_bytes(np.fromfile(made, np.uint8), case.sink, FRAMES)
    return np.array_equal(y, case.model(x))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_unit_gives_its_models_outputs(program: Path, case: Case, tmp_path: Path) -> None:
    assert agrees(program, case, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_words_of_exact_width_change_nothing(exact: Path, case: Case, tmp_path: Path) -> None:
    assert agrees(exact, case, tmp_path)


def test_a_word_one_bit_too_narrow_is_caught(cache: Cache, tmp_path: Path) -> None:
    cases = tuple(case for case in CASES if case.function == "pool")
    narrow = ("sl_pool.hpp", "number<IS_SIGNED, OUT_BITS>", "number<IS_SIGNED, OUT_BITS - 1>")
    library = copy_library(tmp_path / "lib", [narrow])
    include, flags = [tmp_path, library], ("-DSL_EXACT_WORDS", *FLAGS)
    program = compile_cpp("units", [write_harness(tmp_path, cases)], include, cache, flags)
    assert not all(agrees(program, case, tmp_path, cases) for case in cases)


@pytest.mark.parametrize("unit", UNITS)
def test_a_mutated_unit_is_caught(mutated: Path, unit: str, tmp_path: Path) -> None:
    assert not all(agrees(mutated, case, tmp_path) for case in CASES if case.function == unit)
