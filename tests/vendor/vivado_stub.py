"""Vivado as far as our scripts use it: each call is checked against models; files are empty."""

from __future__ import annotations

import re
from pathlib import Path

from vendor_commands import XDC, Call, VendorError
from vivado_block import BlockCommands
from vivado_packager import INSTANCE, MODULE
from vivado_project import PROPERTIES

_PRIMITIVES = {"MMCME2_BASE", "BUFG"}
"""UG953, 7 Series Libraries Guide."""
_STEPS = ("synth_design", "opt_design", "place_design", "phys_opt_design", "route_design")


class Vivado(BlockCommands):
    """The whole, with what implements a design."""

    def _step(self, call: Call) -> None:
        if tuple(self.steps) != _STEPS[: _STEPS.index(call.name)]:
            raise VendorError(f"{call.name} after {' '.join(self.steps) or 'nothing'}")
        self.steps.append(call.name)

    do_opt_design = do_place_design = do_phys_opt_design = do_route_design = _step

    def do_synth_design(self, call: Call) -> None:
        """Open the design, with the constraints that were read."""
        self._step(call)
        self.top = call.values["-top"]
        if self.block is None:
            self._plain()
        elif self.top != "system_wrapper" or self._project().top != self.top:
            raise VendorError(f"{self.top} is not the top of the project")
        else:
            self.clocks["of_system"] = ("system_clock_source", "0")

    def _plain(self) -> None:
        """Sources and constraints without a project."""
        found = (m for file in self.sources for m in MODULE.finditer(file.read_text("utf-8")))
        modules = {each[1]: each[0] for each in found}
        if self.top not in modules:
            raise VendorError(f"no module {self.top} in the sources")
        texts = "".join(file.read_text("utf-8") for file in self.sources)
        missing = {name for name, _ in INSTANCE.findall(texts)} - set(modules) - _PRIMITIVES
        if missing:
            raise VendorError(f"no module {', '.join(sorted(missing))} in the sources")
        self.ports = set(re.findall(r"(\w+)[,\n]", modules[self.top]))
        if self.constraints is not None:
            self.source_constraints(self.constraints, XDC)

    def do_get_ports(self, call: Call) -> str:
        """A port of the top."""
        if call.arguments[0] not in self.ports:
            raise VendorError(f"the top has no port {call.arguments[0]}")
        return f"port:{call.arguments[0]}"

    def do_get_pins(self, call: Call) -> str:
        """A pin of a cell of the block design, or the source of a clock."""
        name = call.arguments[0]
        if not any(name == source for source, _ in self.clocks.values()):
            self.design().pin(name.removeprefix("system_i/"))
        return f"pin:{name}"

    def do_get_clocks(self, call: Call) -> str:
        """The clock at a pin."""
        pin = self._named("pin", call.values["-of_objects"]).removeprefix("system_i/")
        if pin not in self.design().drivers.values():
            raise VendorError(f"no clock at {pin}")
        return "clock:of_system"

    def do_create_clock(self, call: Call) -> None:
        """A clock at a port, or at the source of another."""
        kind, _, name = call.arguments[0].partition(":")
        if kind not in ("port", "pin"):
            raise VendorError(f"create_clock: {call.arguments[0]}")
        self.clocks[call.values["-name"]] = (name, call.values["-period"])

    def do_get_timing_paths(self, _: Call) -> str:
        """The worst path."""
        if not self.steps or self.steps[-1] != "route_design":
            raise VendorError("get_timing_paths: the design is not routed")
        return "path:worst"

    def _report(self, call: Call) -> None:
        Path(call.values["-file"]).touch()

    do_report_utilization = do_report_timing_summary = do_report_drc = _report

    def do_write_bitstream(self, call: Call) -> None:
        """What it was all for."""
        if tuple(self.steps) != _STEPS or not self.clocks:
            raise VendorError("write_bitstream: the design is not routed, or has no clock")
        for port in self.ports:
            if set(self.placed.get(port, ())) != PROPERTIES["port"]:
                raise VendorError(f"the port {port} has no pin")
        Path(call.arguments[0]).touch()
