"""Emission of HLS C++: the library headers, weight tables, generated units, top and test bench."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from shiftloom.codegen.design import Design, HlsArray, HlsCall
from shiftloom.codegen.names import check_identifier
from shiftloom.codegen.quality_registers import port_name
from shiftloom.codegen.render import render

_COLUMNS = 100
_INDENT = "  "
_SHELL = ("sl_axis_framer.hpp", "sl_axis_last.hpp")


@dataclass(frozen=True, slots=True)
class _Stream:
    name: str
    width: int
    depth: int


@dataclass(frozen=True, slots=True)
class _Quality:
    """An argument of the top function, and its value where all is exact."""

    name: str
    most: int


@dataclass(frozen=True, slots=True)
class _Top:
    banner: str
    guard: str
    name: str
    in_width: int
    in_beats: int
    out_width: int
    out_beats: int
    streams: tuple[_Stream, ...]
    calls: tuple[str, ...]
    headers: tuple[str, ...]
    memories: tuple[str, ...]
    memory_bytes: int
    image_bytes: int
    qualities: tuple[_Quality, ...]
    signature: str  # of the top function
    arguments: str  # what a simulation gives for them


@dataclass(frozen=True, slots=True)
class _Array:
    ctype: str
    name: str
    dims: tuple[int, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Weights:
    banner: str
    guard: str
    arrays: tuple[_Array, ...]


@dataclass(frozen=True, slots=True)
class _Script:
    banner: str
    name: str
    vectors: tuple[str, ...]
    cflags: str
    part: str
    clock_ns: str


def emit(design: Design, banner: str) -> dict[str, str]:
    """HLS files by name, in the design's `hls/` folder."""
    name, comment = design.name, f"// {banner}"
    weights = f"{name}_weights.hpp"
    arrays = tuple(_array(a) for call in design.calls for a in call.arrays)
    top = _top(design, comment, weights)
    files = {
        f"{name}.hpp": render("hls/top.hpp.j2", top),
        f"{name}.cpp": render("hls/top.cpp.j2", top),
        weights: render(
            "hls/weights.hpp.j2", _Weights(comment, f"{name.upper()}_WEIGHTS_HPP", arrays)
        ),
        "testbench.cpp": render("hls/testbench.cpp.j2", top),
        "batch.cpp": render("hls/batch.cpp.j2", top),
        "build.tcl": render("hls/build.tcl.j2", _script(design, f"# {banner}")),
    }
    for call in design.calls:
        if call.generated is not None:
            unit = call.generated
            text = render(f"hls/{unit.template}.hpp.j2", unit.unit.context(banner))
            files[f"{unit.module}.hpp"] = text
    files.update(_library())
    return files


def _top(design: Design, banner: str, weights: str) -> _Top:
    alias = {fifo.sink: fifo.source for fifo in design.fifos}
    depths = {fifo.source: fifo.depth for fifo in design.fifos}
    streams = tuple(
        _Stream(check_identifier(s.name, s.name), s.width, max(2, depths.get(s.name, 2)))
        for s in design.streams
        if s.name not in alias
    )
    headers = sorted({*_SHELL, weights, *(call.header for call in design.calls)})
    memories = _memories(design.masters)
    qualities = tuple(_Quality(port_name(i), q.most) for i, q in enumerate(design.quality))
    return _Top(
        banner=banner,
        guard=f"{design.name.upper()}_HPP",
        name=design.name,
        in_width=design.source.width,
        in_beats=design.source.beats,
        out_width=design.sink.width,
        out_beats=design.sink.beats,
        streams=streams,
        calls=_calls(design, alias),
        headers=tuple(headers),
        memories=memories,
        memory_bytes=design.memory.size if design.memory else 0,
        image_bytes=len(design.memory.image) if design.memory else 0,
        qualities=qualities,
        signature=signature(
            design.name,
            design.source.width,
            design.sink.width,
            *(f"ap_uint<64>* {memory}" for memory in memories),
            *(f"ap_uint<4> {quality.name}" for quality in qualities),
        ),
        arguments=_arguments(len(memories), len(qualities)),
    )


def _memories(masters: int) -> tuple[str, ...]:
    """The pointers to the external memory, one for each master."""
    return tuple(f"memory{master}" for master in range(masters))


def signature(name: str, in_width: int, out_width: int, *further: str) -> str:
    """The head of the top function, a parameter a line: both streams, then the further ones."""
    head = f"void {name}("
    ends = (("s_axis", in_width), ("m_axis", out_width))
    streams = (f"hls::stream<sl::axis<{width}>>& {stream}" for stream, width in ends)
    return head + f",\n{' ' * len(head)}".join((*streams, *further)) + ")"


def _arguments(memories: int, qualities: int) -> str:
    """Arguments for them: one memory for all pointers, and the array of the qualities."""
    return ", memory.data()" * memories + "".join(f", quality[{i}]" for i in range(qualities))


def _calls(design: Design, alias: dict[str, str]) -> tuple[str, ...]:
    """The calls in order; those with a quality come in the order of the instances."""
    names = map(port_name, range(len(design.quality)))
    return tuple(
        _call(call, alias, (next(names),) if call.quality else ()) for call in design.calls
    )


def _call(call: HlsCall, alias: dict[str, str], quality: tuple[str, ...]) -> str:
    streams = tuple(alias.get(name, name) for name in (*call.sources, *call.sinks))
    arrays = tuple(array.name for array in call.arrays)
    args = (*streams, *_memories(call.masters), *arrays, *quality)
    return call_text(call.function, call.template_args, args)


def call_text(function: str, template_args: Sequence[int], args: Sequence[str]) -> str:
    """A call in the body of the top function, its arguments on lines of their own where needed."""
    template = f"<{', '.join(map(str, template_args))}>" if template_args else ""
    head, arguments = f"sl::{function}{template}(", f"{', '.join(args)});"
    if len(_INDENT + head + arguments) <= _COLUMNS:
        return head + arguments
    margin = 3 * _INDENT
    lines = textwrap.wrap(arguments, _COLUMNS - len(margin), break_long_words=False)
    return head + "".join(f"\n{margin}{line}" for line in lines)


def _array(array: HlsArray) -> _Array:
    values = array.values.data
    rows = tuple(_braces(row) for row in values.tolist())
    return _Array(array.ctype, check_identifier(array.name, array.name), values.shape, rows)


def _braces(values: Sequence[Any] | int) -> str:
    """Nested lists of integers as a C++ initialiser."""
    if isinstance(values, int):
        return str(values)
    return "{" + ", ".join(_braces(value) for value in values) + "}"


def _script(design: Design, banner: str) -> _Script:
    memory = ("../weights/memory.bin",) if design.memory else ()
    return _Script(
        banner,
        design.name,
        ("input.hex", "expected.hex", *memory),
        "-std=c++17",
        design.part,
        f"{1000 / design.clock_mhz:.3f}",
    )


def _library() -> Iterator[tuple[str, str]]:
    folder = resources.files("shiftloom.templates") / "hls" / "lib"
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".hpp"):
            yield entry.name, entry.read_text("utf-8")
