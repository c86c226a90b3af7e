"""The Vivado projects of real builds: every file they name is there, and no other has to be."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import vendor_builds
from vendor_commands import VendorError
from vivado_stub import Vivado

pytest.importorskip("torch")

from vendor_networks import build

from shiftloom.codegen import boards, emit_vivado, fileset
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools


def lint(folder: Path, core: Path) -> str:
    """What Verilator says of the core and the RTL of a build; a skip where it is missing."""
    if not next(tool for tool in tools.find_all() if tool.name == "verilator").found:
        pytest.fail("no verilator") if os.environ.get("CI") else pytest.skip("no verilator")
    status = tools.require("verilator")
    command = [status.path, "--lint-only", "-Wall", "--top-module", core.stem, core]
    command += sorted((folder / "rtl").glob("*.sv"))
    environment = tools.verilator_environment(status)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.stderr if done.returncode or "%" in done.stderr else ""


@pytest.mark.parametrize("dataflow", ["streaming", "systolic"])
@pytest.mark.parametrize("shell", ["mm", "axis"])
@pytest.mark.parametrize("board", ["pynq-z2", "kv260"])
def test_a_build_runs_from_its_folder(
    board: str, shell: str, dataflow: str, tmp_path: Path
) -> None:
    made = build(tmp_path / "tiny", board, dataflow, shell)
    tool = Vivado()
    tool.run(tmp_path / "tiny" / "vivado" / "build.tcl")
    read = {Path(call.arguments[0]).name for call in tool.calls if call.name == "add_files"}
    assert read == {Path(path).name for path in made.files if path.endswith((".sv", "_ip.v"))}
    for suffix in ("bit", "hwh"):
        assert (tmp_path / "tiny" / "vivado" / f"tiny.{suffix}").is_file()
    fileset.verify(tmp_path / "tiny")
    assert lint(tmp_path / "tiny", tmp_path / "tiny" / "vivado" / "tiny_ip.v") == ""
    masters = sum(bus.get("space", "") != "" for bus in tool.cores[0].row["interfaces"])
    assert masters == (made.design.memory.ports if made.design.memory else 0) + (shell == "mm")


@pytest.mark.parametrize("board", ["pynq-z2", "arty-a7-100"])
def test_a_path_with_a_space_is_refused(board: str, tmp_path: Path) -> None:
    build(tmp_path / "my builds" / "tiny", board, "streaming")
    with pytest.raises(VendorError) as caught:
        Vivado().run(tmp_path / "my builds" / "tiny" / "vivado" / "build.tcl")
    assert "/my builds/tiny/vivado: commands of the tool split names at spaces" in str(caught.value)


def test_the_same_build_has_the_same_project(tmp_path: Path) -> None:
    one, other = (build(tmp_path / name, "zedboard", "streaming") for name in ("a", "b"))
    files = {path: data for path, data in one.files.items() if path.startswith("vivado/")}
    assert set(files) == {"vivado/build.tcl", "vivado/tiny_ip.v"}
    assert files.items() <= other.files.items()
    assert all(data.isascii() and str(tmp_path).encode() not in data for data in files.values())


@pytest.mark.parametrize(("board", "shell"), [("ecp5-85k", None), ("pynq-z2", "serial")])
def test_no_project(board: str, shell: boards.Shell | None) -> None:
    target = vendor_builds.board(board, shell)
    assert emit_vivado.emit(vendor_builds.design(0), target, (), "") == {}


def test_no_project_without_a_processor() -> None:
    target = replace(vendor_builds.board("pynq-z2"), processor=None)
    assert emit_vivado.emit(vendor_builds.design(0), target, (), "") == {}


@pytest.mark.parametrize("board", ["pynq-z2", "arty-a7-100"])
@pytest.mark.parametrize("name", ["x; exec reboot", "x]", "$here", "a b", "x\nputs y"])
def test_a_hostile_name_reaches_no_script(name: str, board: str) -> None:
    design = replace(vendor_builds.design(0), name=name)
    use = "use lower-case letters, digits and _, starting with a letter, at most 120"
    with pytest.raises(ShiftloomError) as caught:
        emit_vivado.emit(design, vendor_builds.board(board), (), "")
    assert str(caught.value) == f"{name}: the name {name!r} cannot be used in HDL; {use}"
