"""Emission of units: a module each around one of the library and its memories, or generated."""

from __future__ import annotations

from dataclasses import dataclass

from shiftloom.codegen import axi, loading, rom
from shiftloom.codegen.design import Design, Instance, RomBank, RomPort
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.quality import QUALITY_BITS
from shiftloom.codegen.render import ranges, render
from shiftloom.codegen.rtl_library import library

LOAD_RANGE = f"[{loading.LOAD_BITS - 1}:0]"


@dataclass(frozen=True, slots=True)
class _Memory:
    prefix: str
    module: str
    addr_range: str
    data_range: str
    blank: str
    enable: str
    has_enable: bool
    is_loaded: bool
    index: int


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    value: str
    separator: str


@dataclass(frozen=True, slots=True)
class Port:
    """A stream port `<name>_*`: joined to `stream`, `range` of its data, `end` of the last line."""

    name: str
    stream: str
    range: str
    end: str


@dataclass(frozen=True, slots=True)
class _Unit:
    banner: str
    module: str
    library: str
    node: str
    parameters: tuple[_Parameter, ...]
    memories: tuple[_Memory, ...]
    sources: tuple[Port, ...]
    sinks: tuple[Port, ...]
    blank: str
    bad_code: bool
    quality_range: str
    is_loaded: bool
    load_range: str
    memory_ports: tuple[axi.Signal, ...]
    library_ports: tuple[axi.Joined, ...]


def unit_module(design: Design, instance: Instance) -> str:
    """Name of the generated module of a unit."""
    return check_identifier(f"{design.name}_{instance.name}", instance.name)


def unit_files(design: Design, instance: Instance) -> tuple[str, ...]:
    """The files of `rtl/` that a unit alone needs, to synthesize it out of context."""
    names = {f"{unit_module(design, instance)}.sv"}
    for port in instance.roms:
        names |= rom.render_port(port, "").keys()
    if instance.generated is None:
        names |= library({instance.module}).keys()
    return tuple(sorted(names))


def emit(design: Design, instance: Instance, widths: dict[str, int], banner: str) -> dict[str, str]:
    """RTL files of a unit by name: its module and its memories. `widths` are those of streams."""
    files = {f"{unit_module(design, instance)}.sv": _unit(design, instance, widths, banner)}
    for port in instance.roms:
        files.update(rom.render_port(port, banner))
    return files


def _unit(design: Design, instance: Instance, widths: dict[str, int], banner: str) -> str:
    module = unit_module(design, instance)
    if instance.generated is not None:
        unit = instance.generated
        return render(f"rtl/{unit.template}.sv.j2", unit.unit.context(banner))
    last = len(instance.parameters) - 1
    indices = {
        memory.prefix: memory.index
        for memory in loading.loadable(design)
        if memory.instance == instance.name
    }
    sources, sinks, blank = ports_of(instance, widths)
    context = _Unit(
        banner=banner,
        module=module,
        library=instance.module,
        node=instance.node,
        parameters=tuple(
            _Parameter(name, _literal(value), "" if index == last else ",")
            for index, (name, value) in enumerate(instance.parameters)
        ),
        memories=tuple(_memory(port, indices.get(port.prefix)) for port in instance.roms),
        sources=sources,
        sinks=sinks,
        blank=blank,
        bad_code=instance.reports_bad_code,
        quality_range=quality_range(1).ljust(len(blank)) if instance.quality else "",
        is_loaded=is_loaded(instance),
        load_range=LOAD_RANGE,
        memory_ports=axi.unit_ports(instance.masters),
        library_ports=axi.library_ports(instance.masters),
    )
    return render("rtl/unit.sv.j2", context)


def ports_of(
    instance: Instance, widths: dict[str, int]
) -> tuple[tuple[Port, ...], tuple[Port, ...], str]:
    """The stream ports of a unit, sources and sinks, and the blank as wide as their ranges."""
    streams = (*instance.sources, *instance.sinks)
    *texts, blank = ranges(*(widths[name] for name in streams))
    names = [*_port_names("s", len(instance.sources)), *_port_names("m", len(instance.sinks))]
    ends = [","] * (len(streams) - 1) + [""]
    ports = tuple(map(Port, names, streams, texts, ends))
    return ports[: len(instance.sources)], ports[len(instance.sources) :], blank


def _port_names(side: str, count: int) -> tuple[str, ...]:
    """The names of a module's stream ports on one side: numbered where there are several."""
    return (side,) if count == 1 else tuple(f"{side}{i}" for i in range(count))


def is_loaded(instance: Instance) -> bool:
    """Whether a unit has memories that can be loaded."""
    return any(port.load is not None for port in instance.roms)


def quality_range(units: int) -> str:
    """The range of the qualities of some units side by side."""
    return f"[{QUALITY_BITS * units - 1}:0]"


def _literal(value: int) -> str:
    """A 32-bit parameter; the most negative one has no decimal literal."""
    return "32'sh80000000" if value == -(1 << 31) else str(value)


def _memory(port: RomPort, index: int | None) -> _Memory:
    memory = port.rom
    fields = len(memory.roms) if isinstance(memory, RomBank) else 1
    addr_range, data_range, blank = ranges(memory.address_bits * fields, memory.width)
    return _Memory(
        prefix=port.prefix,
        module=memory.module,
        addr_range=addr_range,
        data_range=data_range,
        blank=blank,
        enable=port.enable,
        has_enable=port.enable == port.prefix,
        is_loaded=index is not None,
        index=index or 0,
    )
