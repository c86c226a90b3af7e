"""The script for Vitis HLS, run against a model of its commands; its vectors, in the test bench."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hls_stub import VitisHls
from vendor_commands import VendorError, commands

pytest.importorskip("torch")

from vendor_networks import build

from shiftloom.codegen import vectors
from shiftloom.codegen.build import Build
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.hls_engine import compile_cpp

DATAFLOWS = ("streaming", "systolic")


@pytest.fixture(params=DATAFLOWS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """A build in `tmp_path/tiny`."""
    return build(tmp_path / "tiny", "pynq-z2", request.param)


def test_the_script_runs(made: Build, tmp_path: Path) -> None:
    tool = VitisHls()
    tool.run(tmp_path / "tiny" / "hls" / "build.tcl")
    assert [call.name for call in tool.calls][-2:] == ["export_design", "exit"]
    given = {
        call.name: call.values["-argv"].split() for call in tool.calls if call.values.get("-argv")
    }
    assert list(given) == ["csim_design", "cosim_design"]
    assert {len(files) for files in given.values()} == {3 if made.design.memory else 2}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-flow_target", "-flow-target", "open_solution: unknown option -flow-target"),
        ("ip_catalog", "catalog", "export_design: -format catalog, use one of ip_catalog, xo, syn"),
        ("set_part xc7z020clg400-1", "set_part", "set_part: 0 arguments: "),
        ("tiny.cpp", "tine.cpp", "no such file: tine.cpp"),
        ("cd $here", "", "no such file: tiny.cpp"),
        ("expected.hex", "expect.hex", "/hls/expect.hex"),
        ("$here/input.hex", "input.hex", "csim_design: input.hex is not there"),
        ("set_top tiny", "set_top tine", "csynth_design: no function tine"),
        ("-tb testbench.cpp", "-tb tiny.cpp", "csim_design: the test bench has no main"),
        ("set_top tiny\n", "", "open_solution after open_project"),
        ("create_clock", "#", "csim_design: the solution is not set up"),
        ("csynth_design\n", "", "cosim_design after csim_design"),
    ],
)
def test_faults_are_found(old: str, new: str, problem: str, tmp_path: Path) -> None:
    build(tmp_path / "tiny", "pynq-z2", "streaming")
    script = tmp_path / "tiny" / "hls" / "build.tcl"
    text = script.read_text()
    assert old in text
    script.write_text(text.replace(old, new, 1))
    with pytest.raises(VendorError) as caught:
        VitisHls().run(script)
    assert problem in str(caught.value)


def test_a_path_with_a_space_is_refused(tmp_path: Path) -> None:
    build(tmp_path / "my builds" / "tiny", "pynq-z2", "streaming")
    with pytest.raises(VendorError) as caught:
        VitisHls().run(tmp_path / "my builds" / "tiny" / "hls" / "build.tcl")
    assert "/my builds/tiny/hls: commands of the tool split names at spaces" in str(caught.value)


def test_every_command_names_its_source() -> None:
    table = {**commands("vivado"), **commands("hls")}
    assert all(row.source.startswith(("UG835", "UG1118", "UG1399")) for row in table.values())


def test_the_vectors_agree_with_the_test_bench(made: Build, cache: Cache, tmp_path: Path) -> None:
    folder = tmp_path / "tiny" / "hls"
    sources = [folder / "tiny.cpp", folder / "testbench.cpp"]
    program = compile_cpp("tiny", sources, [folder], cache)
    files = [folder / "input.hex", folder / "expected.hex"]
    files += [tmp_path / "tiny" / "weights" / "memory.bin"] if made.design.memory else []

    def run() -> tuple[int, str]:
        done = subprocess.run([program, *files], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip()

    assert run() == (0, "2 frames, 0 mismatches")
    first, rest = files[1].read_text().split("\n", 1)
    files[1].write_text(f"{int(first, 16) ^ 1:0{len(first)}x}\n{rest}")
    assert run() == (1, "2 frames, 1 mismatches")


def test_a_large_frame_stands_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = build(tmp_path / "two", "pynq-z2", "streaming").files
    monkeypatch.setattr(vectors, "LARGE", 8 * 8 * 2 - 1)
    alone = build(tmp_path / "one", "pynq-z2", "streaming").files
    for name in ("hls/input.hex", "hls/expected.hex"):
        half = len(files[name]) // 2
        assert alone[name] == files[name][:half]
