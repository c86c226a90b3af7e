"""Runs Yosys and other long tools in child processes, so that a crash or a hang is an error.

A script sees the sources as `s000.sv`, `s001.sv`, ... in its own folder: no path needs quoting, no
name of a folder gets into a netlist, and the WebAssembly tools, which see little of the file
system, find everything.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools

_RUN_SCRIPT = "from pyosys import libyosys; libyosys.run_pass('script run.ys', libyosys.Design())"
_CELLS = {"BUFGCE": "+/xilinx/cells_xtra.v", "EHXPLLL": "+/lattice/cells_bb_ecp5.v"}
"""Where Yosys has cells that it does not map to, and that stand in no source."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODULE = re.compile(r"^\s*module\s+(\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")


def reached(top: str, sources: Sequence[Path]) -> tuple[Path, ...]:
    """Those of `sources`, in their order, with `top` or a module that one of them names.

    All of them where none has `top`: Yosys is to say so.
    """
    texts = {source: source.read_text(encoding="utf-8") for source in sources}
    declared = {name: source for source in sources for name in _MODULE.findall(texts[source])}
    found: set[Path] = set()
    pending = [top]
    while pending:
        source = declared.get(pending.pop())
        if source is not None and source not in found:
            found.add(source)
            pending += _WORD.findall(texts[source])
    return tuple(source for source in sources if source in found or not found)


def read_design(top: str, sources: Sequence[Path], parameters: Mapping[str, int]) -> str:
    """The opening of a script: read the sources and set the top with its parameters."""
    for name in (top, *parameters):
        if not _IDENTIFIER.fullmatch(name):
            raise ShiftloomError(top, f"{name!r} is no plain identifier of Verilog")
    files = " ".join(f"s{index:03d}.sv" for index in range(len(sources)))
    texts = [source.read_text(encoding="utf-8") for source in sources]
    cells = "".join(
        f"read_verilog -lib {path}\n"
        for cell, path in _CELLS.items()
        if any(cell in text for text in texts)
    )
    values = "".join(f" -chparam {name} {_word(v)}" for name, v in sorted(parameters.items()))
    return f"{cells}read_verilog -sv {files}\nhierarchy -check -top {top}{values}\n"


def _word(value: int) -> str:
    """A parameter as Yosys reads it: it takes no minus sign."""
    return str(value) if value >= 0 else f"32'sb{value & 0xFFFFFFFF:032b}"


def run_script(
    top: str, sources: Sequence[Path], script: str, folder: Path, timeout: float
) -> None:
    """Run a Yosys script in `folder`, with the sources beside it; raises on any error of Yosys."""
    tools.require("pyosys")
    names = {f"s{index:03d}.sv": source for index, source in enumerate(sources)}
    for name, source in names.items():
        shutil.copyfile(source, folder / name)
    (folder / "run.ys").write_text(script, encoding="utf-8")
    try:
        call(top, [sys.executable, "-c", _RUN_SCRIPT], folder, timeout)
    except ShiftloomError as error:
        problem = re.sub(r"s\d{3}\.sv", lambda m: names[m.group()].name, error.problem)
        raise ShiftloomError(error.node, problem, error.hint) from None
    finally:
        for name in names:
            (folder / name).unlink()


def call(node: str, command: Sequence[str], folder: Path, timeout: float) -> None:
    """Run one program in `folder` with its output in `folder/log`.

    Raises ShiftloomError with the program's first error line, or after `timeout` seconds, when the
    program and all it has started are gone.
    """
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            problem = f"no result after {timeout:g} s"
            raise ShiftloomError(node, problem, "allow more time or a smaller top") from None
    if code:
        raise ShiftloomError(node, _first_error(log, code))


def _first_error(log: Path, code: int) -> str:
    """The first error line of a log, or how the program ended."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "ERROR" in line or "Error" in line]
    ending = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return (errors or [ending])[0].strip()
