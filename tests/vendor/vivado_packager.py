"""The packager of the modelled Vivado: it reads the Verilog of the top."""

from __future__ import annotations

import re
from pathlib import Path

from vendor_cells import core_row
from vendor_commands import Call, VendorError
from vivado_project import Core, ProjectCommands

MODULE = re.compile(r"^module (\w+)\b.*?\);", re.MULTILINE | re.DOTALL)

INSTANCE = re.compile(r"^  (\w+) (#\(|u_\w+ \()", re.MULTILINE)
"""An instance begins so in all our sources."""


class PackagerCommands(ProjectCommands):
    """Commands ipx::."""

    def do_ipx_package_project(self, call: Call) -> None:
        """The open project as a core."""
        project = self._project()
        heads = [file for file in project.files if file.stem == project.top]
        if not heads or heads[0].suffix != ".v":
            raise VendorError(f"the top {project.top} is not in plain Verilog")
        modules = {name for file in project.files for name in MODULE.findall(file.read_text())}
        text = heads[0].read_text()
        used = {name for name, _ in INSTANCE.findall(text)}
        if used - modules:
            raise VendorError(f"no module {', '.join(sorted(used - modules))}")
        row = core_row(text, project.top)
        values = call.values
        core = Core(
            project.top, Path(values["-root_dir"]), row, values["-vendor"], values["-library"]
        )
        self.cores.append(core)
        if self.inferred:
            masters = [bus["name"] for bus in row["interfaces"] if bus.get("space")]
            for part in ("memory_map:s_axi", "address_block:s_axi/reg0"):
                core.parts[part] = {}
            core.parts.update({f"address_space:{name}": {} for name in masters})

    def do_ipx_current_core(self, _: Call) -> str:
        """The core that is being packaged."""
        return f"core:{self.cores[-1].top}"

    def do_ipx_get_bus_interfaces(self, call: Call) -> str:
        """A bus, clock, reset or interrupt of the core."""
        row = self.cores[-1].row
        names = {each["name"] for each in (*row["pins"], *row["interfaces"])}
        return f"bus:{call.arguments[0]}" if call.arguments[0] in names else ""

    def _part(self, part: str) -> str:
        return part if part in self.cores[-1].parts else ""

    def do_ipx_get_memory_maps(self, call: Call) -> str:
        """A memory map of the core."""
        return self._part(f"memory_map:{call.arguments[0]}")

    def do_ipx_get_address_spaces(self, call: Call) -> str:
        """An address space of the core."""
        return self._part(f"address_space:{call.arguments[0]}")

    def do_ipx_get_address_blocks(self, call: Call) -> str:
        """A block of a memory map."""
        of = call.values["-of_objects"].partition(":")[2]
        return self._part(f"address_block:{of}/{call.arguments[0]}")

    def _added(self, part: str) -> str:
        if part in self.cores[-1].parts:
            raise VendorError(f"there is {part} already")
        self.cores[-1].parts[part] = {}
        return part

    def do_ipx_add_memory_map(self, call: Call) -> str:
        """Another one."""
        return self._added(f"memory_map:{call.arguments[0]}")

    def do_ipx_add_address_space(self, call: Call) -> str:
        """Another one."""
        return self._added(f"address_space:{call.arguments[0]}")

    def do_ipx_add_address_block(self, call: Call) -> str:
        """Another one, of a map."""
        kind, _, of = call.arguments[1].partition(":")
        if kind != "memory_map":
            raise VendorError(f"{call.arguments[1]} is no memory map")
        return self._added(f"address_block:{of}/{call.arguments[0]}")

    def do_ipx_save_core(self, _: Call) -> None:
        """Refuse a core with a bus that is not described, and write it."""
        core = self.cores[-1]
        for bus in core.row["interfaces"]:
            if bus["kind"] != "aximm":
                continue
            kind, ref = ("memory_map", "slave_memory_map_ref")
            if bus.get("master"):
                kind, ref = ("address_space", "master_address_space_ref")
            named = core.parts.get(f"bus:{bus['name']}", {}).get(ref)
            if f"{kind}:{named}" not in core.parts:
                raise VendorError(f"the bus {bus['name']} has no {kind}")
        core.folder.mkdir(parents=True, exist_ok=True)
        (core.folder / "component.xml").touch()
        core.saved = True
