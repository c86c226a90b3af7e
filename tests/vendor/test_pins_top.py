"""The top of a board without a processing system: its clock, and its primitives by Yosys."""

from __future__ import annotations

from pathlib import Path

import pytest
import vendor_builds

from shiftloom.codegen import boards, emit_vivado, mmcm
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import yosys

BOARD_TOP = """
module copying_board (input wire aclk, input wire aresetn, input wire rxd, output wire txd);
  assign txd = rxd ^ (aclk & aresetn);
endmodule
"""


@pytest.mark.parametrize(
    ("clock", "multiply", "divide"),
    [(100.0, 12.0, 12.0), (125.0, 11.875, 9.5), (33.0, 8.25, 25.0), (150.0, 12.0, 8.0)],
)
def test_clock(clock: float, multiply: float, divide: float) -> None:
    assert mmcm.synthesize("net", 100.0, clock) == mmcm.Mmcm(multiply, divide, clock)


def test_a_clock_that_is_met_from_below() -> None:
    found = mmcm.synthesize("net", 100.0, 123.457)
    assert 123.4 < found.mhz < 123.457
    assert found.mhz == 100 * found.multiply / found.divide


@pytest.mark.parametrize("clock", [4.0, 700.0])
def test_clocks_out_of_reach_are_refused(clock: float) -> None:
    with pytest.raises(ShiftloomError) as caught:
        mmcm.synthesize("net", 100.0, clock)
    problem = f"no clock of {clock:g} MHz from an oscillator of 100 MHz"
    assert str(caught.value) == f"net: {problem}; use one of 4.69 to 600 MHz"


def test_pins_of_boards() -> None:
    found = {name: boards.pins(name) for name in boards.known()}
    assert found["pynq-z2"] is None
    arty = found["arty-a7-100"]
    assert arty is not None
    assert (arty.clock, arty.rx, arty.tx, arty.oscillator_mhz) == ("E3", "A9", "D10", 100.0)


@pytest.mark.parametrize(("old", "new"), [(".CLKFBIN (", ".CLKFB ("), ("MULT_F (", "MULT (")])
def test_yosys_knows_the_primitives(old: str, new: str, tmp_path: Path) -> None:
    pytest.importorskip("pyosys")
    files = emit_vivado.emit(vendor_builds.design(0), boards.get("arty-a7-100"), (), "test")
    text = files["copying_pins.sv"] + BOARD_TOP
    _elaborate(text, tmp_path)
    assert old in text
    with pytest.raises(ShiftloomError, match=new.split(" ", maxsplit=1)[0].strip(".")):
        _elaborate(text.replace(old, new), tmp_path)


def _elaborate(text: str, folder: Path) -> None:
    """Elaborate a top whose primitives are those of Yosys; raises ShiftloomError."""
    (folder / "top.sv").write_text(text)
    script = (
        "read_verilog -lib +/xilinx/cells_sim.v +/xilinx/cells_xtra.v\n"
        "read_verilog -sv s000.sv\nhierarchy -check -top copying_pins\nproc\ncheck -assert\n"
    )
    yosys.run_script("copying_pins", [folder / "top.sv"], script, folder, 300)
