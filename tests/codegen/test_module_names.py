"""Modules of a design: a unit cannot have the name of another one, nor of one of a board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import numpy as np
import pytest
from refusals import refuses
from unit_graphs import single

from shiftloom.codegen import boards, emit_board, emit_ecp5, emit_rtl, emit_vivado
from shiftloom.codegen.boards import Shell
from shiftloom.codegen.dataflows.streaming.compose import Choices, compose
from shiftloom.codegen.design import Design, Instance, Rom, RomPort, Stream
from shiftloom.codegen.qgraph import Crop
from shiftloom.codegen.values import Array, IntType

NAME = "net"
STREAMS = tuple(Stream(name, "", (1, 4, 1), 1, 8, False) for name in ("given", "between", "made"))
PARTS = {"shell", "registers", "board", "board_registers", "ip", "pins"}
"""What stands behind the name of a design in the modules that are no units."""
SHELLS: tuple[tuple[str, Shell], ...] = (
    ("pynq-z2", "mm"),
    ("pynq-z2", "axis"),
    ("arty-a7-100", "serial"),
    ("ulx3s-85f", "serial"),
)


def design(*units: str, rom: str = "") -> Design:
    """Queues by name, one behind the other; the first one has a memory, if that is named."""
    roms = (RomPort("w", Rom(rom, Array(np.zeros((2, 1), np.int64)), 1), "w"),) if rom else ()
    names = [stream.name for stream in STREAMS]
    instances = tuple(
        Instance(unit, f"of_{unit}", "sl_fifo", (), (source,), (sink,), () if index else roms)
        for index, (unit, source, sink) in enumerate(zip(units, names, names[1:], strict=False))
    )
    return Design(NAME, "ab" * 32, 100.0, "part", STREAMS[: len(units) + 1], instances, (), ())


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_unit_named_like_what_is_around_it_is_refused(part: str) -> None:
    problem = f"its module 'net_{part}' has the name of another one"
    with refuses(f"of_{part}: {problem}; rename it"):
        emit_rtl.emit(design(part), "banner")


@pytest.mark.parametrize(
    ("units", "rom", "owner", "module"),
    [(("a", "a"), "", "a", "a"), (("a", "a_w"), "net_a_w", "a_w", "a_w")],
)
def test_modules_of_one_name_are_refused(
    units: tuple[str, ...], rom: str, owner: str, module: str
) -> None:
    problem = f"its module 'net_{module}' has the name of another one"
    with refuses(f"of_{owner}: {problem}; rename it"):
        emit_rtl.emit(design(*units, rom=rom), "banner")


def test_units_of_other_names_are_emitted() -> None:
    files = emit_rtl.emit(design("shells", "board_w", rom="net_shells_w"), "banner")
    assert {f"net_{name}.sv" for name in ("shells", "shells_w", "board_w")} <= files.keys()


def test_the_names_of_all_modules_around_units_are_known() -> None:
    made = design("a")
    found: set[str] = set(emit_rtl.emit(made, "banner"))
    for name, shell in SHELLS:
        board = boards.get(name).with_shell(shell)
        found |= emit_board.emit(made, shell, "banner").keys()
        found |= emit_ecp5.emit(made, board, "banner").keys()
        found |= emit_vivado.emit(made, board, (), "banner").keys()
    modules = {PurePath(name).stem for name in found if PurePath(name).suffix in (".sv", ".v")}
    own = {name.removeprefix(f"{NAME}_") for name in modules if name.startswith(f"{NAME}_")}
    assert own == PARTS | {"a"}


def test_a_stream_named_like_a_port_is_refused() -> None:
    """In a network of the Python API; front ends make the name another one."""
    qgraph = single(Crop(0, 0), (2, 2, 1), IntType(8, signed=False), (1, 1, 1))
    named = replace(qgraph, nodes=(replace(qgraph.nodes[0], name="m_axis"),), outputs=("m_axis",))
    units = compose(named, Choices())
    made = design("a")
    streams = (*units[0].sources, *units[0].sinks)
    instances = (units[0].instance(),)
    with refuses("m_axis: the name 'm_axis' is a reserved word; rename it"):
        emit_rtl.emit(replace(made, streams=streams, instances=instances), "banner")
