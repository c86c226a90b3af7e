"""Boards with a serial line: rates, the clock synthesizer of an ECP5, pins and their files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refusals import refuses

from shiftloom.codegen import boards, ecp5
from shiftloom.codegen.design import Instance, Load, Rom, RomPort, RomStyle
from shiftloom.codegen.ecp5_pll import synthesize
from shiftloom.codegen.serial_line import RATES, SerialLine, serial_line
from shiftloom.codegen.values import Array


def test_lines_of_clocks() -> None:
    assert serial_line("net", 100.0) == SerialLine(1_000_000, 100, 2_000_000)
    assert serial_line("net", 10.0) == SerialLine(1_000_000, 10, 200_000)
    for clock in np.arange(25.0, 300.0, 0.7):
        line = serial_line("net", float(clock))
        assert line.baud in RATES
        assert abs(line.clocks * line.baud / (clock * 1e6) - 1) <= 0.01


def test_a_clock_too_slow_for_a_line_is_refused() -> None:
    with refuses(
        "net: a clock of 0.3 MHz makes no rate of a serial line within 1 %; "
        "use another, or one far above 0.46 MHz"
    ):
        serial_line("net", 0.3)


@pytest.mark.parametrize("oscillator", [12.0, 25.0, 48.0, 100.0])
def test_dividers_keep_the_limits(oscillator: float) -> None:
    ratios = [f / r for r in (1, 2, 3) for f in range(1, 60)]
    rates = [oscillator * ratio * 1.003 for ratio in ratios if 10 < oscillator * ratio < 300]
    assert len(rates) > 10
    for wanted in rates:
        pll = synthesize("net", oscillator, wanted)
        assert pll.mhz == pytest.approx(oscillator * pll.feedback / pll.reference)
        assert abs(pll.mhz / wanted - 1) <= 0.005
        assert 400 <= pll.mhz * pll.output <= 800
        assert oscillator / pll.reference >= 3.125
        assert all(1 <= n <= 128 for n in (pll.reference, pll.feedback, pll.output))
        assert pll.phase == pll.output - 1


def test_a_rate_that_is_there_is_met_exactly() -> None:
    pll = synthesize("net", 25.0, 100.0)
    assert (pll.reference, pll.feedback, pll.output, pll.mhz) == (1, 4, 6, 100.0)


def test_clocks_that_no_synthesizer_makes_are_refused() -> None:
    with refuses("net: an oscillator of 2 MHz; use one of 8 to 400 MHz"):
        synthesize("net", 2.0, 100.0)
    with refuses(
        "net: no clock of 500 MHz comes from 25 MHz; "
        "ask for 400 MHz, or another of 3.125 to 400 MHz"
    ):
        synthesize("net", 25.0, 500.0)


def test_pins_of_boards() -> None:
    pins = boards.pins("ulx3s-85f")
    assert pins is not None
    assert (pins.package, pins.oscillator_mhz) == ("CABGA381", 25.0)
    assert (pins.clock, pins.rx, pins.tx) == ("G2", "M1", "L4")
    assert boards.pins("ecp5-85k") is None
    assert boards.get("ulx3s-85f").shell == "serial"


def _instance(module: str, depth: int, style: RomStyle) -> Instance:
    rom = Rom("weights", Array(np.zeros((depth, 1), np.int64)), 3, style)
    return Instance(
        "unit", "node", module, (("SIMD", 1),), ("s",), ("m",), (RomPort("w", rom, "w"),)
    )


@pytest.mark.parametrize(
    ("module", "depth", "style", "parameters", "kept"),
    [
        ("sl_mvu_shift", 100, "block", (("SIMD", 1), ("AHEAD", 1)), "block"),
        ("sl_mvu_shift", 100, "distributed", (("SIMD", 1),), "distributed"),
        ("sl_mvu_shift", 1024, "distributed", (("SIMD", 1), ("AHEAD", 1)), "block"),
        ("sl_mvu_csd", 1024, "distributed", (("SIMD", 1),), "block"),
    ],
)
def test_units_of_an_ecp5(
    module: str, depth: int, style: RomStyle, parameters: tuple[tuple[str, int], ...], kept: str
) -> None:
    found = ecp5.adapted(_instance(module, depth, style))
    assert found.parameters == parameters
    rom = found.roms[0].rom
    assert isinstance(rom, Rom)
    assert (rom.style, rom.bank) == (kept, ecp5.BANK if depth >= ecp5.DEEP else 0)


def test_a_memory_that_is_loaded_is_in_one_piece() -> None:
    instance = _instance("sl_mvu_shift", 1024, "auto")
    load = Load("codes", (1024,), (0,), (3,))
    found = ecp5.adapted(replace(instance, roms=(replace(instance.roms[0], load=load),)))
    rom = found.roms[0].rom
    assert isinstance(rom, Rom)
    assert (rom.style, rom.bank) == ("block", 0)
