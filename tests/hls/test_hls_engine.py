"""A generated HLS design through the batch engine and its test bench, and what they refuse."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hls_build import LIBRARY, copy_library
from hls_design import IN_BEATS, NAME, OUT_BEATS, model, write_design
from numpy.typing import NDArray

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.hls_engine import HlsEngine, compile_cpp

FRAMES = np.random.default_rng(3).integers(0, 256, (37, IN_BEATS))


VITIS_STREAM = """
#pragma once
#include "ap_int.h"
template <int D, int U, int TI, int TD>
struct ap_axiu {
  ap_uint<D> data;
  ap_uint<D / 8> keep, strb;
  ap_uint<1> last;
};
"""
"""The fields that Vitis HLS documents for `ap_axiu` without user, id and destination."""


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The design's folder, with the library in `lib/`."""
    folder = write_design(tmp_path_factory.mktemp("design") / "hls")
    copy_library(folder / "lib")
    return folder


@pytest.fixture(scope="module")
def engine(design: Path, cache: Cache) -> HlsEngine:
    """Its engine, two processes."""
    return HlsEngine(NAME, design, 8, IN_BEATS, 8, OUT_BEATS, cache, workers=2)


def test_engine_gives_the_models_outputs_and_reports_progress(engine: HlsEngine) -> None:
    seen: list[tuple[int, int]] = []
    outputs = engine.run(FRAMES, lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(outputs & 255, model(FRAMES))
    assert outputs.dtype == np.int64
    assert [total for _, total in seen] == [len(FRAMES)] * len(seen)
    assert sorted(done for done, _ in seen)[-1] == len(FRAMES)


def test_outputs_are_read_in_twos_complement(engine: HlsEngine) -> None:
    outputs = engine.run(FRAMES)
    assert outputs.min() < 0
    assert outputs.max() < 128


def test_bytes_are_the_same_frames(engine: HlsEngine) -> None:
    outputs = engine.run_bytes(FRAMES.astype(np.uint8))
    np.testing.assert_array_equal(outputs, model(FRAMES))


def test_no_frames_are_no_outputs(engine: HlsEngine) -> None:
    assert engine.run(FRAMES[:0]).shape == (0, OUT_BEATS)


def test_the_program_is_compiled_once_and_again_when_a_header_changes(
    engine: HlsEngine, tmp_path: Path
) -> None:
    assert engine.compile() == engine.compile()
    folder = write_design(tmp_path / "hls")
    edit = (
        "sl_requant.hpp",
        "(product + offset[fold][lane])",
        "(product + offset[fold][lane]) + 1",
    )
    copy_library(folder / "lib", [edit])
    other = replace(engine, source_dir=folder)
    assert other.compile() != engine.compile()
    assert not np.array_equal(other.run(FRAMES) & 255, model(FRAMES))


def test_the_stream_type_of_vitis_serves_as_well(engine: HlsEngine, tmp_path: Path) -> None:
    folder = write_design(tmp_path / "hls")
    copy_library(folder / "lib")
    (folder / "lib" / "ap_axi_sdata.h").write_text(VITIS_STREAM, encoding="utf-8")
    outputs = replace(engine, source_dir=folder).run(FRAMES)
    np.testing.assert_array_equal(outputs & 255, model(FRAMES))


def test_a_wrong_number_of_beats_is_an_error(engine: HlsEngine, tmp_path: Path) -> None:
    folder = write_design(tmp_path / "hls")
    edit = ("sl_axis_last.hpp", "beat == BEATS - 1", "beat == BEATS - 2")
    copy_library(folder / "lib", [edit])
    with pytest.raises(
        ShiftloomError, match=r"small_net: HLS C.. simulation: frame 0: not exactly"
    ):
        replace(engine, source_dir=folder).run(FRAMES[:1])


def test_what_the_stream_model_prints_is_an_error(engine: HlsEngine, tmp_path: Path) -> None:
    folder = write_design(tmp_path / "hls")
    edit = ("sl_axis_last.hpp", "m.write(axis", "if (beat == 0) s.read();\n    m.write(axis")
    copy_library(folder / "lib", [edit])
    with pytest.raises(ShiftloomError, match="'sink' is read while empty"):
        replace(engine, source_dir=folder).run(FRAMES[:1])


def test_a_stale_shape_is_an_error(engine: HlsEngine) -> None:
    wrong = replace(engine, out_beats=OUT_BEATS + 1)
    with pytest.raises(ShiftloomError, match="2 frames gave 192 output bytes, not 194"):
        wrong.run(np.repeat(FRAMES[:1], 32, axis=0))


def test_code_that_does_not_compile_is_quoted(engine: HlsEngine, tmp_path: Path) -> None:
    folder = write_design(tmp_path / "hls")
    copy_library(folder / "lib", [("sl_pool.hpp", "kx = 0, ox", "ox")])
    with pytest.raises(ShiftloomError, match=r"small_net: the HLS C.. does not compile: .*kx"):
        replace(engine, source_dir=folder).compile()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_width": 12}, "small_net: the input is 12 bits wide; use a positive multiple of 8"),
        ({"out_beats": 0}, "small_net: the output has 0 beats a frame; use 1 or more"),
    ],
)
def test_impossible_ports_are_refused(
    engine: HlsEngine, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ShiftloomError, match=message):
        replace(engine, **change)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 63), np.uint8), r"frames are uint8 \[2, 63\]; pass uint8 \[N, 64\]"),
        (np.zeros((2, 64), np.int32), r"frames are int32 \[2, 64\]; pass uint8 \[N, 64\]"),
    ],
)
def test_frames_of_another_kind_are_refused(
    engine: HlsEngine, frames: NDArray[np.uint8], message: str
) -> None:
    with pytest.raises(ShiftloomError, match=message):
        engine.run_bytes(frames)


