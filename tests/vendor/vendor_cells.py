"""Cells of a block design: the vendor's, of `cells.toml`, and our core, of its Verilog."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vendor_commands import VendorError

CATALOG: dict[str, Any] = tomllib.loads(Path(__file__).with_name("cells.toml").read_text("utf-8"))
_PORT = re.compile(r"^  (input|output) +wire +(?:\[(\d+):0\] +)?(\w+)[,\n]", re.MULTILINE)
_MARK = re.compile(r'\(\* (X_INTERFACE_\w+) = "([^"]*)" \*\)')
_AXI_LITE = ("awaddr", "awvalid", "wdata", "wstrb", "bresp", "bready", "araddr", "rdata", "rresp")
_AXI_FULL = (*_AXI_LITE, "awlen", "awsize", "awburst", "wlast", "arlen", "arsize", "rlast")
_STREAM = ("tdata", "tvalid", "tready", "tlast")


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin of a cell; a `source_reset` comes from outside and is not in step with the clock."""

    name: str
    kind: str
    out: bool = False


@dataclass(frozen=True, slots=True)
class Interface:
    """A bus of a cell: the address space of a master, the segments of a slave, in a folder."""

    name: str
    kind: str
    master: bool = False
    space: str = ""
    folder: str = ""
    segments: tuple[str, ...] = ()
    window: tuple[int, int] = (0, 1 << 32)


@dataclass
class Cell:
    """An instance, whose settings decide which pins it has."""

    name: str
    row: Mapping[str, Any]
    settings: dict[str, str] = field(default_factory=dict)

    def set(self, name: str, value: str) -> None:
        """Set a property; raises VendorError if the cell has none of that name."""
        if name not in self.row["settings"]:
            raise VendorError(f"{self.name} has no property CONFIG.{name}")
        self.settings[name] = value

    def setting(self, name: str) -> str:
        """What a property is."""
        return str(self.settings.get(name, self.row["settings"][name]))

    def pins(self) -> dict[str, Pin]:
        """The pins by name."""
        found = (Pin(**self._filled(row, at)) for row, at in self._rows("pins"))
        return {pin.name: pin for pin in found}

    def interfaces(self) -> dict[str, Interface]:
        """The buses by name."""
        found = (Interface(**self._filled(row, at)) for row, at in self._rows("interfaces"))
        return {each.name: each for each in found}

    def _rows(self, kind: str) -> Iterator[tuple[Mapping[str, Any], dict[str, int]]]:
        for row in self.row[kind]:
            count = row.get("count", 1)
            for i in range(int(self.setting(count)) if isinstance(count, str) else count):
                at = {"i": i, "j": i + row.get("offset", 0)}
                when = row.get("when", "").format(**at)
                if not when or self.setting(when) == "1":
                    yield row, at

    def _filled(self, row: Mapping[str, Any], at: dict[str, int]) -> dict[str, Any]:
        def fill(value: Any) -> Any:
            if isinstance(value, str):
                return value.format(**at)
            return tuple(map(fill, value)) if isinstance(value, list) else value

        skipped = ("when", "count", "offset")
        return {key: fill(value) for key, value in row.items() if key not in skipped}


def core_row(text: str, top: str) -> dict[str, Any]:
    """What the packager finds in the Verilog of a top: a row as those of the catalog."""
    body = text[text.find(f"module {top} (") :]
    if f"module {top} (" not in text:
        raise VendorError(f"no module {top} in its file")
    marks, ports, widths = _marks(body), set(), {}
    for _, msb, name in _PORT.findall(body):
        ports.add(name)
        widths[name] = int(msb or 0) + 1
    associated = marks.get("aclk", {}).get("ASSOCIATED_BUSIF", "").split(":")
    pins = [
        {"name": name, "kind": kind, "out": kind == "interrupt"}
        for name, kind in (("aclk", "clock"), ("aresetn", "reset"), ("interrupt", "interrupt"))
        if _is_marked(kind, marks.get(name, {})) and name in ports
    ]
    prefixes = sorted({name.rpartition("_")[0] for name in ports if "_ax" in name})
    buses = [_bus(prefix, ports, widths, prefix in associated) for prefix in prefixes]
    return {"settings": {}, "pins": pins, "interfaces": buses}


def _marks(body: str) -> dict[str, dict[str, str]]:
    """The attributes of each marked port, those of X_INTERFACE_PARAMETER one by one."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in body.splitlines():
        if mark := _MARK.search(line):
            if mark[1] == "X_INTERFACE_INFO":
                current["info"] = mark[2]
            else:
                pairs = (pair.partition(" ") for pair in mark[2].split(", "))
                current.update((key, value) for key, _, value in pairs)
        elif (port := re.search(r"(\w+),?$", line)) and current:
            found[port[1]], current = current, {}
    return found


def _is_marked(kind: str, marks: dict[str, str]) -> bool:
    needed = {
        "clock": ("signal:clock:1.0", "ASSOCIATED_RESET", "aresetn"),
        "reset": ("signal:reset:1.0", "POLARITY", "ACTIVE_LOW"),
        "interrupt": ("signal:interrupt:1.0", "SENSITIVITY", "LEVEL_HIGH"),
    }
    vlnv, key, value = needed[kind]
    return f"xilinx.com:{vlnv} " in marks.get("info", "") and marks.get(key) == value


def _bus(prefix: str, ports: set[str], widths: dict[str, int], clocked: bool) -> dict[str, Any]:
    """A bus by the names of its ports; raises VendorError where one is missing."""
    is_stream, is_master = prefix.endswith("_axis"), prefix.startswith("m")
    wanted = _STREAM if is_stream else _AXI_FULL if is_master else _AXI_LITE
    missing = [name for name in wanted if f"{prefix}_{name}" not in ports]
    if missing:
        raise VendorError(f"the bus {prefix} has no {', '.join(missing)}")
    if not clocked:
        raise VendorError(f"the bus {prefix} is not associated with aclk")
    row = {"name": prefix, "kind": "axis" if is_stream else "aximm"}
    if is_stream:
        return {**row, "master": is_master}
    if is_master:
        top = 1 << widths[f"{prefix}_awaddr"]
        return {**row, "master": True, "space": prefix, "window": [0, top]}
    return {**row, "folder": prefix, "segments": ["reg0"]}
