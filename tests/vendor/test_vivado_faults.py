"""Faults planted into the scripts for Vivado are found by the models, each for its own reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import vendor_builds
from vendor_commands import VendorError
from vivado_stub import Vivado


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-norecurse $here/c", "-norecursive $here/c", "add_files: unknown option -norecursive"),
        ("place_design", "place_desing", 'invalid command name "place_desing"'),
        ("report_drc -file $here/drc.rpt", "report_drc -file", "report_drc: -file has no value"),
        ("set core [ipx::current_core]", "set core [ipx::current_core a b]", "2 arguments: a b"),
        ("  copying.sv\n", "  copying.sv\n  gone.sv\n", "/rtl/gone.sv"),
        ("  copying_board.sv\n", "", "no module copying_board"),
        ("set_property top copying_ip", "set_property top copying", "top copying is not in plain"),
        (":copying_ip:1.0", ":copying_ip:1.1", "no core shiftloom:accelerators:copying_ip:1.1"),
        ("ip:axi_intc interrupts", "ip:axi_intc interrupts2", "there is no cell interrupts"),
        ("ip:smartconnect", "ip:smartconect", "no core xilinx.com:ip:smartcon"),
        ("PCW_IRQ_F2P_INTR", "PCW_IRQ_F2P", "ps has no property CONFIG.PCW_IRQ_F2P"),
        ("C_IRQ_CONNECTION 1", "C_IRQ_CONNECTION 0", "the cell interrupts has no pin irq"),
        ("PCW_USE_S_AXI_HP1 1", "PCW_USE_S_AXI_HP1 0", "the cell ps has no interface S_AXI_HP1"),
        ("  control 1 2\n", "  control 1 1\n", "the cell control has no interface M01_AXI"),
        ("  memory1/aclk\n", "", "the pin memory1/aclk is not connected"),
        ("  memory1/aresetn\n", "", "the pin memory1/aresetn is not connected"),
        ("  control/M01_AXI interrupts/s_axi\n", "", "ps/Data does not lead to interrupts/S_AXI/R"),
        ("  memory2/aclk\n", "  memory2/aclk2\n", "the cell memory2 has no pin aclk2"),
        ("get_bd_pins interrupts/irq", "get_bd_pins interrupts/intr", "0 of interrupts/intr, ps/"),
        ("[get_bd_pins interrupts/intr]", "[get_bd_pins control/aclk]", "are a clock and a interr"),
        ("pins_external [get_bd_intf_pins ps/DDR]", "pins_external {}", " is no bd_bus"),
        ("make_bd_intf_pins_external [get_bd_intf_pins ps/DDR]\n", "", "ps/DDR is not connected"),
        ("  ps/Data interrupts/S_AXI/Reg 0x41800000 64K\n", "", "is not mapped into ps/Data"),
        ("0x41800000 64K", "0x43C00000 64K", "overlaps accelerator/s_axi/reg0 in ps/Data"),
        ("0x41800000 64K", "0x41808000 64K", "0x41808000 is not aligned to its range"),
        ("0x41800000 64K", "0xA0000000 64K", "is outside of the window of ps/Data"),
        ("0x41800000 64K", "0x41800000 60K", "the range 60K is no power of two"),
        (
            "accelerator/m1_axi ps/S_AXI_HP1/HP1_",
            "accelerator/m1_axi ps/S_AXI_HP0/HP0_",
            "not lead",
        ),
        ("validate_bd_design\n", "", "generate_target: the block design was not validated"),
        ("-top -import", "-top", "make_wrapper: nothing to wrap, or not imported as the top"),
        ("top system_wrapper [", "top system [", "system_wrapper is not the top of the project"),
        ("route_design\n", "", "get_timing_paths: the design is not routed"),
        ("opt_design\nplace", "place", "place_design after synth_design"),
        ("get_pins system_i/ps/FCLK_CLK0", "get_pins system_i/ps/FCLK", "has no pin FCLK"),
        ("foreach check {setup hold}", "lmap check {setup hold}", 'invalid command name "lmap"'),
        ("ref s_axi [ipx", "ref other [ipx", "the bus s_axi has no memory_map"),
        ("close_project\n", "", "a project is open"),
        ("-force -part $part package", "-force package", "create_project: no -part"),
        ("close_project\n", "close_project\nclose_project\n", "no project is open"),
        ("-fileset sources_1", "-fileset sources_2", "update_compile_order: no such fileset"),
        ("get_files system.bd", "get_files systm.bd", "no file systm.bd"),
        ("CONFIG.C_IRQ_CONNECTION", "C_IRQ_CONNECTION", "interrupts has no property C_IRQ_CON"),
        ("PCW_IRQ_F2P_INTR 1", "PCW_IRQ_F2P_INTR", "set_property: bd_cell:ps"),
        ("get_property SLACK", "get_property WNS", "a path has no property WNS"),
        ('if {$found eq ""}', "if {1}", "there is memory_map:s_axi already"),
        (
            "[ensure address_block reg0 $map]",
            "[ipx::add_address_block reg0 $core]",
            "no memory map",
        ),
        ("master_address_space_ref", "slave_memory_map_ref", "the bus m0_axi has no address_space"),
        ("create_bd_design system\n", "", "no block design is open"),
        ("create_bd_design system", "create_bd_design board", "a design of another name is not"),
        ("  control 1 2\n", "  ps 1 2\n", "there is a cell ps already"),
        (
            "interrupts/irq] [get_bd_pins ps/IRQ_F2P",
            "interrupts/irq] [get_bd_pins interrupts/intr",
            "interrupts/intr is driven by accelerator/interrupt already",
        ),
        ("interrupts/irq]", "accelerator/interrupt]", "the pin interrupts/irq is not connected"),
        ("m1_axi memory1/S00_AXI", "m1_axi memory0/S00_AXI", "memory0/S00_AXI is connected alr"),
        (
            "memory0/M00_AXI ps/S_AXI_HP0",
            "ps/S_AXI_HP0 memory0/M00_AXI",
            "ps/S_AXI_HP0 cannot lead",
        ),
        (
            "  ps/Data accelerator/s_axi/reg0 0x43C00000 4K\n",
            "  ps/Data accelerator/s_axi/reg0 0x43C00000 4K\n" * 2,
            "is mapped into ps/Data already",
        ),
        (
            "accelerator/m1_axi ps/S",
            "accelerator/m9_axi ps/S",
            "no address space accelerator/m9_axi",
        ),
        ("s_axi/reg0", "s_axi/reg1", "there is no segment accelerator/s_axi/reg1"),
        (
            "get_pins system_i/ps/FCLK_CLK0",
            "get_pins system_i/ps/IRQ_F2P",
            "no clock at ps/IRQ_F2P",
        ),
        ("[get_pins [get_property SOURCE_PINS $clock]]", "$clock", "create_clock: clock:of_system"),
    ],
)
def test_faults_are_found(old: str, new: str, problem: str, tmp_path: Path) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board("pynq-z2"), 2)
    _break(script, old, new)
    with pytest.raises(VendorError) as caught:
        Vivado().run(script)
    assert problem in str(caught.value)


def _break(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("POLARITY ACTIVE_LOW", "POLARITY ACTIVE_HIGH", "found no interface aresetn"),
        ("SENSITIVITY LEVEL_HIGH", "SENSITIVITY EDGE_RISING", "found no interface interrupt"),
        (':m2_axi"', '"', "the bus m2_axi is not associated with aclk"),
        ("m1_axi_wlast,", "m1_axi_last,", "the bus m1_axi has no wlast"),
        ("module copying_ip (", "module copying_core (", "no module copying_ip in its file"),
    ],
)
def test_faults_of_the_core_are_found(old: str, new: str, problem: str, tmp_path: Path) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board("pynq-z2"), 2)
    _break(script.with_name("copying_ip.v"), old, new)
    with pytest.raises(VendorError) as caught:
        Vivado().run(script)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("build.tcl", "  copying_board.sv\n", "", "no module copying_board in the sources"),
        ("build.tcl", "read_verilog -sv", "read_verilog", "copying.sv without -sv"),
        ("build.tcl", "-top copying_pins", "-top copying_pin", "no module copying_pin in the"),
        ("build.tcl", "$here/copying_pins.xdc", "$here/copying_pin.xdc", "/vivado/copying_pin.xdc"),
        ("copying_pins.xdc", "[get_ports rx]", "[get_ports rd]", "the top has no port rd"),
        (
            "copying_pins.xdc",
            "set_false_path -from",
            "synth_design -top",
            "not valid in a file of constr",
        ),
        ("copying_pins.xdc", "PACKAGE_PIN A9", "LOC A9", "a port has no property LOC"),
        (
            "copying_pins.xdc",
            "create_clock -name oscillator -period 10.000 [get_ports clk_osc]",
            "",
            "has no clock",
        ),
        ("copying_pins.xdc", "CFGBVS", "CFGVS", "a design has no property CFGVS"),
        (
            "copying_pins.xdc",
            "IOSTANDARD LVCMOS33} [get_ports tx",
            "} [get_ports tx",
            "has no pin",
        ),
    ],
)
def test_faults_of_plain_synthesis(
    file: str, old: str, new: str, problem: str, tmp_path: Path
) -> None:
    script = vendor_builds.write(tmp_path, vendor_builds.board("arty-a7-100"))
    _break(script.with_name(file), old, new)
    with pytest.raises(VendorError) as caught:
        Vivado().run(script)
    assert problem in str(caught.value)
