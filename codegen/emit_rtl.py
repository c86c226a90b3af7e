"""Emission of SystemVerilog: the library modules in use, the memories, generated units, the top."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from shiftloom.codegen import axi, loading, register_rtl, registers, rom
from shiftloom.codegen.design import Design, Instance, RomBank, RomPort
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.quality import QUALITY_BITS
from shiftloom.codegen.quality_registers import port_name
from shiftloom.codegen.register_map import registers_of
from shiftloom.codegen.render import ranges, render

_AXIL_WIDTHS = (32, 4, 2)
"""Bits of a word, its byte strobes and a response of AXI4-Lite."""
_CORE_MODULES = (
    "sl_axis_framer",
    "sl_axis_last",
    "sl_frame_counters",
    *register_rtl.LIBRARY_MODULES,
)
_MEMORY_MODULES = ("sl_memory_gate",)
_LOAD_MODULES = ("sl_load_port",)
_LOAD_RANGE = f"[{loading.LOAD_BITS - 1}:0]"
_MODULE = re.compile(r"^\s*(sl_[a-z0-9_]+)\s*(?:#\s*\(|[a-z_]\w*\s*\()", re.MULTILINE)


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
class _Port:
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
    sources: tuple[_Port, ...]
    sinks: tuple[_Port, ...]
    blank: str
    bad_code: bool
    quality_range: str
    is_loaded: bool
    load_range: str
    memory_ports: tuple[axi.Signal, ...]
    library_ports: tuple[axi.Joined, ...]


@dataclass(frozen=True, slots=True)
class _Stream:
    name: str
    range: str
    blank: str


@dataclass(frozen=True, slots=True)
class _Quality:
    """The port of the register file with the quality of a unit, and its part of all of them."""

    port: str
    slice: str


@dataclass(frozen=True, slots=True)
class _Instance:
    name: str
    module: str
    sources: tuple[_Port, ...]
    sinks: tuple[_Port, ...]
    bad_code: bool
    is_loaded: bool
    quality: str
    memory_ports: tuple[axi.Signal, ...]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A memory that can be loaded, as the shell says it."""

    index: int
    words: int
    pieces: int
    name: str


@dataclass(frozen=True, slots=True)
class _Top:
    banner: str
    name: str
    in_width: int
    in_beats: int
    out_width: int
    out_beats: int
    in_range: str
    out_range: str
    axil_range: str
    word_range: str
    strobe_range: str
    resp_range: str
    blank: str
    checked: tuple[str, ...]
    bad_code_terms: tuple[str, ...]
    streams: tuple[_Stream, ...]
    source: str
    sink: str
    instances: tuple[_Instance, ...]
    has_memory: bool
    loads: tuple[_Loaded, ...]
    load_range: str
    masters: tuple[axi.Signal, ...]
    qualities: tuple[_Quality, ...]
    quality_range: str


def emit(design: Design, banner: str) -> dict[str, str]:
    """RTL files by name, in the design's `rtl/` folder; every unit is a module of its own."""
    top = _top(design, banner)
    files = {
        f"{design.name}.sv": render("rtl/top.sv.j2", top),
        f"{shell_module(design)}.sv": render("rtl/shell.sv.j2", top),
    }
    files[f"{design.name}_registers.sv"] = register_rtl.render_rtl(
        design.name, design.digest, banner, registers_of(design)
    )
    widths = {stream.name: stream.width for stream in design.streams}
    for instance in design.instances:
        files[f"{unit_module(design, instance)}.sv"] = _unit(design, instance, widths, banner)
        for port in instance.roms:
            files.update(rom.render_port(port, banner))
    roots = {*_core_modules(design), *(i.module for i in design.instances if i.generated is None)}
    files.update(library(roots))
    return files


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


def shell_module(design: Design) -> str:
    """Name of the module that holds the interfaces around the units."""
    return f"{design.name}_shell"


def shell_files(design: Design) -> tuple[str, ...]:
    """The files of `rtl/` that the shell alone needs."""
    own = {f"{shell_module(design)}.sv", f"{design.name}_registers.sv"}
    return tuple(sorted(own | library(set(_core_modules(design))).keys()))


def _core_modules(design: Design) -> tuple[str, ...]:
    """Library modules of the shell."""
    memory = _MEMORY_MODULES if design.memory else ()
    return (*_CORE_MODULES, *memory, *(_LOAD_MODULES if loading.loadable(design) else ()))


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
    sources, sinks, blank = _ports(instance, widths)
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
        quality_range=_quality_range(1).ljust(len(blank)) if instance.quality else "",
        is_loaded=_is_loaded(instance),
        load_range=_LOAD_RANGE,
        memory_ports=axi.unit_ports(instance.masters),
        library_ports=axi.library_ports(instance.masters),
    )
    return render("rtl/unit.sv.j2", context)


