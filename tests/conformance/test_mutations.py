"""Faults planted in a small network: each is caught, by the check that is there for it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conformance_nets import Net, bursty_net
from conformance_run import FRAMES, Built, compile_net

from shiftloom import ShiftloomError, open_build, simulate_hls, simulate_rtl
from shiftloom.codegen import golden, requant
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.tokens import simulate
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.qgraph import QNode, Requantize
from shiftloom.codegen.requant import Requantization
from shiftloom.codegen.values import Array
from shiftloom.rtl_sim.cache import Cache

HERE = Path(__file__).parent
DEEP = "pool1_requant"
"""The node whose FIFO the network needs deeper than 2."""
CHANNEL = 2
"""A channel of that node that is not always 0."""

Builder = Callable[[Net], Built]


@pytest.fixture
def build(tmp_path: Path) -> Built:
    """A build of the small network that a test may spoil."""
    return compile_net(bursty_net(), tmp_path)


def _edit(file: Path, pattern: str, change: Callable[[str], str]) -> None:
    """Replace the one group of `pattern`, which must be there once."""
    text = file.read_text("ascii")
    (found,) = re.finditer(pattern, text)
    start, end = found.span(1)
    file.write_text(text[:start] + change(found[1]) + text[end:], "ascii")


def _flip(bit: int) -> Callable[[str], str]:
    """A hexadecimal word with one bit inverted."""

    def change(word: str) -> str:
        return f"{int(word, 16) ^ (1 << bit):0{len(word)}x}"

    return change


def _node(built: Built, name: str) -> QNode:
    return next(node for node in built.opened.qgraph.nodes if node.name == name)


def _first_seen(built: Built) -> tuple[int, int, int]:
    """Frame, row and column of the first activation of the channel that is not 0."""
    values = golden.trace(built.opened.qgraph, built.frames)[DEEP][..., CHANNEL]
    frame, y, x = np.argwhere(values != 0)[0]
    return int(frame), int(y), int(x)


def test_a_flipped_weight_bit_is_caught_and_located(build: Built, cache: Cache) -> None:
    """A word of the weights is an input channel; its lowest code belongs to output channel 0."""
    memory = build.opened.folder / "rtl/bursty_conv2_matrix_weights.sv"
    _edit(memory, rf"mem\[{CHANNEL}\] = \d+'h([0-9a-f]+);", _flip(0))
    result = simulate_rtl(build.opened, build.frames, None, cache)
    frame, y, x = _first_seen(build)
    where = rf"image {frame}, conv2: frame 0 \(y {y}, x {x}, channel 0\) on conv2_sums"
    assert result.mismatches > 0
    assert re.fullmatch(rf"{where}, cycle \d+: got -?\d+, expected -?\d+", result.first)
    reproducer = build.opened.results / "mismatch"
    assert result.first.partition(", ")[2] in (reproducer / "README.txt").read_text("utf-8")
    with np.load(reproducer / "case.npz") as case:
        assert np.array_equal(case["frames_input"], build.frames[frame : frame + 1])
        differs = np.argwhere(case["got"].reshape(case["expected"].shape) != case["expected"])
        assert tuple(differs[0]) == (y, x, 0)


def test_a_flipped_weight_in_the_hls_code_is_caught(build: Built, cache: Cache) -> None:
    table = build.opened.folder / "hls/bursty_weights.hpp"
    _edit(table, r"conv2_matrix_weights[^{]*\{\s*\{\{(\d)", lambda code: str(int(code) ^ 1))
    assert simulate_hls(build.opened, build.frames, None, cache).mismatches > 0


@pytest.mark.parametrize("bit", range(8))
def test_a_mutated_multiplier_fails_its_certificate(built: Builder, bit: int) -> None:
    network = built(bursty_net())
    unit = _node(network, DEEP).unit
    assert isinstance(unit, Requantize)
    function = unit.requantization
    proof = next(c for c in network.quantized.certificates if c.node == DEEP)
    reference = function.line
    whole = requant.certify(DEEP, function, reference, proof.lo, proof.hi)
    assert (whole.channels, whole.lo, whole.hi) == (proof.channels, proof.lo, proof.hi)
    with pytest.raises(
        ShiftloomError, match=rf"{DEEP}: channel {CHANNEL}: sum -?\d+ requantizes to"
    ):
        requant.certify(DEEP, _with_flipped(function, bit), reference, proof.lo, proof.hi)


def _with_flipped(function: Requantization, bit: int) -> Requantization:
    m = function.m.data.copy()
    m[CHANNEL] ^= 1 << bit
    return replace(function, m=Array(m))


def test_a_mutated_multiplier_is_caught_and_located(build: Built, cache: Cache) -> None:
    """The top bit of a multiplier, so that the activations of its channel change by far."""
    rom = build.opened.folder / "rtl/bursty_pool1_requant_unit_multipliers.sv"
    lanes = build.opened.plan.requant(DEEP).lanes
    word, lane = divmod(CHANNEL, lanes)
    _edit(rom, rf"mem\[{word}\] = \d+'h([0-9a-f]+);", _flip(8 * lane + 7))
    result = simulate_rtl(build.opened, build.frames, None, cache)
    assert result.mismatches > 0
    assert re.search(
        rf"image \d+, {DEEP}: .*channel {CHANNEL}\) on {DEEP}, cycle \d+", result.first
    )


def _shallower(units: tuple[Unit, ...], node: str) -> list[Unit]:
    """The chain with the FIFO of `node` one beat shallower."""
    return [
        replace(unit, depth=unit.depth - 1)
        if isinstance(unit, Fifo) and unit.node == node
        else unit
        for unit in units
    ]


def test_a_fifo_one_too_shallow_is_caught(build: Built, cache: Cache) -> None:
    """It lengthens the interval, in the token simulation and by as much in the RTL."""
    opened = build.opened
    depth = next(plan.depth for plan in opened.plan.fifos if plan.fifo == f"{DEEP}_fifo")
    assert depth > 2
    assert simulate(opened.units).interval == opened.plan.interval
    longer = simulate(_shallower(opened.units, DEEP)).interval
    assert longer > opened.plan.interval
    _edit(
        opened.folder / f"rtl/bursty_{DEEP}_fifo.sv", r"\.DEPTH\((\d+)\)", lambda _: f"{depth - 1}"
    )
    result = simulate_rtl(opened, build.frames, None, cache)
    assert (result.mismatches, result.interval) == (0, longer)


def test_the_small_network_runs_unmutated(built: Builder, cache: Cache) -> None:
    """What the mutations are told from: the same network without them is right."""
    network = built(bursty_net())
    result = simulate_rtl(network.opened, network.frames, None, cache)
    assert (result.images, result.mismatches, result.first) == (FRAMES, 0, "")
    assert result.interval == network.opened.plan.interval


_MANIFEST = """
from pathlib import Path
from conformance_nets import bursty_net
from conformance_run import compile_net
compile_net(bursty_net(), Path({folder!r}))
"""


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_same_build_twice_gives_the_same_bytes(
    built: Builder, hash_seed: str, tmp_path: Path
) -> None:
    """In another process, with another order of sets."""
    first = built(bursty_net()).opened.folder
    program = _MANIFEST.format(folder=str(tmp_path))
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{HERE}:{HERE.parent}"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=tmp_path)
    second = tmp_path / first.name
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.parametrize("name", ["rtl/bursty.sv", "hls/bursty.cpp", "golden/arrays.npz"])
def test_a_changed_file_is_refused(build: Built, name: str) -> None:
    path = build.opened.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ShiftloomError, match=rf"{name}: was changed since the build"):
        open_build(build.opened.folder)
