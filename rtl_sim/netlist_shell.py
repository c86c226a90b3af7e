"""Netlists of library modules, as Yosys makes them for the 7 series, ready for a simulator.

The netlist stands under a shell with the module's own name, parameters and ports, so that the bench
of the module runs on it as it is. The cells are Yosys' own models of LUTs, carry chains, registers,
shift registers, LUT memories and DSP blocks. It has none of block RAM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import synth, tools, yosys
from shiftloom.rtl_sim.cache import Cache, digest_of

_NETLIST = "netlist.v"
_SHELL = "shell.sv"
_WAIVERS = "waivers.vlt"
_CELLS = "cells.v"
_MODELS = Path("share") / "xilinx" / "cells_sim.v"
# What Yosys' models are written like: the first two become blocking assignments, as is meant.
_WAIVED = """\
`verilator_config
lint_off -file "*cells.v"
lint_off -file "*netlist.v"
lint_off -file "*shell.sv"
lint_off -rule COMBDLY
lint_off -rule INITIALDLY
lint_off -rule UNOPTFLAT
"""
_HEADER = r"^module {top} #\($.*?^\);$"


def netlist(
    top: str, sources: Sequence[Path], parameters: Mapping[str, int], *, cache: Cache
) -> tuple[Path, ...]:
    """The files that stand for `sources` when the netlist of `top` is simulated.

    `top` has the given parameters, and must be built with the same. Raises ShiftloomError with the
    message of Yosys, and for cells that have no model.
    """
    shell = shell_of(top, next(file for file in sources if file.stem == top).read_text("ascii"))
    design = synth.read_design(top, sources, parameters)
    script = (
        f"{design}{synth.FAMILIES['xc7']} -top {top}\n"
        f"rename {top} {top}_netlist\nwrite_verilog -noattr -norename {_NETLIST}\n"
    )

    pyosys = tools.require("pyosys")
    models = (Path(pyosys.path).parent / _MODELS).read_text("ascii")
    cells = re.sub(r"^ *specify$.*?^ *endspecify$", "", models, flags=re.M | re.S)  # delays

    def build(folder: Path) -> None:
        yosys.run_script(top, sources, script, folder, synth.TIMEOUT)
        (folder / _SHELL).write_text(shell, encoding="ascii")
        (folder / _CELLS).write_text(cells, encoding="ascii")
        (folder / _WAIVERS).write_text(_WAIVED, encoding="ascii")

    digest = digest_of(script, shell, cells, _WAIVED, pyosys.version, *sources)
    folder = cache.get_or_build(f"netlist-{digest}", build)
    if block := re.search(r"^  RAMB\w+", (folder / _NETLIST).read_text("utf-8"), re.MULTILINE):
        raise ShiftloomError(
            top, f"no model of {block[0].strip()}", "take parameters without block RAM"
        )
    return tuple(folder / name for name in (_WAIVERS, _CELLS, _NETLIST, _SHELL))


def shell_of(top: str, text: str) -> str:
    """A module with the header of `top`, its file's text given, and the netlist inside."""
    header = re.search(_HEADER.format(top=top), text, re.MULTILINE | re.DOTALL)
    if header is None:
        raise ShiftloomError(top, "its header cannot be found", "a library module is expected")
    ports = re.findall(r"^ +(?:input|output)\b[^,\n/]*?(\w+)\s*,?\s*(?://.*)?$", header[0], re.M)
    pins = ", ".join(f".{port}({port})" for port in ports)
    return f"{header[0]}\n\n  {top}_netlist i_netlist ({pins});\n\nendmodule\n"
