"""The handshake models: many like clocks in one step are the same as one at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy

import pytest

from shiftloom.codegen.dataflows.streaming.timing import FOREVER, Pipeline, Queue, Timing
from shiftloom.codegen.dataflows.streaming.vector_timing import VectorTiming
from shiftloom.codegen.dataflows.streaming.width import Joiner, Splitter
from shiftloom.codegen.dataflows.streaming.window_timing import WindowTiming
from shiftloom.codegen.windows import Window

STEPS = 3000
MODELS: dict[str, Callable[[], Timing]] = {
    "pipeline": lambda: Pipeline(5),
    "one register": lambda: Pipeline(1),
    "folded matrix": lambda: Pipeline(4, bytes([0, 0, 0, 0, 0, 1])),
    "pool": lambda: Pipeline(2, bytes([0, 0, 1, 0, 1, 1, 0, 0])),
    "queue": lambda: Queue(3),
    "splitter": lambda: Splitter(4),
    "joiner": lambda: Joiner(5),
    "vector buffer": lambda: VectorTiming(6, 3),
    "vector of one word": lambda: VectorTiming(1, 2),
    "unfolded window": lambda: window((8, 8, 1), Window((3, 3), padding=(1, 1)), 1, 1),
    "sliced window": lambda: window((7, 9, 2), Window((3, 3)), 3, 12),
    "strided window": lambda: window((9, 9, 1), Window((3, 3), (2, 2), (1, 1)), 9, 9),
    "flushed window": lambda: window((5, 5, 1), Window((5, 5), padding=(2, 2)), 5, 5),
}


def window(shape: tuple[int, int, int], geometry: Window, slices: int, folds: int) -> WindowTiming:
    """The model of a window unit with the row banks the unit would have."""
    rows = geometry.kernel[0] + geometry.stride[0]
    output = geometry.output("window", shape)
    return WindowTiming(shape, geometry, output, rows, (slices, folds))


def flags(model: Timing) -> tuple[bool, bool, bool]:
    """What the neighbours can see."""
    return model.valid(), model.ready(False), model.ready(True)


@pytest.mark.parametrize("name", MODELS)
def test_steady_clocks_in_one_step(name: str) -> None:
    model, rng = MODELS[name](), random.Random(name)
    leaps = 0
    for _ in range(STEPS):
        given = model.valid() and rng.random() < 0.7
        taken = model.ready(given) and rng.random() < 0.7
        steady = model.steady(taken, given)
        clocks = min(steady, rng.choice([1, 1, 2, 5, 1000]))
        single, seen = deepcopy(model), flags(model)
        for _ in range(min(clocks, 50)):
            assert flags(single) == seen
            single.step(taken, given, 1)
        model.step(taken, given, clocks)
        if clocks <= 50:
            assert model.state() == single.state()
        leaps += clocks > 1
    assert leaps > STEPS // 100


@pytest.mark.parametrize("name", MODELS)
def test_forever_means_no_change(name: str) -> None:
    model, rng = MODELS[name](), random.Random(name)
    found = 0
    for _ in range(STEPS):
        given = model.valid() and rng.random() < 0.5
        taken = model.ready(given) and rng.random() < 0.5
        before = model.state()
        if model.steady(taken, given) == FOREVER:
            model.step(taken, given, 1)
            assert model.state() == before
            found += 1
        else:
            model.step(taken, given, 1)
    assert found
