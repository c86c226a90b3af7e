"""Compiles a generated top with Verilator into a shared object with a C interface.

The object is kept in a cache under the digest of the sources, the harness, the tools and their
flags: a design is compiled once, and a second time with its internal streams visible if traced.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.memory_registers import register_offset
from shiftloom.rtl_sim import tools
from shiftloom.rtl_sim.cache import Cache, digest_of
from shiftloom.rtl_sim.memory import SimMemory

LIBRARY = "libsim.so"
MAX_WIDTH = 512
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VERILATOR_FLAGS = (
    *("--cc", "--prefix", "Vsim", "--Mdir", "."),
    *("-O3", "--x-assign", "fast", "--x-initial", "fast"),
    *("--output-split", "0", "--output-split-cfuncs", "2000"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-style"),
)
_PROBE_FLAGS = ("--public-depth", "1")
_CXX_FLAGS = (
    *("-std=c++17", "-O2", "-fPIC", "-w", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0"),
    *("-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0"),
)
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
_PLAIN = ("-DVM_TRACE=0", "-DVM_TRACE_SAIF=0")
_COUNTING = ("-DVM_TRACE=1", "-DVM_TRACE_SAIF=1")
_COUNT_FLAGS = ("--trace-saif", "--trace-max-width", "0", "--trace-max-array", "1")
_NETS = "nets.hpp"


@dataclass(frozen=True, slots=True)
class Probe:
    """An internal stream: `<name>_tdata`, `_tvalid`, `_tready` in the top module, `width` bits."""

    name: str
    width: int


PATIENCE = 1_000_000


@dataclass(frozen=True, slots=True)
class SimTop:
    """A top module to simulate: its sources in reading order and the size of its streams.

    Ports: `aclk`, `aresetn`, `s_axis_*` and `m_axis_*` (`tdata`, `tvalid`, `tready`, `tlast`) and
    a 32-bit AXI4-Lite slave `s_axi_*`. Widths are bits of `tdata`, whole
    bytes up to 512; beats are beats a frame. With `memory` also masters `m<i>_axi_*`, and the
    registers MEMORY_BASE, written before the first frame, and ERRORS. `quality` holds the reset
    values of the registers QUALITY<i>. `patience` counts the clocks without a handshake at either
    end that are a deadlock. `writes` are byte offsets of registers and the words to write there,
    one by one, before the first frame.
    """

    name: str
    sources: tuple[Path, ...]
    in_width: int
    in_beats: int
    out_width: int
    out_beats: int
    probes: tuple[Probe, ...] = ()
    memory: SimMemory | None = None
    patience: int = PATIENCE
    quality: tuple[int, ...] = ()
    writes: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what the harness cannot drive, by name."""
        for port, width in (("s_axis_tdata", self.in_width), ("m_axis_tdata", self.out_width)):
            if width % 8 or not 8 <= width <= MAX_WIDTH:
                limit = f"use a multiple of 8 from 8 to {MAX_WIDTH}"
                raise ShiftloomError(self.name, f"{port} is {width} bits wide", limit)
        for side, beats in (("input", self.in_beats), ("output", self.out_beats)):
            if beats < 1:
                raise ShiftloomError(self.name, f"{beats} {side} beats a frame", "use 1 or more")
        for name in (self.name, *(probe.name for probe in self.probes)):
            if not _IDENTIFIER.fullmatch(name):
                raise ShiftloomError(self.name, f"{name!r} is no plain identifier of Verilog")

    @property
    def in_bytes(self) -> int:
        """Bytes an input beat."""
        return self.in_width // 8

    @property
    def out_bytes(self) -> int:
        """Bytes an output beat."""
        return self.out_width // 8


@dataclass(frozen=True, slots=True)
class ProbeSignals:
    """What the harness template needs of a probe: its C++ signal prefix and bytes a beat."""

    signal: str
    bytes: int


def probe_bytes(probe: Probe) -> int:
    """Bytes that hold a beat of the probe, the last one padded with zero bits."""
    return (probe.width + 7) // 8


def compile_top(top: SimTop, cache: Cache, *, probed: bool = False, counted: bool = False) -> Path:
    """The shared object that simulates `top`, from the cache or newly compiled.

    With `probed`, the internal streams named in `top.probes` are recorded on every handshake;
    that variant is slower. With `counted`, a SAIF file is written of every net but the words inside
    memories. Raises ToolMissing, or ShiftloomError with the tool's own message.
    """
    harness = render_harness(top, top.probes if probed else (), counted)
    more = (*(_PROBE_FLAGS if probed else ()), *(_COUNT_FLAGS if counted else ()))
    return compile_model(top.name, top.sources, harness, cache, more, counted)


def compile_model(
    top: str,
    sources: tuple[Path, ...],
    harness: str,
    cache: Cache,
    flags: tuple[str, ...] = (),
    counted: bool = False,
) -> Path:
    """The shared object of a top module and the C++ that drives it, from the cache or newly made.

    `flags` are further ones for Verilator, `counted` those of the compiler for a SAIF file.
    """
    found = _Compiler(*(tools.require(name) for name in ("verilator", "perl", "g++")))
    flags = (*_VERILATOR_FLAGS, *flags, "--top-module", top)
    nets = (own_text(_NETS),) if counted else ()
    digest = digest_of(harness, *nets, *flags, *_CXX_FLAGS, *found.versions, *sources)

    def build(folder: Path) -> None:
        runtime = found.runtime(cache, counted)
        (folder / "rtl").mkdir()
        for path in sources:  # the object keeps their names, which must not tell where they were
            shutil.copy(path, folder / "rtl")
        names = [f"../rtl/{path.name}" for path in sources]
        found.verilate(top, [*flags, *names], folder / "model")
        found.link(top, (*nets, harness), folder / "model", runtime)
        (folder / "model" / LIBRARY).rename(folder / LIBRARY)
        for name in ("model", "rtl"):
            shutil.rmtree(folder / name)

    return cache.get_or_build(f"sim-{digest}", build) / LIBRARY


