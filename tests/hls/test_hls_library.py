"""Every HLS library unit against its numpy model, and a mutation of each that must be caught."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hls_arith import arith_cases
from hls_build import LIBRARY, copy_library, from_bytes, to_bytes, write_harness
from hls_csd import csd_cases
from hls_depthwise import depthwise_cases
from hls_engines import engine_cases
from hls_routes import route_cases
from hls_taps import taps_cases
from hls_units import Case, cases
from hls_vectors import vector_cases

from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.hls_engine import CXX_FLAGS, compile_cpp

FRAMES = 4
CASES = (
    *cases(),
    *arith_cases(),
    *route_cases(),
    *depthwise_cases(),
    *engine_cases(),
    *taps_cases(),
    *csd_cases(),
    *vector_cases(),
)
UNITS = sorted({case.function for case in CASES})
FLAGS = tuple("-O1" if flag == "-O3" else flag for flag in CXX_FLAGS)

MUTATIONS = (
    ("sl_width.hpp", "if (part == 0) word = s.read();", "if (part == 0) word = s.read() ^ 1;"),
    ("sl_extend.hpp", "unpack<LANES, BITS, IS_SIGNED>", "unpack<LANES, BITS, 1 - IS_SIGNED>"),
    ("sl_vector_buffer.hpp", "m.write(vector[sf]);", "m.write(vector[0]);"),
    ("sl_window.hpp", "left + kw < W;", "left + kw <= W;"),
    ("sl_digits.hpp", "(DIGITS - 1 - d) * DIGIT", "d * DIGIT"),
    ("sl_mvu_shift.hpp", "negative && level != 0", "negative"),
    ("sl_pool.hpp", "if (kx > 0)", "if (kx > 1)"),
    ("sl_window_reduce.hpp", "int tap = 1;", "int tap = 2;"),
    ("sl_round.hpp", "2 * rest + (floor & 1) > UNIT", "2 * rest >= UNIT"),
    ("sl_requant.hpp", "product + offset", "product - offset"),
    ("sl_requant_csd.hpp", "product + offset", "product - offset"),
    ("sl_csd.hpp", "left > 0", "left > 1"),
    ("sl_add.hpp", "scaled_a + scaled_b", "scaled_a - scaled_b"),
    ("sl_mvu_dsp.hpp", "o * FIELD + FIELD - 1", "o * FIELD + FIELD - 2"),
    ("sl_mvu_csd.hpp", "weights[nf * SF + sf]", "weights[sf]"),
    ("sl_mvu_xnor.hpp", "x[simd] == weights", "x[simd] != weights"),
    ("sl_thresholds.hpp", "x[lane] >= t", "x[lane] > t"),
    ("sl_window_serial.hpp", "x >= 0 && x < W;", "x < W;"),
    ("sl_reduce.hpp", "if (tap > 0)", "if (tap > 1)"),
    ("sl_dw_shift.hpp", "tap == 0 ?", "tap <= 1 ?"),
    ("sl_dw_dsp.hpp", "weights[fold * TAPS + tap][lane])", "weights[tap][lane])"),
    ("sl_taps.hpp", "real && column >= 0 &&", "real &&"),
    ("sl_fork.hpp", "m1.write(word);", "m1.write(word ^ 1);"),
    ("sl_concat.hpp", "beat < A_BEATS ?", "beat < B_BEATS ?"),
    ("sl_frame_split.hpp", "beat < A_BEATS)", "beat >= B_BEATS)"),
    ("sl_insert.hpp", "(x - PL) % (GAP_X + 1) == 0", "x % (GAP_X + 1) == 0"),
    ("sl_crop.hpp", "y >= TOP && y < TOP + OH", "y < OH"),
    ("sl_gather.hpp", "pixel[order[k]]", "pixel[order[0]]"),
    ("sl_table.hpp", "PER_CHANNEL ? fold : 0", "0"),
    ("sl_dadiannao.hpp", "x[n] > most[n] ?", "x[n] < most[n] ?"),
    ("sl_mvu_filter_csd.hpp", "(AF == 1 ? 0 : nf) * SF", "0 * SF"),
    ("sl_mvu_channel_csd.hpp", "count * SPAN", "count * SPAN / 2"),
    ("sl_argmax.hpp", "x[lane] > best", "x[lane] >= best"),
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
    frames = [port.draw(rng, FRAMES) for port in case.sources]
    given = [folder / f"input{n}.bin" for n in range(len(case.sources))]
    made = [folder / f"output{n}.bin" for n in range(len(case.sinks))]
    for path, x, port in zip(given, frames, case.sources, strict=True):
        to_bytes(x, port).tofile(path)
    command: list[str | Path] = [program, str(among.index(case)), str(FRAMES), *given, *made]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stdout:
        return False
    found = (
        from_bytes(np.fromfile(path, np.uint8), port, FRAMES)
        for path, port in zip(made, case.sinks, strict=True)
    )
    expected = case.model(*frames)
    outputs = expected if isinstance(expected, tuple) else (expected,)
    return all(np.array_equal(y, want) for y, want in zip(found, outputs, strict=True))


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
