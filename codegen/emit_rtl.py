"""Emission of SystemVerilog: the library modules in use, the memories, generated units, the top."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from shiftloom.codegen import registers, rom
from shiftloom.codegen.design import Design, Instance, RomBank, RomPort
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.render import render

_CORE_MODULES = ("sl_axis_framer", "sl_axis_last", "sl_core_status", *registers.LIBRARY_MODULES)
_MODULE = re.compile(r"^\s*(sl_[a-z0-9_]+)\s*(?:#\s*\(|[a-z_]\w*\s*\()", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Memory:
    prefix: str
    net: str
    module: str
    addr_bits: int
    width: int
    has_enable: bool
    enable_net: str


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class _Instance:
    name: str
    module: str
    parameters: tuple[_Parameter, ...]
    source: str
    sink: str
    memories: tuple[_Memory, ...]
    bad_code: bool


@dataclass(frozen=True, slots=True)
class _Top:
    banner: str
    name: str
    in_width: int
    in_beats: int
    out_width: int
    out_beats: int
    axil_addr_bits: int
    bad_code_expression: str
    streams: tuple[object, ...]
    source: str
    sink: str
    instances: tuple[_Instance, ...]


def emit(design: Design, banner: str) -> dict[str, str]:
    """RTL files by name, in the design's `rtl/` folder."""
    files = {f"{design.name}.sv": _top(design, banner)}
    files[f"{design.name}_registers.sv"] = registers.render_rtl(design.name, design.digest, banner)
    for instance in design.instances:
        for port in instance.roms:
            files.update(rom.render_memory(port.rom, banner))
        if instance.generated is not None:
            unit = instance.generated
            check_identifier(unit.module, instance.name)
            text = render(f"rtl/{unit.template}.sv.j2", unit.unit.context(f"// {banner}"))
            files[f"{unit.module}.sv"] = text
    roots = {*_CORE_MODULES, *(i.module for i in design.instances if i.generated is None)}
    files.update(_library(roots))
    return files


def _top(design: Design, banner: str) -> str:
    check_identifier(design.name, design.name)
    for stream in design.streams:
        check_identifier(stream.name, stream.name)
    checked = [f"{i.name}_bad_code" for i in design.instances if i.reports_bad_code]
    context = _Top(
        banner=banner,
        name=design.name,
        in_width=design.source.width,
        in_beats=design.source.beats,
        out_width=design.sink.width,
        out_beats=design.sink.beats,
        axil_addr_bits=registers.ADDRESS_BITS,
        bad_code_expression=" | ".join(checked) or "1'b0",
        streams=design.streams,
        source=design.source.name,
        sink=design.sink.name,
        instances=tuple(_instance(i) for i in design.instances),
    )
    return render("rtl/top.sv.j2", context)


def _instance(instance: Instance) -> _Instance:
    check_identifier(instance.name, instance.name)
    return _Instance(
        instance.name,
        instance.module,
        tuple(_Parameter(name, _literal(value)) for name, value in instance.parameters),
        instance.source,
        instance.sink,
        tuple(_memory(instance, port) for port in instance.roms),
        instance.reports_bad_code,
    )


def _literal(value: int) -> str:
    """A 32-bit parameter; the most negative one has no decimal literal."""
    return "32'sh80000000" if value == -(1 << 31) else str(value)


def _memory(instance: Instance, port: RomPort) -> _Memory:
    memory = port.rom
    fields = len(memory.roms) if isinstance(memory, RomBank) else 1
    return _Memory(
        prefix=port.prefix,
        net=f"{instance.name}_{port.prefix}",
        module=memory.module,
        addr_bits=memory.address_bits * fields,
        width=memory.width,
        has_enable=port.enable == port.prefix,
        enable_net=f"{instance.name}_{port.enable}_en",
    )


def _library(roots: set[str]) -> dict[str, str]:
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
