"""The scripts for Vivado, run in a Tcl interpreter against models of the vendor's commands."""

from __future__ import annotations

from pathlib import Path

import pytest
import vendor_builds
from vendor_commands import VendorError
from vivado_stub import Vivado

from shiftloom.codegen import boards
from shiftloom.codegen.boards import Shell

PROCESSORS = tuple(name for name in boards.known() if boards.get(name).processor)
SHELLS: tuple[Shell, ...] = ("mm", "axis")


def run(script: Path, slack: float = 0.1, inferred: bool = True) -> Vivado:
    """Run a script to its end."""
    tool = Vivado(slack, inferred)
    tool.run(script)
    return tool


@pytest.mark.parametrize("masters", [0, 1, 4, 6])
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", PROCESSORS)
def test_block_design(name: str, shell: Shell, masters: int, tmp_path: Path) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board(name, shell), masters)
    tool = run(script)
    assert (script.parent / "copying.bit").is_file()
    assert (script.parent / "copying.hwh").is_file()
    assert tool.clocks["plan"] == ("system_clock_source", "10.000")
    assert tool.block is not None
    wanted = {"accelerator", "interrupts", "ps", "reset", "control"}
    assert wanted <= set(tool.block.cells)
    assert ("dma" in tool.block.cells) == (shell == "axis")
    total = masters + (1 if shell == "mm" else 2)
    assert sum("memory" in cell for cell in tool.block.cells) == min(4, total)


def test_plain_synthesis(tmp_path: Path) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board("arty-a7-100"))
    tool = run(script)
    assert (script.parent / "copying.bit").is_file()
    assert tool.clocks == {"oscillator": ("clk_osc", "10.000")}
    pins = {port: row["PACKAGE_PIN"] for port, row in tool.placed.items() if port}
    assert pins == {"clk_osc": "E3", "rx": "A9", "tx": "D10"}


def test_a_packager_that_maps_nothing(tmp_path: Path) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board("pynq-z2"), 2)
    (core,) = run(script, inferred=False).cores
    (again,) = run(script).cores
    assert core.parts == again.parts
    assert core.parts["address_block:s_axi/reg0"]["range"] == "4096"
    assert core.parts["address_space:m2_axi"] == {"range": "4G", "width": "64"}


@pytest.mark.parametrize("name", ["pynq-z2", "arty-a7-100"])
def test_missed_timing_gives_no_bitstream(name: str, tmp_path: Path) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board(name))
    with pytest.raises(VendorError) as caught:
        run(script, slack=-0.25)
    hint = "see timing.rpt: plan a slower target.clock_mhz"
    assert str(caught.value) == f"setup fails by 0.25 ns, {hint}"
    assert not (script.parent / "copying.bit").exists()
    assert (script.parent / "timing.rpt").is_file()
