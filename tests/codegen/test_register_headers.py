"""The registers as Python and as C say the same as the JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from shiftloom.codegen import register_headers, registers
from shiftloom.codegen.memory_registers import memory_registers
from shiftloom.codegen.quality import Scalable
from shiftloom.codegen.quality_registers import quality_registers
from shiftloom.codegen.registers import Register, core_registers
from shiftloom.codegen.shell_registers import NUMBERS, shell_registers
from shiftloom.rtl_sim import tools

NAME = "my_net"
DIGEST = "0123456789abcdef" * 4
COMPILE = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")


def _described() -> tuple[tuple[Register, ...], ...]:
    """Registers of designs with each shell, with memory, with digits."""
    quality = quality_registers((Scalable("fc2", "fc2", "alpha", 3),))
    core = {register.name: register for register in (*core_registers(), *memory_registers())}
    return tuple((*core.values(), *quality, *shell_registers(shell)) for shell in NUMBERS)


def _expected(described: tuple[Register, ...]) -> dict[str, int | tuple[int, int]]:
    """What the JSON says, by the names of the Python constants."""
    found: dict[str, int | tuple[int, int]] = {}
    words = json.loads(json.dumps(registers.to_json(DIGEST, described)))["registers"]
    for word in words:
        found[f"{word['name']}_OFFSET"] = word["offset"]
        if not word["fields"]:
            found[f"{word['name']}_VALUE"] = word["reset"]
        for field in word["fields"]:
            name = f"{word['name']}_{field['name'].upper()}"
            assert name not in found
            found[name] = (field["lsb"], field["width"])
    return found


@pytest.mark.parametrize("described", _described(), ids=NUMBERS)
def test_python_says_what_the_json_says(described: tuple[Register, ...]) -> None:
    given: dict[str, object] = {}
    exec(register_headers.to_python(NAME, DIGEST, described), given)
    del given["__builtins__"]
    assert (
        given.pop("__doc__") == f"The registers of {NAME}, design {DIGEST[:16]}: offsets in bytes."
    )
    assert given == _expected(described)


def _c_checks(described: tuple[Register, ...]) -> list[str]:
    """Conditions that hold where the header says what the JSON says."""
    checks = []
    for name, value in _expected(described).items():
        macro = f"MY_NET_{name}"
        if isinstance(value, int):
            checks.append(f"{macro} == {value}u")
        else:
            lsb, width = value
            checks.append(f"{macro}_SHIFT == {lsb} && {macro}_MASK == {(1 << width) - 1 << lsb}u")
    return checks


def _compile(header: str, checks: list[str], folder: Path) -> str:
    """What the compiler says to the header, included twice, and to conditions that do not hold."""
    (folder / "registers.h").write_text(header, "utf-8")
    tests = [f"typedef char check{i}[({check}) ? 1 : -1];" for i, check in enumerate(checks)]
    include = '#include "registers.h"'
    (folder / "use.c").write_text("\n".join([include, include, *tests, ""]))
    command = [tools.require("g++").path, "-x", "c", *COMPILE, "-fsyntax-only", "use.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("described", _described(), ids=NUMBERS)
def test_c_says_what_the_json_says(described: tuple[Register, ...], tmp_path: Path) -> None:
    header = register_headers.to_c(NAME, DIGEST, described)
    checks = _c_checks(described)
    assert _compile(header, checks, tmp_path) == ""
    assert header.count("#define") == 1 + sum(1 + ("SHIFT" in check) for check in checks)


def test_a_wrong_offset_is_found(tmp_path: Path) -> None:
    header = register_headers.to_c(NAME, DIGEST, core_registers())
    wrong = header.replace("MY_NET_STATUS_OFFSET 0x014u", "MY_NET_STATUS_OFFSET 0x018u")
    assert wrong != header
    assert "is negative" in _compile(wrong, _c_checks(core_registers()), tmp_path)
