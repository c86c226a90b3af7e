"""The systolic engine in HLS C++: compiled parts of networks equal the golden model."""

from __future__ import annotations

import math
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import graph_nets
import numpy as np
import pytest
from engine_parts import frames, pad_of, part_to, systolic_plan
from hls_build import (
    LIBRARY,
    WeightsContext,
    array_context,
    copy_library,
    from_bytes,
    render_here,
    to_bytes,
)
from hls_units import Port, Table

from shiftloom.codegen import golden
from shiftloom.codegen.dataflows.engine.interpret import fronted
from shiftloom.codegen.dataflows.engine.lowering import lower
from shiftloom.codegen.dataflows.engine.operations import Lanes
from shiftloom.codegen.dataflows.systolic.compiled import Program, compile_program
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.render import render
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.hls_engine import CXX_FLAGS, compile_cpp

FRAMES = 3
FLAGS = tuple("-O1" if flag == "-O3" else flag for flag in CXX_FLAGS)


@dataclass(frozen=True)
class Engine:
    """Part of a test network up to a matrix product on an array, in tiles."""

    network: str
    mac: str
    array: tuple[int, int]
    ports: int
    tile: tuple[int, int]
    is_split: bool

    @cached_property
    def part(self) -> QGraph:
        """The part."""
        return part_to(graph_nets.quantized(self.network).qgraph, self.mac)

    @cached_property
    def program(self) -> Program:
        """Its program."""
        operations = lower(self.part, Lanes(*self.array))
        plan = systolic_plan(operations, self.ports, self.tile, self.is_split)
        return compile_program(operations, plan)

    @property
    def source(self) -> Port:
        """The input, as many elements a beat as a word takes."""
        rows, shape = self.array[0], self.program.operations.source.tensor.shape
        channels = shape[2]
        elements = channels if channels <= rows else math.gcd(channels, rows)
        return Port(elements, 8, False, math.prod(shape) // elements)

    @property
    def sink(self) -> Port:
        """The sums."""
        last = self.program.operations.ops[-1]
        beats = last.pixels * -(-self.program.operations.channels // self.array[1])
        return Port(self.array[1], self.program.widths.acc_bits, True, beats)

    @property
    def arguments(self) -> tuple[int, ...]:
        """Template arguments."""
        made, (rows, columns) = self.program, self.array
        name, plan = made.operations.source.name, made.plan
        source, channels = made.operations.map(name), made.operations.source.tensor.shape[2]
        turns = (made.weight, made.res, made.store)
        used = (any(turn.residual for turn in made.turns), any(turn.store for turn in made.turns))
        counts = [len(turn.data) * flag for turn, flag in zip(turns, (1, *used), strict=True)]
        return (
            *(rows, columns, 0, *(value for _, value in made.widths.parameters())),
            *(plan.pixels, plan.buffer, len(made.prog.data), len(made.load.data), *counts),
            *(len(made.step.data), len(made.bias.data), self.ports, self.source.elements),
            *(channels // self.source.elements, source.plane, made.layout.start[name]),
            *(made.layout.stride, -(-channels // rows)),
        )

    @property
    def tables(self) -> tuple[Table, ...]:
        """The arrays of the call."""
        made = self.program
        scale = (made.c.data.astype(np.int64) << made.widths.m_bits) + made.m.data
        words = {"prog": made.prog, "load": made.load, "weight": made.weight, "res": made.res}
        programs = [Table(n, "std::uint32_t", a.data) for n, a in words.items()]
        return (
            *programs,
            Table("store", "std::uint32_t", made.store.data),
            Table("step", "std::uint16_t", made.step.data),
            Table("bias", "std::int64_t", made.bias.data),
            Table("scale", "std::int64_t", scale),
        )


ENGINES = (
    Engine("residual", "linear15", (8, 8), 1, (99, 99), False),
    Engine("branches", "linear13", (8, 16), 2, (2, 99), False),
    Engine("grouped", "conv2d9", (16, 32), 1, (1, 3), True),
    Engine("formats", "linear10", (8, 8), 2, (2, 99), True),
)


@dataclass(frozen=True)
class UnitContext:
    """One engine of the harness."""

    index: int
    source: int
    sink: int
    args: str
    pointers: str
    tables: str


@dataclass(frozen=True)
class HarnessContext:
    """Context of systolic.cpp.j2."""

    units: tuple[UnitContext, ...]


def _compiled(folder: Path, library: Path, cache: Cache, flags: tuple[str, ...]) -> Path:
    """All engines in one program."""
    units, arrays = [], []
    for index, engine in enumerate(ENGINES):
        names = [f"{table.name}_{index}" for table in engine.tables]
        arrays += [array_context(n, t) for n, t in zip(names, engine.tables, strict=True)]
        units.append(
            UnitContext(
                *(index, engine.source.width, engine.sink.width),
                ", ".join(map(str, engine.arguments)),
                ", ".join(["memory"] * (2 + engine.ports)),
                ", ".join(names),
            )
        )
    weights = WeightsContext("TABLES_HPP", tuple(arrays))
    (folder / "tables.hpp").write_text(render("hls/weights.hpp.j2", weights), encoding="utf-8")
    source = folder / "systolic.cpp"
    text = render_here("systolic.cpp.j2", HarnessContext(tuple(units)))
    source.write_text(text, encoding="utf-8")
    return compile_cpp("systolic", [source], [folder, library], cache, flags)


@pytest.fixture(scope="module")
def program(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engines as simulation runs them."""
    return _compiled(tmp_path_factory.mktemp("native"), LIBRARY, cache, FLAGS)


@pytest.fixture(scope="module")
def exact(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engines with the products of the hardware."""
    flags = ("-DSL_EXACT_WORDS", *FLAGS)
    return _compiled(tmp_path_factory.mktemp("exact"), LIBRARY, cache, flags)


def _agrees(program: Path, engine: Engine, folder: Path) -> bool:
    """Whether random frames give the sums of the golden model."""
    part, made = engine.part, engine.program
    x = frames(part, FRAMES)
    given = fronted(made.operations, x, pad_of(part)).reshape(FRAMES, -1, engine.source.elements)
    paths = [folder / name for name in ("image.bin", "input.bin", "output.bin")]
    made.image.data.tofile(paths[0])
    to_bytes(given, engine.source).tofile(paths[1])
    command = [program, str(ENGINES.index(engine)), str(FRAMES), str(made.layout.size), *paths]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return False
    sums = from_bytes(np.fromfile(paths[2], np.uint8), engine.sink, FRAMES)
    pixels = made.operations.ops[-1].pixels
    kept = sums.reshape(FRAMES, pixels, -1)[:, :, : made.operations.channels]
    return bool((kept.reshape(FRAMES, -1) == golden.run(part, x)).all())


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.network)
def test_engine_gives_the_golden_sums(program: Path, engine: Engine, tmp_path: Path) -> None:
    assert _agrees(program, engine, tmp_path)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.network)
def test_products_of_the_hardware_change_nothing(
    exact: Path, engine: Engine, tmp_path: Path
) -> None:
    assert _agrees(exact, engine, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shift + W_BITS > 64", "shift + W_BITS > 99"),
        ("segment * static_cast<int>(at[6])", "0"),
        ("j * res_stride + p * (R / 8)", "j * res_stride"),
        ("x[lane] > most[lane]", "x[lane] < most[lane]"),
    ],
)
def test_a_mutated_engine_is_caught(cache: Cache, tmp_path: Path, old: str, new: str) -> None:
    library = copy_library(tmp_path / "lib", [("sl_systolic.hpp", old, new)])
    program = _compiled(tmp_path, library, cache, FLAGS)
    assert not all(_agrees(program, engine, tmp_path) for engine in ENGINES)
