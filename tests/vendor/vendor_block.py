"""A model of a block design: cells, what joins their pins and buses, and the addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vendor_cells import Cell, Interface, Pin
from vendor_commands import VendorError

_UNITS = {"K": 10, "M": 20, "G": 30}


def size(text: str) -> int:
    """The bytes of a range such as 64K or 0x1000; raises VendorError unless a power of two."""
    try:
        unit = _UNITS.get(text[-1:], 0)
        value = int(text[:-1] if unit else text, 0) << unit
    except ValueError:
        value = 0
    if value < 1 or value & (value - 1):
        raise VendorError(f"the range {text} is no power of two")
    return value


@dataclass(frozen=True, slots=True)
class Mapped:
    """A segment in an address space; of one that is excluded, no bytes."""

    segment: str
    start: int
    bytes: int


@dataclass
class Block:
    """The design under construction. Names of pins, buses, spaces and segments are CELL/NAME."""

    cells: dict[str, Cell] = field(default_factory=dict)
    drivers: dict[str, str] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    pads: set[str] = field(default_factory=set)
    mapped: dict[str, list[Mapped]] = field(default_factory=dict)
    valid: bool = False

    def add(self, cell: Cell) -> None:
        """Another cell; raises VendorError if its name is taken."""
        if cell.name in self.cells:
            raise VendorError(f"there is a cell {cell.name} already")
        self.cells[cell.name] = cell

    def cell(self, name: str) -> Cell:
        """The cell of a name; raises VendorError."""
        if name not in self.cells:
            raise VendorError(f"there is no cell {name}")
        return self.cells[name]

    def pin(self, path: str) -> Pin:
        """The pin of a path; raises VendorError."""
        cell, _, name = path.rpartition("/")
        found = self.cell(cell).pins().get(name)
        if found is None:
            raise VendorError(f"the cell {cell} has no pin {name}")
        return found

    def bus(self, path: str) -> Interface:
        """The bus of a path; raises VendorError."""
        cell, _, name = path.rpartition("/")
        found = self.cell(cell).interfaces().get(name)
        if found is None:
            raise VendorError(f"the cell {cell} has no interface {name}")
        return found

    def spaces(self) -> dict[str, tuple[str, Interface]]:
        """Address spaces, and the bus of each with its path."""
        return {
            f"{cell.name}/{bus.space}": (f"{cell.name}/{bus.name}", bus)
            for cell in self.cells.values()
            for bus in cell.interfaces().values()
            if bus.space
        }

    def segments(self) -> dict[str, str]:
        """Segments, and the path of the bus that leads to each."""
        return {
            f"{cell.name}/{bus.folder}/{segment}": f"{cell.name}/{bus.name}"
            for cell in self.cells.values()
            for bus in cell.interfaces().values()
            for segment in bus.segments
        }

    def connect(self, paths: list[str]) -> None:
        """Join pins of one kind, of which one drives; raises VendorError."""
        pins = {path: self.pin(path) for path in paths}
        drivers = [path for path, pin in pins.items() if pin.out]
        if len(drivers) != 1:
            raise VendorError(f"{len(drivers)} of {', '.join(paths)} drive")
        kinds = {pin.kind for pin in pins.values()}
        if len(kinds) != 1:
            raise VendorError(f"{' and '.join(paths)} are a {' and a '.join(sorted(kinds))}")
        for path in paths:
            if path != drivers[0] and self.drivers.setdefault(path, drivers[0]) != drivers[0]:
                raise VendorError(f"{path} is driven by {self.drivers[path]} already")

    def join(self, source: str, sink: str) -> None:
        """Join two buses, master first; raises VendorError."""
        one, other = self.bus(source), self.bus(sink)
        if not one.master or other.master or one.kind != other.kind:
            raise VendorError(f"{source} cannot lead to {sink}")
        for path in (source, sink):
            if path in self.joined:
                raise VendorError(f"{path} is connected already")
        self.joined[source], self.joined[sink] = sink, source

    def assign(self, space: str, segment: str, start: int, length: int) -> None:
        """Map a segment into a space; raises VendorError."""
        window = self._reaches(space, segment).window
        if start % length:
            raise VendorError(f"{segment} at {start:#x} is not aligned to its range")
        if not window[0] <= start <= start + length <= window[1]:
            raise VendorError(f"{segment} at {start:#x} is outside of the window of {space}")
        for other in self.mapped.setdefault(space, []):
            if start < other.start + other.bytes and other.start < start + length:
                raise VendorError(f"{segment} overlaps {other.segment} in {space}")
        self.mapped[space].append(Mapped(segment, start, length))

    def exclude(self, space: str, segment: str) -> None:
        """Hide a segment from a space; raises VendorError."""
        self._reaches(space, segment)
        self.mapped.setdefault(space, []).append(Mapped(segment, 0, 0))

    def _reaches(self, space: str, segment: str) -> Interface:
        path, bus = self.spaces()[space]
        if self.segments()[segment] not in self._ends(path):
            raise VendorError(f"{space} does not lead to {segment}")
        if any(other.segment == segment for other in self.mapped.get(space, [])):
            raise VendorError(f"{segment} is mapped into {space} already")
        return bus

    def _ends(self, master: str) -> Iterator[str]:
        """Buses that a master leads to, through all joints."""
        sink = self.joined.get(master)
        if sink is None:
            return
        cell = sink.rpartition("/")[0]
        if self.bus(sink).segments:
            yield sink
            return
        for bus in self.cell(cell).interfaces().values():
            if bus.master and not bus.space:
                yield from self._ends(f"{cell}/{bus.name}")

    def validate(self) -> None:
        """Raise VendorError unless all is connected and mapped."""
        for cell in self.cells.values():
            self._check_pins(cell)
            self._check_buses(cell)
        for space, (path, _) in self.spaces().items():
            known = {each.segment for each in self.mapped.get(space, [])}
            for segment, end in self.segments().items():
                if end in self._ends(path) and segment not in known:
                    raise VendorError(f"{segment} is not mapped into {space}")
        self.valid = True

    def _check_pins(self, cell: Cell) -> None:
        driving = set(self.drivers.values())
        for name, pin in cell.pins().items():
            path = f"{cell.name}/{name}"
            needed = pin.kind != "reset" or not pin.out
            if needed and path not in (driving if pin.out else self.drivers):
                raise VendorError(f"the pin {path} is not connected")

    def _check_buses(self, cell: Cell) -> None:
        for name in cell.interfaces():
            path = f"{cell.name}/{name}"
            if path not in self.joined and path not in self.pads:
                raise VendorError(f"the interface {path} is not connected")
