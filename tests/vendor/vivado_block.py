"""Block designs of the modelled Vivado."""

from __future__ import annotations

from fnmatch import fnmatchcase

from vendor_block import Block, size
from vendor_cells import CATALOG, Cell
from vendor_commands import Call, VendorError
from vivado_packager import PackagerCommands


class BlockCommands(PackagerCommands):
    """Commands of cells, pins, buses and addresses."""

    def do_update_ip_catalog(self, _: Call) -> None:
        """Look into the repositories of the project."""
        folders = self._project().repositories
        self.catalog = [core for core in self.cores if core.saved and core.folder in folders]

    def do_create_bd_design(self, call: Call) -> None:
        """An empty one."""
        self._project()
        if call.arguments != ("system",):
            raise VendorError("a design of another name is not modelled")
        self.block = Block()

    def do_create_bd_cell(self, call: Call) -> str:
        """A core of the vendor's catalog or of ours."""
        vlnv = call.values["-vlnv"]
        own = {core.vlnv: core.row for core in self.catalog}
        name = vlnv.removeprefix("xilinx.com:ip:")
        row = own.get(vlnv, CATALOG.get(name) if name != vlnv else None)
        if row is None or call.values.get("-type") != "ip":
            raise VendorError(f"no core {vlnv} in the catalog")
        self.design().add(Cell(call.arguments[0], row))
        return f"bd_cell:{call.arguments[0]}"

    def do_get_bd_cells(self, call: Call) -> str:
        """A cell that is there."""
        return f"bd_cell:{self.design().cell(call.arguments[0]).name}"

    def do_get_bd_pins(self, call: Call) -> str:
        """A pin that is there."""
        self.design().pin(call.arguments[0])
        return f"bd_pin:{call.arguments[0]}"

    def do_get_bd_intf_pins(self, call: Call) -> str:
        """A bus that is there."""
        self.design().bus(call.arguments[0])
        return f"bd_bus:{call.arguments[0]}"

    def do_get_bd_addr_spaces(self, call: Call) -> str:
        """An address space that is there."""
        if call.arguments[0] not in self.design().spaces():
            raise VendorError(f"there is no address space {call.arguments[0]}")
        return f"bd_space:{call.arguments[0]}"

    def do_get_bd_addr_segs(self, call: Call) -> tuple[str, ...]:
        """Segments that are there, of a pattern."""
        pattern = call.arguments[0]
        found = [name for name in self.design().segments() if fnmatchcase(name, pattern)]
        if not found:
            raise VendorError(f"there is no segment {pattern}")
        return tuple(f"bd_segment:{name}" for name in found)

    def _named(self, kind: str, target: str) -> str:
        found, _, name = target.partition(":")
        if found != kind:
            raise VendorError(f"{target} is no {kind}")
        return name

    def do_connect_bd_net(self, call: Call) -> None:
        """Join pins."""
        self.design().connect([self._named("bd_pin", each) for each in call.arguments])

    def do_connect_bd_intf_net(self, call: Call) -> None:
        """Join buses."""
        source, sink = (self._named("bd_bus", each) for each in call.arguments)
        self.design().join(source, sink)

    def do_make_bd_intf_pins_external(self, call: Call) -> None:
        """Take pads out of the design."""
        for each in call.arguments:
            name = self._named("bd_bus", each)
            if self.design().bus(name).kind != "pads":
                raise VendorError(f"{name} does not go to pads")
            self.design().pads.add(name)

    def do_assign_bd_address(self, call: Call) -> None:
        """Map a segment."""
        space = self._named("bd_space", call.values["-target_address_space"])
        (segment,) = (self._named("bd_segment", each) for each in call.arguments)
        start = int(call.values["-offset"], 0)
        self.design().assign(space, segment, start, size(call.values["-range"]))

    def do_exclude_bd_addr_seg(self, call: Call) -> None:
        """Hide a segment."""
        space = self._named("bd_space", call.values["-target_address_space"])
        self.design().exclude(space, self._named("bd_segment", call.arguments[0]))

    def do_validate_bd_design(self, _: Call) -> None:
        """Check all of it."""
        self.design().validate()

    def do_generate_target(self, call: Call) -> None:
        """Write what comes of a valid design, the handoff to the host among it."""
        if call.arguments != ("all", "file:system.bd") or not self.design().valid:
            raise VendorError("generate_target: the block design was not validated")
        folder = self._project().folder / "system.gen/sources_1/bd/system/hw_handoff"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "system.hwh").write_text("<EDKSYSTEM/>")
        self.generated = True

    def do_make_wrapper(self, call: Call) -> None:
        """The module around the block design."""
        if not self.generated or not {"-top", "-import"} <= call.flags:
            raise VendorError("make_wrapper: nothing to wrap, or not imported as the top")