def test_words_of_another_shape_or_range_are_refused(engine: HlsEngine) -> None:
    with pytest.raises(ShiftloomError, match=r"frames are \[1, 63\]; pass \[N, 64\]"):
        engine.run(FRAMES[:1, 1:])
    with pytest.raises(ShiftloomError, match="256 does not fit into a beat of 8 bits"):
        engine.run(np.full((1, IN_BEATS), 256))
    with pytest.raises(ShiftloomError, match=r"a beat of the output has 72 bits, more than .* 64"):
        replace(engine, out_width=72).run(FRAMES)


def test_a_folder_without_the_design_is_refused(engine: HlsEngine, tmp_path: Path) -> None:
    with pytest.raises(ShiftloomError, match=r"small_net.cpp is not in .*; generate the HLS C"):
        replace(engine, source_dir=tmp_path).compile()


def test_a_missing_compiler_is_named(engine: HlsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(tools.ToolMissing, match=r"g\+\+: not found.*apt install g\+\+"):
        engine.compile()


@pytest.fixture(scope="module")
def testbench(design: Path, cache: Cache) -> Path:
    """The generated test bench, compiled."""
    return compile_cpp(
        NAME, [design / f"{NAME}.cpp", design / "testbench.cpp"], [design, LIBRARY], cache
    )


def run_testbench(
    program: Path, folder: Path, given: str, wanted: str, *arguments: str
) -> tuple[int, str]:
    """Exit code and messages for two vector files."""
    (folder / "input.hex").write_text(given, encoding="utf-8")
    (folder / "expected.hex").write_text(wanted, encoding="utf-8")
    command = [program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def vectors(values: NDArray[np.int64]) -> str:
    """One beat a line in hexadecimal."""
    return "".join(f"{value:02x}\n" for value in values.reshape(-1).tolist())


def test_testbench_accepts_right_vectors_only(testbench: Path, tmp_path: Path) -> None:
    given, expected = FRAMES[:3], model(FRAMES[:3])
    right = run_testbench(testbench, tmp_path, vectors(given), vectors(expected))
    assert right == (0, "3 frames, 0 mismatches\n")
    expected[2, 95] ^= 1
    code, text = run_testbench(testbench, tmp_path, vectors(given), vectors(expected))
    assert code == 1
    assert "frame 2 beat 95: " in text
    assert "3 frames, 1 mismatches" in text


@pytest.mark.parametrize("lost", [1, 96, 288])
def test_testbench_refuses_incomplete_vectors(testbench: Path, tmp_path: Path, lost: int) -> None:
    wanted = vectors(model(FRAMES[:3]).reshape(-1)[lost:])
    code, text = run_testbench(testbench, tmp_path, vectors(FRAMES[:3]), wanted)
    assert code == 1
    assert f"expected.hex {288 - lost}; a frame takes 64 and gives 96" in text


def test_script_runs_every_step_of_vitis(design: Path) -> None:
    script = (design / "build.tcl").read_text(encoding="utf-8").splitlines()
    commands = [line.split()[0] for line in script if line and not line.startswith("#")]
    steps = ["csim_design", "csynth_design", "cosim_design", "export_design", "exit"]
    assert commands[-5:] == steps
    assert 'add_files small_net.cpp -cflags "-std=c++17"' in script
    assert "create_clock -period 10.000 -name default" in script


FRAMER = """
#include "sl_axis_framer.hpp"
#include "sl_axis_last.hpp"

// Frames of 4 beats with TLAST after 4, 2, 6 and 4; beat j of frame i holds 16 * i + j + 1.
int main() {
  hls::stream<sl::axis<8>> s("s"), m("m");
  hls::stream<ap_uint<8>> plain("plain");
  const int lengths[] = {4, 2, 6, 4};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < lengths[i]; j++)
      s.write(sl::axis_beat<8>(ap_uint<8>(16 * i + j + 1), j == lengths[i] - 1));
  int wrong = 0;
  for (int i = 0; i < 4; i++) {
    sl::axis_framer<8, 4>(s, plain);
    sl::axis_last<8, 4>(plain, m);
    for (int j = 0; j < 4; j++) {
      const sl::axis<8> beat = m.read();
      wrong += beat.data != (j < lengths[i] ? 16 * i + j + 1 : 0) || (beat.last == 1) != (j == 3);
    }
  }
  return wrong + !s.empty();
}
"""


@pytest.mark.parametrize(
    ("edits", "right"),
    [
        ((), True),
        ((("sl_axis_framer.hpp", "while (!last)", "while (false)"),), False),
        ((("sl_axis_framer.hpp", "data = 0", "data = 1"),), False),
        ((("sl_axis_last.hpp", "beat == BEATS - 1", "beat == 0"),), False),
    ],
    ids=["whole", "keeps_the_surplus", "fills_with_ones", "marks_the_first"],
)
def test_frames_of_a_wrong_length_do_not_disturb_the_next(
    cache: Cache, tmp_path: Path, edits: tuple[tuple[str, str, str], ...], right: bool
) -> None:
    library = copy_library(tmp_path / "lib", edits)
    source = tmp_path / "framer.cpp"
    source.write_text(FRAMER, encoding="utf-8")
    program = compile_cpp("framer", [source], [library], cache)
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode == 0 and not done.stdout) == right


@pytest.mark.parametrize("arguments", [("input.hex",), ("input.hex", "expected.hex", "3")])
def test_testbench_refuses_other_arguments(
    testbench: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    given, wanted = vectors(FRAMES[:3]), vectors(model(FRAMES[:3]))
    usage = "usage: testbench [input.hex expected.hex]\n"
    assert run_testbench(testbench, tmp_path, given, wanted, *arguments) == (1, usage)