def own_text(name: str) -> str:
    """A file of this package."""
    return (files("shiftloom.rtl_sim") / name).read_text(encoding="utf-8")


def render_harness(top: SimTop, probes: tuple[Probe, ...], counted: bool = False) -> str:
    """The C++ that drives `top`, recording `probes`, and counting toggles with `counted`."""
    return render_own(
        "harness.cpp.j2",
        counted=counted,
        in_bytes=top.in_bytes,
        in_beats=top.in_beats,
        out_bytes=top.out_bytes,
        out_beats=top.out_beats,
        probes=[ProbeSignals(_root_name(top, probe), probe_bytes(probe)) for probe in probes],
        masters=[f"m{i}_axi" for i in range(top.memory.ports if top.memory else 0)],
        basics=own_text("basics.hpp"),
        memory_model=own_text("memory_model.hpp"),
        base_register=register_offset("MEMORY_BASE"),
        errors_register=register_offset("ERRORS"),
    )


def render_own(template: str, **values: object) -> str:
    """A template of this package, rendered."""
    environment = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        variable_start_string="@{",
        variable_end_string="}@",
        line_statement_prefix="//%",
    )
    return environment.from_string(own_text(template)).render(**values)


def _root_name(top: SimTop, probe: Probe) -> str:
    """How Verilator names a signal of the top module; it escapes a double underscore."""
    return "__DOT__".join(name.replace("__", "___05F") for name in (top.name, probe.name))


def _included(names: Iterable[str]) -> str:
    return "".join(f'#include "{name}"\n' for name in names)


@dataclass(frozen=True, slots=True)
class _Compiler:
    """The programs that make a shared object, found."""

    verilator: tools.ToolStatus
    perl: tools.ToolStatus
    gxx: tools.ToolStatus

    @property
    def versions(self) -> tuple[str, ...]:
        found = (self.verilator, self.perl, self.gxx)
        return tuple(f"{status.name} {status.version}" for status in found)

    @property
    def include(self) -> Path:
        """Verilator's own sources, which a model is compiled with."""
        return Path(self.verilator.path).parents[1] / "include"

    @property
    def _includes(self) -> tuple[str, ...]:
        """Where headers are, by a name that is the same everywhere in what is compiled."""
        return (f"-I{self.include}", f"-ffile-prefix-map={self.include}=verilated")

    def runtime(self, cache: Cache, counted: bool) -> tuple[Path, ...]:
        """Verilator's run-time library as objects, the same for every model of a kind."""
        flags = (*_CXX_FLAGS, *(_COUNTING if counted else _PLAIN))
        names = (*_RUNTIME, *(("verilated_saif_c.cpp",) if counted else ()))
        digest = digest_of(*flags, *self.versions)

        def build(folder: Path) -> None:
            command = [self.gxx.path, *flags, *self._includes, "-c"]
            sources = [str(self.include / name) for name in names]
            self._call("verilator", [*command, *sources], folder)

        folder = cache.get_or_build(f"verilated-{digest}", build)
        return tuple(folder.resolve() / Path(name).with_suffix(".o") for name in names)

    def verilate(self, node: str, arguments: list[str], folder: Path) -> None:
        """Translate a top into C++ in `folder`."""
        folder.mkdir()
        self._call(node, [self.perl.path, self.verilator.path, *arguments], folder)

    def link(
        self, node: str, own: tuple[str, ...], folder: Path, runtime: tuple[Path, ...]
    ) -> None:
        """Compile the model and its harness as one unit, so that calls between them inline.

        `own` is the harness, behind what stands in front of the model where there is something.
        """
        *before, harness = own
        names = sorted(path.name for path in folder.glob("Vsim*.cpp"))
        traced = [name for name in names if "__Trace" in name]
        model = _included([name for name in names if name not in traced])
        if traced:  # functions of many thousand lines, each of which runs once a clock
            model += f"#pragma GCC push_options\n#pragma GCC optimize(0)\n{_included(traced)}"
            model += "#pragma GCC pop_options\n"
        text = "".join(before) + model + harness
        (folder / "harness.cpp").write_text(text, encoding="utf-8")
        flags = (*_CXX_FLAGS, *(_COUNTING if before else _PLAIN))
        command = [self.gxx.path, *flags, "-I.", *self._includes, "-shared"]
        objects = [str(path) for path in runtime]
        self._call(node, [*command, "harness.cpp", *objects, "-pthread", "-o", LIBRARY], folder)

    def _call(self, node: str, command: list[str], folder: Path) -> None:
        """Run one step in `folder`; a failure is an error with the start of its message."""
        done = subprocess.run(
            command,
            cwd=folder,
            env=tools.verilator_environment(self.verilator),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if "rror" in line]
            raise ShiftloomError(
                node, "does not compile: " + "; ".join(lines[:3] or ["no message"])
            )
