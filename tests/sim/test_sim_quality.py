"""Registers of quality in the batch engine, under a generated top of two units that take them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import quality_designs
from quality_designs import BEATS, FRAMES, NAME, wanted

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.compile import Probe
from shiftloom.rtl_sim.engine import SimTop, SimulationError, Stall, run, trace
from shiftloom.rtl_sim.toggles import toggles


@pytest.fixture
def top(simulator: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimTop:
    """The generated top."""
    sources = quality_designs.write_rtl(tmp_path, monkeypatch)
    digits = tuple(unit.most for unit in quality_designs.QUALITY)
    probes = (Probe("between", 8),)
    return SimTop(NAME, sources, 8, BEATS, 8, BEATS, probes, quality=digits)


@pytest.mark.parametrize("stall", [None, Stall(3, 0.3, 0.3)])
@pytest.mark.parametrize("quality", [(1, 1), (2, 15), (15, 2), [4, 3]])
def test_each_unit_has_its_quality(
    top: SimTop, cache: Cache, quality: list[int], stall: Stall | None
) -> None:
    result = run(top, FRAMES, cache=cache, jobs=2, stall=stall, quality=quality)
    assert np.array_equal(result.outputs[..., 0], wanted(*quality))


def test_all_digits_unless_told_otherwise(top: SimTop, cache: Cache) -> None:
    result = run(top, FRAMES, cache=cache, jobs=1)
    assert np.array_equal(result.outputs[..., 0], wanted())
    untold = run(replace(top, quality=()), FRAMES, cache=cache, jobs=1)  # registers after a reset
    assert np.array_equal(untold.outputs, result.outputs)


def test_a_trace_has_the_quality(top: SimTop, cache: Cache) -> None:
    found = trace(top, FRAMES, cache=cache, quality=(9, 1))["between"]
    assert np.array_equal(found.data.reshape(FRAMES.shape), FRAMES + np.uint8(9))


def test_toggles_have_the_quality(top: SimTop, cache: Cache) -> None:
    still = np.zeros_like(FRAMES)
    still[1::2] = 15
    found = [toggles(top, still, cache=cache, quality=(k, 3))["u_first"] for k in (0, 1)]
    assert found[0] - found[1] == 2  # four bits of 0 and 15 change, two of 1 and 16


def test_a_quality_of_other_units_is_refused(top: SimTop, cache: Cache) -> None:
    with pytest.raises(ShiftloomError, match="adding: a quality of 3 units; give 2 numbers"):
        run(top, FRAMES, cache=cache, quality=(1, 2, 3))


def test_a_register_that_is_not_there(top: SimTop, cache: Cache) -> None:
    with pytest.raises(SimulationError, match="adding: a register cannot be written"):
        run(replace(top, quality=(1, 2, 3)), FRAMES, cache=cache)
