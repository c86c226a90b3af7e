"""Emission of SystemVerilog: the top, the shell, the units, the library modules in use."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from shiftloom.codegen import axi, emit_unit, loading, register_rtl, registers
from shiftloom.codegen.design import Design, Instance
from shiftloom.codegen.emit_unit import (
    LOAD_RANGE,
    Port,
    is_loaded,
    ports_of,
    quality_range,
    unit_module,
)
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.quality import QUALITY_BITS
from shiftloom.codegen.quality_registers import port_name
from shiftloom.codegen.register_map import registers_of
from shiftloom.codegen.render import ranges, render
from shiftloom.codegen.rtl_library import library

_CORE_MODULES = (
    "sl_axis_framer",
    "sl_axis_last",
    "sl_frame_counters",
    *register_rtl.LIBRARY_MODULES,
)
_MEMORY_MODULES = ("sl_memory_gate",)
_LOAD_MODULES = ("sl_load_port",)
_BOARD_PARTS = ("board", "board_registers", "ip", "pins")
"""Modules `<name>_<part>` of boards, which stand beside those of the units."""


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
    sources: tuple[Port, ...]
    sinks: tuple[Port, ...]
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
    """RTL files by name, in the design's `rtl/` folder; every unit is a module of its own.

    Raises ShiftloomError where a unit or its memory has the name of another module.
    """
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
        made = emit_unit.emit(design, instance, widths, banner)
        _check_free(design, instance, made, files)
        files.update(made)
    roots = {*_core_modules(design), *(i.module for i in design.instances if i.generated is None)}
    files.update(library(roots))
    return files


def _check_free(
    design: Design, instance: Instance, made: Iterable[str], files: Container[str]
) -> None:
    """Refuse files of a unit where others, or those of a board, have their names."""
    boards = {f"{design.name}_{part}.sv" for part in _BOARD_PARTS}
    for name in made:
        if name in boards or name in files:
            problem = f"its module {name.removesuffix('.sv')!r} has the name of another one"
            raise ShiftloomError(instance.node, problem, "rename it")


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


def _top(design: Design, banner: str) -> _Top:
    check_identifier(design.name, design.name)
    checked = tuple(i.name for i in design.instances if i.reports_bad_code)
    source, sink = design.source, design.sink
    in_range, out_range, axil_range, word_range, strobe_range, resp_range, blank = ranges(
        source.width, sink.width, *registers.AXIL_BITS
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
        load_range=LOAD_RANGE,
        masters=axi.master_ports(design.masters),
        qualities=_qualities(design),
        quality_range=quality_range(len(design.quality)).ljust(len(blank)),
    )


def _instances(design: Design) -> tuple[_Instance, ...]:
    widths = {stream.name: stream.width for stream in design.streams}
    slices = iter(_qualities(design))
    return tuple(
        _Instance(
            instance.name,
            unit_module(design, instance),
            *ports_of(instance, widths)[:2],
            instance.reports_bad_code,
            is_loaded(instance),
            next(slices).slice if instance.quality else "",
            axi.unit_ports(instance.masters),
        )
        for instance in design.instances
    )


def _qualities(design: Design) -> tuple[_Quality, ...]:
    """The ports of the register file, as wide as its others, unit 0 in the low bits of all."""
    return tuple(
        _Quality(f"{port_name(i):13}", f"quality[{QUALITY_BITS * (i + 1) - 1}:{QUALITY_BITS * i}]")
        for i in range(len(design.quality))
    )


def _streams(design: Design) -> tuple[_Stream, ...]:
    *texts, blank = ranges(*(stream.width for stream in design.streams))
    return tuple(
        _Stream(check_identifier(stream.name, stream.name), text, blank)
        for stream, text in zip(design.streams, texts, strict=True)
    )
