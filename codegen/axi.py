"""The ports of 64-bit AXI4 masters without IDs, as the generated modules pass them on."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen.render import ranges

_ADDRESS = {"addr": 32, "len": 8, "size": 3, "burst": 2, "cache": 4, "prot": 3, "valid": 1}
_OUTPUTS = {
    **{f"ar{name}": width for name, width in _ADDRESS.items()},
    "rready": 1,
    **{f"aw{name}": width for name, width in _ADDRESS.items()},
    **{"wdata": 64, "wstrb": 8, "wlast": 1, "wvalid": 1, "bready": 1},
}
_INPUTS = {
    **{"arready": 1, "rdata": 64, "rresp": 2, "rlast": 1, "rvalid": 1},
    **{"awready": 1, "wready": 1, "bresp": 2, "bvalid": 1},
}


@dataclass(frozen=True, slots=True)
class Signal:
    """A port: `input  wire` or `output wire`, its range or as many blanks, its name."""

    direction: str
    range: str
    name: str


def master_ports(masters: int) -> tuple[Signal, ...]:
    """The ports `m<i>_axi_*` of all masters."""
    return tuple(
        signal
        for master in range(masters)
        for direction, widths in (("output wire", _OUTPUTS), ("input  wire", _INPUTS))
        for signal in _signals(direction, f"m{master}_axi_", widths)
    )


def unit_ports(masters: int) -> tuple[Signal, ...]:
    """All that a unit with masters has besides its streams; nothing for one without."""
    if not masters:
        return ()
    inputs = _signals("input  wire", "memory_", {"rst": 1, "base": 32})
    return (*inputs, *_signals("output wire", "memory_", {"error": 1}), *master_ports(masters))


@dataclass(frozen=True, slots=True)
class Joined:
    """A port of a library module: all masters side by side, master 0 in the low bits."""

    name: str
    value: str


def library_ports(masters: int) -> tuple[Joined, ...]:
    """The ports `m_axi_*` of a library module, and what else it has besides its streams."""
    if not masters:
        return ()
    given = (("bus_rst", "memory_rst"), ("memory_base",) * 2, ("memory_error",) * 2)
    order = range(masters - 1, -1, -1)
    joined = (
        (f"m_axi_{name}", f"{{{', '.join(f'm{master}_axi_{name}' for master in order)}}}")
        for name in (*_OUTPUTS, *_INPUTS)
    )
    return tuple(Joined(name, value) for name, value in (*given, *joined))


def _signals(direction: str, prefix: str, widths: dict[str, int]) -> tuple[Signal, ...]:
    """Ports of one direction; the longest range of all ports is that of 64 bits."""
    *texts, blank = ranges(*widths.values(), 64)
    return tuple(
        Signal(direction, blank if width == 1 else text, f"{prefix}{name}")
        for (name, width), text in zip(widths.items(), texts, strict=False)
    )
