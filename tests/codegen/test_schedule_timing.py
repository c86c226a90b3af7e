"""The token simulation: its compiled loop, which lets units sleep, changes no clock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from graph_nets import SKETCHES, quantized
from graph_plans import random_choices

from shiftloom.codegen.dataflows.streaming import timing
from shiftloom.codegen.dataflows.streaming.compose import compose
from shiftloom.codegen.dataflows.streaming.fifo_sizing import size_fifos
from shiftloom.codegen.dataflows.streaming.timing import dispatch, kernel
from shiftloom.codegen.dataflows.streaming.timing.kernel import Net
from shiftloom.codegen.dataflows.streaming.timing.model import Kind, compiled, entry
from shiftloom.codegen.dataflows.streaming.tokens import Tokens, simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import IntArray

FRAMES = 3
TIMING = Path(kernel.__file__).parent


@pytest.fixture(scope="module", params=list(SKETCHES))
def units(request: pytest.FixtureRequest) -> tuple[Unit, ...]:
    """A graph with branches and joins, planned at random, its FIFOs as deep as needed."""
    qgraph = quantized(request.param).qgraph
    return size_fifos(compose(qgraph, random_choices(qgraph, np.random.default_rng(5))))[0]


@compiled
def _seen(u: int, masks: IntArray, units: IntArray, ports: IntArray) -> int:
    """What unit u sees of its neighbours."""
    mask = 0
    for i in range(kernel.PORTS):
        if units[u, i] >= 0:
            mask |= (masks[units[u, i]] >> ports[u, i] & 1) << i
    return mask


@entry
def plain(net: Net, beats: int) -> int:
    """Every unit in every clock: what it offers, what it accepts, then its registers."""
    clocks, last = 0, len(net.kinds) - 1
    while beats > 0:
        for u in range(last + 1):
            net.valid[u] = dispatch.valid(net.kinds[u], net.params[u], net.state[u])
        for u in range(last, -1, -1):
            net.offered[u] = _seen(u, net.valid, net.feeds, net.feed_ports) if u > 0 else 1
            net.taken[u] = _seen(u, net.ready, net.readers, net.reader_ports) if u < last else 1
            net.ready[u] = dispatch.ready(
                net.kinds[u], net.params[u], net.state[u], net.offered[u], net.taken[u]
            )
        beats -= net.valid[last] & 1
        for u in range(last + 1):
            moved_in, moved_out = net.offered[u] & net.ready[u], net.valid[u] & net.taken[u]
            dispatch.step(net.kinds[u], net.params[u], net.state[u], moved_in, moved_out)
        clocks += 1
    return clocks


def test_sleeping_units_change_no_clock(units: tuple[Unit, ...]) -> None:
    tokens, reference, clock = Tokens(units), Tokens(units).net, 0
    for frame in range(FRAMES):
        clock += plain(reference, units[-1].sinks[0].beats)
        assert tokens.run_frame() == clock, frame
        assert np.array_equal(tokens.net.state, reference.state)


def test_the_interval_is_that_of_any_later_frames(units: tuple[Unit, ...]) -> None:
    found, tokens = simulate(units), Tokens(units)
    ends = [tokens.run_frame() for _ in range(20)]
    assert ends[0] == found.latency
    assert ends[-1] - ends[-2] == found.interval


def test_the_first_frame_may_take_too_long(units: tuple[Unit, ...]) -> None:
    latency = simulate(units).latency
    assert simulate(units, latency=latency).latency == latency
    problem = f"takes no more beats, and no frame has come after {latency - 1} clocks"
    with pytest.raises(ShiftloomError, match=problem):
        simulate(units, latency=latency - 1)


@pytest.mark.parametrize("function", ["valid", "ready", "step"])
def test_every_kind_has_a_file_and_a_line(function: str) -> None:
    """The last line of each function is for the kind that is left."""
    source = (TIMING / "dispatch.py").read_text("utf-8")
    called = re.findall(rf"(\w+)\.{function}\(", source)
    assert sorted(called) == sorted(kind.name.lower() for kind in Kind)
    assert all((TIMING / f"{name}.py").is_file() for name in called)


def test_the_machine_code_is_kept_by_the_content_of_all_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = timing.digest()
    for function in (kernel.run, kernel.trickle):
        closure = vars(function)["py_func"].__closure__
        assert key in [cell.cell_contents for cell in closure]
    for path in TIMING.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    assert timing.digest() == key
    with (tmp_path / "queue.py").open("a") as file:
        file.write("\n")
    assert timing.digest() != key


@pytest.mark.parametrize("is_kept", [True, False])
def test_machine_code_that_cannot_be_kept_does_the_same(
    monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    """As in a folder that cannot be written, or with files that changed while they were read."""
    qgraph = quantized("residual").qgraph
    units = compose(qgraph, random_choices(qgraph, np.random.default_rng(5)))
    asked, njit = [], numba.njit

    def refusing(**options: Any) -> Any:
        asked.append(options.get("cache", False))
        if asked[-1]:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    expected = size_fifos(units)
    monkeypatch.setattr(numba, "njit", refusing)
    run, trickle = kernel._cached("another version", is_kept=is_kept)
    assert asked == [*([True] if is_kept else []), False] * 2
    monkeypatch.setattr(kernel, "run", run)
    monkeypatch.setattr(kernel, "trickle", trickle)
    assert size_fifos(units) == expected