def _ports(
    instance: Instance, widths: dict[str, int]
) -> tuple[tuple[_Port, ...], tuple[_Port, ...], str]:
    """The stream ports of a unit, sources and sinks, and the blank as wide as their ranges."""
    streams = (*instance.sources, *instance.sinks)
    *texts, blank = ranges(*(widths[name] for name in streams))
    names = [*_port_names("s", len(instance.sources)), *_port_names("m", len(instance.sinks))]
    ends = [","] * (len(streams) - 1) + [""]
    ports = tuple(map(_Port, names, streams, texts, ends))
    return ports[: len(instance.sources)], ports[len(instance.sources) :], blank


def _port_names(side: str, count: int) -> tuple[str, ...]:
    """The names of a module's stream ports on one side: numbered where there are several."""
    return (side,) if count == 1 else tuple(f"{side}{i}" for i in range(count))


def _top(design: Design, banner: str) -> _Top:
    check_identifier(design.name, design.name)
    checked = tuple(i.name for i in design.instances if i.reports_bad_code)
    source, sink = design.source, design.sink
    in_range, out_range, axil_range, word_range, strobe_range, resp_range, blank = ranges(
        source.width, sink.width, registers.ADDRESS_BITS, *_AXIL_WIDTHS
    )
    return _Top(
        banner=banner,
        name=design.name,
        in_width=source.width,
        in_beats=source.beats,
        out_width=sink.width,
        out_beats=sink.beats,
        in_range=in_range,
        out_range=out_range,
        axil_range=axil_range,
        word_range=word_range,
        strobe_range=strobe_range,
        resp_range=resp_range,
        blank=blank,
        checked=checked,
        bad_code_terms=tuple(f"{name}_bad_code" for name in checked),
        streams=_streams(design),
        source=source.name,
        sink=sink.name,
        instances=_instances(design),
        has_memory=design.memory is not None,
        loads=tuple(
            _Loaded(each.index, each.rom.depth, each.pieces, f"{each.instance}, {each.prefix}")
            for each in loading.loadable(design)
        ),
        load_range=_LOAD_RANGE,
        masters=axi.master_ports(design.memory.ports if design.memory else 0),
        qualities=_qualities(design),
        quality_range=_quality_range(len(design.quality)).ljust(len(blank)),
    )


def _instances(design: Design) -> tuple[_Instance, ...]:
    widths = {stream.name: stream.width for stream in design.streams}
    slices = iter(_qualities(design))
    return tuple(
        _Instance(
            instance.name,
            unit_module(design, instance),
            *_ports(instance, widths)[:2],
            instance.reports_bad_code,
            _is_loaded(instance),
            next(slices).slice if instance.quality else "",
            axi.unit_ports(instance.masters),
        )
        for instance in design.instances
    )


def _is_loaded(instance: Instance) -> bool:
    """Whether a unit has memories that can be loaded."""
    return any(port.load is not None for port in instance.roms)


def _qualities(design: Design) -> tuple[_Quality, ...]:
    """The ports of the register file, as wide as its others, unit 0 in the low bits of all."""
    return tuple(
        _Quality(f"{port_name(i):13}", f"quality[{QUALITY_BITS * (i + 1) - 1}:{QUALITY_BITS * i}]")
        for i in range(len(design.quality))
    )


def _quality_range(units: int) -> str:
    """The range of the qualities of some units side by side."""
    return f"[{QUALITY_BITS * units - 1}:0]"


def _streams(design: Design) -> tuple[_Stream, ...]:
    *texts, blank = ranges(*(stream.width for stream in design.streams))
    return tuple(
        _Stream(check_identifier(stream.name, stream.name), text, blank)
        for stream, text in zip(design.streams, texts, strict=True)
    )


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


def library(roots: set[str]) -> dict[str, str]:
    """Library modules reachable from `roots`, verbatim."""
    folder = resources.files("shiftloom.templates") / "rtl" / "lib"
    files: dict[str, str] = {}
    pending = sorted(roots)
    while pending:
        module = pending.pop()
        name = f"{module}.sv"
        if name in files:
            continue
        files[name] = (folder / name).read_text("utf-8")
        pending.extend(m for m in _MODULE.findall(files[name]) if f"{m}.sv" not in files)
    return files
